"""ROS-free networks. Nothing here opens a file or reads a clock."""
