"""Composed images: objects cut out of photographs and pasted into other photographs of the same split."""
