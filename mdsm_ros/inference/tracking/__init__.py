"""An answer carried from its image to the newer ones, by optical flow. Knows neither the model nor ROS."""
