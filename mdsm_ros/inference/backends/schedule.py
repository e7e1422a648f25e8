"""DDIM steps in NumPy (arXiv 2010.02502, eq. 12, eta = 0), as ``mdsm_ros/models/layers/ddim.py`` computes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Denoiser = Callable[[Array, int], Array]  # (noisy mask, timestep) -> clean mask logits


def to_signal(logits: Array) -> Array:
    """Converts mask logits to the mask that is diffused, in [-1, 1]."""
    signal: Array = np.tanh(logits / 2)
    return signal


def refinement_timesteps(train_steps: int, start_timestep: int, steps: int) -> tuple[list[int], int]:
    """Timesteps from about ``start_timestep`` towards the clean mask in ``steps`` equal strides, and the stride."""
    total = max(steps, round(steps * train_steps / start_timestep))
    timesteps = np.round(np.arange(train_steps, 0, -train_steps / total)).astype(int) - 1
    return timesteps[total - steps :].tolist(), train_steps // total


def refine(
    denoiser: Denoiser,
    alphas_cumprod: Sequence[float],
    begin: Array,
    noise: Array,
    start_timestep: int,
    steps: int,
    keep_on: Callable[[], bool],
) -> Array:
    """Adds noise to a mask up to ``start_timestep`` and denoises it from there.

    Args:
        denoiser: Function that predicts the clean mask's logits from a noisy mask and a timestep.
        alphas_cumprod: Remaining fraction of the signal's variance at each training timestep.
        begin: Logits of the mask to refine, (B, 1, h, w).
        noise: Standard normal noise, (B, 1, h, w).
        start_timestep: Noise level at the start.
        steps: Number of denoiser calls, at least 1.
        keep_on: Function called before every denoiser call but the first; False ends the refinement.

    Returns:
        Logits of the refined mask (B, 1, h, w): the denoiser's last prediction.
    """
    alphas = np.asarray(alphas_cumprod, np.float32)
    timesteps, stride = refinement_timesteps(len(alphas), start_timestep, steps)
    left = alphas[timesteps[0]]
    sample = np.sqrt(left) * to_signal(begin) + np.sqrt(1 - left) * noise
    logits = begin
    for i, timestep in enumerate(timesteps):
        if i and not keep_on():
            break
        logits = denoiser(sample, timestep)
        clean, left = to_signal(logits), alphas[timestep]
        left_then = alphas[timestep - stride] if timestep >= stride else np.float32(1)
        rest = (sample - np.sqrt(left) * clean) / np.sqrt(1 - left)
        sample = np.sqrt(left_then) * clean + np.sqrt(1 - left_then) * rest
    return logits
