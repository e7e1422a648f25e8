"""What a gripper needs to know of a segmented object: its box, where to grasp it, and how sure its place is.

:func:`mdsm_ros.manipulation.target.describe` is the way in: mask, depth and camera in, box, grasps and covariance out.
Everything is in the camera's optical frame (REP-103: x right, y down, z forward), in metres. Nothing here knows ROS.
The method and its measured accuracy are in docs/manipulation.md.
"""
