"""Views of a room: where a camera stands, what it renders, and what is visible."""
