"""Carries an answer from its image to newer images, by optical flow or a video model. Does not depend on ROS."""
