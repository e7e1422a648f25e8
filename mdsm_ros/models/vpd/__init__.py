"""VPD: masks from the features of Stable Diffusion."""
