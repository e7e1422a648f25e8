"""Training: configuration, data sources, losses, the loop, and the mdsm-train command."""
