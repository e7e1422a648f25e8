"""Image messages to arrays, by attributes only and without ROS: raw, compressed, colour and depth."""
