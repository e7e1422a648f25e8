"""Rosbag2 recordings and ROS messages as data, without ROS."""
