"""Effects of the sensor: low resolution, noise, clipped highlights. Linear light, float32 (H, W, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late
from mdsm_ros.homes.camera_effects.lens import Light

if TYPE_CHECKING:
    import cv2
else:
    cv2 = late("cv2")

_BLOTCH = 5  # pixels across a blotch of colour noise
_MEDIUM_GRAY = 0.18
_MOST_STOPS = 1.5
_SHARED = 0.6  # fraction of the noise common to the three channels after demosaicing: noise is more gray than coloured
_DEMOSAICED = (1 - _SHARED) * np.eye(3) + _SHARED * np.full((3, 3), 3**-0.5)


def add_noise(
    light: Light, photons: float, read_noise: float, grain: float, color_noise: float, rng: np.random.Generator
) -> Light:
    """Adds shot noise and read noise as they appear after demosaicing and denoising.

    Args:
        light: Linear light, (H, W, 3); 1 is white.
        photons: Number of photons that a white pixel collects; 0 adds no noise.
        read_noise: Standard deviation in the dark, fraction of white.
        grain: Smoothing of the fine noise (standard deviation), pixels.
        color_noise: Strength of coarse colour blotches, fraction of the fine noise.
        rng: Random generator of the noise.
    """
    if photons == 0:
        return light
    height, width = light.shape[:2]
    noise: Light = rng.standard_normal(light.shape, dtype=np.float32)
    if grain > 0:
        noise = cv2.GaussianBlur(noise, (5, 5), grain)
    noise = cv2.transform(noise, _DEMOSAICED)
    if color_noise > 0:
        shape = (height // _BLOTCH + 2, width // _BLOTCH + 2, 3)
        coarse = rng.standard_normal(shape, dtype=np.float32)
        coarse -= coarse.mean(axis=2, keepdims=True)
        noise += color_noise * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    spread = np.maximum(light, 0)
    spread *= np.float32(1 / photons)
    spread += np.float32(read_noise**2)
    noise *= np.sqrt(spread, out=spread)
    noise += light
    return noise


def metered_stops(light: Light) -> float:
    """Returns the stops that bring the mean of an image (H, W, 3) to medium gray, limited to a camera's range."""
    return float(np.clip(np.log2(_MEDIUM_GRAY / max(float(light.mean()), 1e-6)), -_MOST_STOPS, _MOST_STOPS))


def coarser(light: Light, resolution: float) -> Light:
    """Reduces the image to a fraction of its rows and columns."""
    height, width = light.shape[:2]
    size = max(1, round(resolution * width)), max(1, round(resolution * height))
    return light if size == (width, height) else np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA))


def to_size(picture: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Enlarges a coarse image to (height, width)."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC))


def clip_and_balance(light: Light, gains: tuple[float, float]) -> Light:
    """Corrects the colour of the light with gains for red and blue (green: 1), and clips the highlights.

    The gains are scaled so that none is below 1: pixels clipped in the sensor stay white.
    """
    channels = np.array([gains[0], 1.0, gains[1]], dtype=np.float32)
    return np.asarray(np.clip(light * (channels / channels.min()), 0.0, 1.0))
