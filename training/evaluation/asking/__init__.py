"""How well the model's questions about ambiguous instructions serve, on a dataset that annotates every object."""
