"""Pictures drawn by a diffusion model, with masks of what they show."""
