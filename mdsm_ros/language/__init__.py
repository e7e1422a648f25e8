"""Reading instructions without a network: the target's noun phrase, and prompts for diffusion models."""
