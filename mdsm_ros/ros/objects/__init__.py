"""Computes the position and grasps of the object of an answer, after its mask is published."""
