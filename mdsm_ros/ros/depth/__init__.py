"""Converts depth and camera_info to point clouds, poses and grasps."""
