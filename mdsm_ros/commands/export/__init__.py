"""``mdsm export``."""
