"""Stable Diffusion 1, which VPD, Grounded Diffusion and DAAM look into."""
