"""Readers of what others have written, none of which is believed."""
