"""Views of a room: camera poses, rendering, and visible items."""
