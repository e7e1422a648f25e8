"""LAVT, the baseline of MDSM."""
