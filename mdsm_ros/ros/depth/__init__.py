"""Depth and camera_info in, point clouds and poses out."""
