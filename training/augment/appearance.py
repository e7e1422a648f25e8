"""Changes light, colours, sharpness and noise of a training image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late
from training.augment.options import Augmentation

if TYPE_CHECKING:
    import cv2
else:
    cv2 = late("cv2")


def change_appearance(
    image: NDArray[np.uint8], options: Augmentation, rng: np.random.Generator, *, keep_colors: bool
) -> NDArray[np.uint8]:
    """Changes the pixels and nothing else.

    Args:
        image: Image, (H, W, 3) RGB.
        options: Probabilities and strengths of the changes.
        rng: Random generator.
        keep_colors: Whether saturation and hue stay unchanged.
    """
    if rng.random() < options.color:
        image = _light(image, 1 + _within(rng, options.brightness), 1 + _within(rng, options.contrast))
        saturation, hue = 1 + _within(rng, options.saturation), _within(rng, options.hue)
        if not keep_colors:
            image = _colors(image, saturation, hue)
    if rng.random() < options.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.1, options.largest_blur * rng.random())))
    if rng.random() < options.noise:
        noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(
            255 * options.largest_noise * rng.random()
        )
        image = np.clip(image + noise + np.float32(0.5), 0, 255).astype(np.uint8)
    return image


def _within(rng: np.random.Generator, most: float) -> float:
    return float(rng.uniform(-most, most))


def _light(image: NDArray[np.uint8], brightness: float, contrast: float) -> NDArray[np.uint8]:
    """Brightness scales all values; contrast scales their distance from the mean."""
    values = np.arange(256) * brightness
    mean = sum(cv2.mean(image)) / 3 * brightness
    table = np.clip(mean + contrast * (values - mean) + 0.5, 0, 255).astype(np.uint8)
    lit: NDArray[np.uint8] = table[image]
    return lit


def _colors(image: NDArray[np.uint8], saturation: float, hue: float) -> NDArray[np.uint8]:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    values = np.arange(256)
    turned = ((values + round(256 * hue)) % 256).astype(np.uint8)
    stronger = np.clip(values * saturation + 0.5, 0, 255).astype(np.uint8)
    hsv[..., 0], hsv[..., 1] = turned[hsv[..., 0]], stronger[hsv[..., 1]]
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL), dtype=np.uint8)
