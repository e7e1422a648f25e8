"""Composed pictures: objects cut out of photographs, pasted into other photographs of the same split."""
