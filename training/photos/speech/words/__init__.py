"""The names of things and rooms, and what can be done with things."""
