"""Boxes and grasps of simulated objects, judged by the exact meshes of the homes."""
