"""Masks at the camera's rate: the newest answer on every image, beside the model."""
