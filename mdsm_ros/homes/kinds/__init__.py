"""The categories of items and types of rooms in homes, procedural and from the library."""
