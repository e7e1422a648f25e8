"""The look of a room: photographic surfaces, pictures on the walls, lamps and daylight."""
