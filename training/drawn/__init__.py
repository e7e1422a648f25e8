"""Captions for a diffusion model to learn from, and pictures that it draws, with masks of what they show."""
