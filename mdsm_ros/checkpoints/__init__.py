"""Loading models by name, and filling them from public and foreign checkpoints."""
