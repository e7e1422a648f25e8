"""mdsm_ros: the pixels of the object that a sentence talks about, for ROS 2 robots."""
