"""A small latent diffusion model: captions, training, and pictures drawn with it."""
