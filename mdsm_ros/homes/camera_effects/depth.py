"""Simulates the errors of a depth camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SPREAD = 1.0  # pixels: correlation of errors between neighbours, since stereo matches windows
FLYING = 0.5  # fraction of the pixels at an edge with a depth between near and far
EDGE = 0.02  # difference in 3x3 pixels, as a fraction of the depth, that counts as an edge
HOLES = 0.02  # fraction of the pixels without a measurement
SHIFT = 0.5  # pixels: standard deviation of the position that a pixel's depth is taken from


def measured(depth: NDArray[np.float32], rng: np.random.Generator, coefficient: float = 0.002) -> NDArray[np.float32]:
    """Adds the errors of a depth camera to depth.

    Pixels show the depth of a position beside them, some at edges have a depth between near and far, some have no
    measurement, and all have noise that grows with the square of the distance; half of its variance is common to
    neighbouring pixels.

    Args:
        depth: Depth in metres, (H, W).
        rng: Random generator of the errors.
        coefficient: Standard deviation at one metre, metres.
    """
    height, width = depth.shape
    rows, columns = np.indices(depth.shape)
    beside = np.round(rng.normal(0, SHIFT, (2, height, width))).astype(int)
    seen = depth[np.clip(rows + beside[0], 0, height - 1), np.clip(columns + beside[1], 0, width - 1)]
    near, far = ndimage.minimum_filter(depth, 3), ndimage.maximum_filter(depth, 3)
    flying = (far - near > EDGE * depth) & (rng.random(depth.shape) < FLYING)
    seen = np.where(flying, near + rng.random(depth.shape) * (far - near), seen)
    shared = ndimage.gaussian_filter(rng.normal(size=depth.shape), SPREAD)
    error = (rng.normal(size=depth.shape) + shared / shared.std()) / np.sqrt(2)
    seen = seen + coefficient * seen**2 * error
    seen[rng.random(depth.shape) < HOLES] = np.nan
    metres: NDArray[np.float32] = seen.astype(np.float32)
    return metres
