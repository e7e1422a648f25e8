"""Conversion of checkpoints of other code bases to model folders of this package."""
