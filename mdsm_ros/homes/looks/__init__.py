"""How a room looks: photographic surfaces, pictures on the walls, lamps and daylight."""
