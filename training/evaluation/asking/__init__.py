"""Evaluates the model's questions about ambiguous instructions, on a dataset that annotates every object."""
