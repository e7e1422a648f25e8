"""The way from depth and camera_info to point clouds and poses."""
