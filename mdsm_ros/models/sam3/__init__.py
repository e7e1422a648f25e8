"""SAM 3, with public weights."""
