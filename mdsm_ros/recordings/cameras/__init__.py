"""Cameras as CameraInfo describes them, and depth laid over an image; messages are read by attribute only."""
