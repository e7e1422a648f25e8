"""Publishes masks at the camera's rate: the newest answer is tracked on every image, in parallel with the model."""
