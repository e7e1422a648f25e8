"""Conversion of image messages to arrays, by attribute only and without ROS: raw, compressed, colour and depth."""
