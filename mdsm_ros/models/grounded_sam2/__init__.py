"""Grounding DINO and SAM 2 together, with public weights."""
