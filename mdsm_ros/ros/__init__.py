"""The ROS side: the only folder that imports rclpy or messages."""
