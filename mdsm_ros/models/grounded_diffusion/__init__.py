"""Grounded Diffusion: a module that finds what Stable Diffusion drew."""
