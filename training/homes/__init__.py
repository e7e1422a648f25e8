"""Homes as a dataset: writing it, judging its instructions, and what a view costs."""
