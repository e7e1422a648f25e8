"""DAAM: masks from the attention of Stable Diffusion, without training."""
