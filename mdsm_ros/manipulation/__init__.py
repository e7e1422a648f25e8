"""Grasping of a segmented object: its box, grasps, and the covariance of its position.

:func:`mdsm_ros.manipulation.target.describe` is the entry point. It takes mask, depth and camera, and returns box,
grasps and covariance. Everything is in the camera's optical frame (REP-103: x right, y down, z forward), in metres. The
package is independent of ROS. The method and its measured accuracy are in docs/manipulation.md.
"""
