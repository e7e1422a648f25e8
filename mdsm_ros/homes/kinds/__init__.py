"""The kinds of things and rooms that homes have, procedural and from the library."""
