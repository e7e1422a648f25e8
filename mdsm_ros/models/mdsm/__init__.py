"""MDSM: an initial mask, and diffusion steps that refine it."""
