"""Stable Diffusion 1, whose features VPD, Grounded Diffusion and DAAM use."""
