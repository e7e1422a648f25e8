"""A small latent diffusion model: training, and pictures drawn with it."""
