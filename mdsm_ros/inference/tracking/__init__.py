"""Carries an answer from its image to newer images, by optical flow. Depends neither on the model nor on ROS."""
