"""The names of objects and rooms, and verbs for objects."""
