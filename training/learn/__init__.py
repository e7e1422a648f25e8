"""``mdsm learn``: trains a better model for a place from a recording of it, step by step."""
