"""Measures the colours of an object, for white-balanced images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.language.referring.words import COLORS

MOST_PIXELS = 2000
GRAY_CHROMA = 0.12  # saturation up to which a pixel has no hue
HUES = (
    ("red", 345.0, 375.0),
    ("orange", 15.0, 42.0),
    ("yellow", 42.0, 70.0),
    ("green", 70.0, 172.0),
    ("blue", 172.0, 255.0),
    ("purple", 255.0, 310.0),
    ("pink", 310.0, 345.0),
)
"""Hues in degrees."""
NEAR: dict[str, Mapping[str, float]] = {
    "red": {"pink": 0.4, "orange": 0.5, "brown": 0.4},
    "orange": {"red": 0.5, "yellow": 0.5, "brown": 0.6},
    "yellow": {"orange": 0.5, "green": 0.3, "brown": 0.3},
    "green": {"yellow": 0.3, "blue": 0.3},
    "blue": {"purple": 0.5, "green": 0.3},
    "purple": {"blue": 0.5, "pink": 0.5},
    "pink": {"red": 0.5, "purple": 0.5, "white": 0.2},
    "brown": {"orange": 0.6, "red": 0.5, "black": 0.3, "yellow": 0.3},
    "black": {"gray": 0.5, "brown": 0.3},
    "white": {"gray": 0.5, "yellow": 0.1},
    "gray": {"white": 0.5, "black": 0.4},
}
"""What pixels of another colour count for a colour: light and shade turn the one into the other."""


def color_fractions(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """Returns the fraction of pixels (N, 3) RGB with each colour of ``words.COLORS``; zeros if there are no pixels."""
    if not len(pixels):
        return dict.fromkeys(COLORS, 0.0)
    some = pixels[:: max(1, len(pixels) // MOST_PIXELS)].astype(np.float64) / 255.0
    names = _names(some)
    return {color: float(np.mean(names == i)) for i, color in enumerate(COLORS)}


def color_degree(fractions: Mapping[str, float], color: str) -> float:
    """Returns how well a colour fits these fractions, 0 to 1: 1 if at least half of the object has the colour."""
    near = sum(weight * fractions.get(other, 0.0) for other, weight in NEAR[color].items())
    return min(1.0, 2.0 * (fractions.get(color, 0.0) + 0.5 * near))


def main_color(fractions: Mapping[str, float]) -> str | None:
    """Returns the main colour of an object; None if no colour covers half of it."""
    name = max(fractions, key=lambda color: fractions[color], default=None)
    return name if name is not None and fractions[name] >= 0.5 else None


def _names(pixels: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the index in COLORS of the colour of each pixel (N, 3) from 0 to 1."""
    value, low = pixels.max(axis=1), pixels.min(axis=1)
    saturation = (value - low) / np.maximum(value, 1e-6)
    hue = _hue(pixels, value, low)
    found = np.full(len(pixels), COLORS.index("gray"))
    for name, first, last in HUES:
        found[((hue >= first) & (hue < last)) | ((hue + 360 >= first) & (hue + 360 < last))] = COLORS.index(name)
    warm = (hue < 48) | (hue >= 350)
    found[warm & (value < 0.6) & (hue >= 8) & (hue < 48)] = COLORS.index("brown")
    found[warm & (saturation < 0.5) & (value >= 0.75) & ((hue < 15) | (hue >= 350))] = COLORS.index("pink")
    plain = saturation < GRAY_CHROMA + 0.1 * (value < 0.3)
    found[plain] = COLORS.index("gray")
    found[plain & (value >= 0.72)] = COLORS.index("white")
    found[(plain & (value < 0.28)) | (value < 0.15)] = COLORS.index("black")
    return found


def _hue(pixels: NDArray[np.float64], value: NDArray[np.float64], low: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the hue of each pixel in degrees, 0 to 360."""
    r, g, b = pixels.T
    safe = np.maximum(value - low, 1e-6)
    sectors = np.select([value == r, value == g], [(g - b) / safe, 2.0 + (b - r) / safe], default=4.0 + (r - g) / safe)
    degrees: NDArray[np.float64] = (60.0 * sectors) % 360.0
    return degrees
