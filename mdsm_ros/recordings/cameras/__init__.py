"""Cameras described by CameraInfo, and registration of depth to an image; messages are read by attribute only."""
