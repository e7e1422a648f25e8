"""Names the colours of pixels, and finds the single name, if any, that fits a whole item.

The thresholds leave gaps on purpose: a debatable colour has no name here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.home import Item
from mdsm_ros.homes.shapes.parts import COLORS, CONFUSABLE

NAMES = tuple(COLORS)
UNNAMED = -1
DOMINANT = 0.6  # least fraction of an item's pixels with its colour
RIVAL = 0.15  # largest fraction of a colour that cannot be confused with that one
IN_VIEW = 0.3  # least fraction of an item's pixels in an image with its colour, under the light there
MOST_PIXELS = 500
TEAL = (150, 210)  # hues in degrees that people may call green or blue
POSSIBLE = 0.08  # fraction from which people may name an item by a colour

# name, hue from and to in degrees, saturation from and to, brightness from and to
_BOXES: tuple[tuple[str, float, float, float, float, float, float], ...] = (
    ("red", -14, 11, 0.55, 1.01, 0.30, 1.01),
    ("orange", 17, 38, 0.68, 1.01, 0.75, 1.01),
    ("yellow", 46, 66, 0.45, 1.01, 0.60, 1.01),
    ("green", 80, 165, 0.28, 1.01, 0.18, 1.01),
    ("blue", 196, 250, 0.30, 1.01, 0.22, 1.01),
    ("purple", 262, 300, 0.25, 1.01, 0.22, 1.01),
    ("pink", 310, 345, 0.25, 1.01, 0.60, 1.01),
    ("pink", -15, 12, 0.20, 0.48, 0.75, 1.01),
    ("brown", 8, 40, 0.38, 1.01, 0.18, 0.60),
    ("white", -180, 360, -0.01, 0.10, 0.78, 1.01),
    ("gray", -180, 360, -0.01, 0.12, 0.30, 0.68),
    ("black", -180, 360, -0.01, 1.01, -0.01, 0.14),
    ("black", -180, 360, -0.01, 0.30, -0.01, 0.20),
)


@dataclass(frozen=True)
class Colors:
    """The colours of an item.

    Attributes:
        name: The single name that fits; "" if there is none.
        tints: Names that people may use, including similar colours.
    """

    name: str
    tints: frozenset[str]


def name_pixels(pixels: NDArray[np.floating]) -> NDArray[np.int64]:
    """Returns the index in :data:`NAMES` of the colour of each pixel (N,), -1 for a pixel without a clear name.

    Args:
        pixels: Red, green and blue from 0 to 1 (N, 3).
    """
    value, low = pixels.max(axis=1), pixels.min(axis=1)
    chroma = value - low
    saturation = chroma / np.maximum(value, 1e-6)
    hue = _hue(pixels)
    found = np.full(len(pixels), UNNAMED)
    for name, h0, h1, s0, s1, v0, v1 in _BOXES:
        near = ((hue >= h0) & (hue < h1)) | ((hue + 360 >= h0) & (hue + 360 < h1))
        inside = near & (saturation >= s0) & (saturation < s1) & (value >= v0) & (value < v1)
        found[inside] = NAMES.index(name)
    return found


def _hue(pixels: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns the hue of each pixel (N, 3) in degrees, -60 to 300."""
    value = pixels.max(axis=1)
    r, g, b = pixels.T
    safe = np.maximum(value - pixels.min(axis=1), 1e-6)
    degrees: NDArray[np.floating] = 60.0 * np.select(
        [value == r, value == g], [(g - b) / safe, 2.0 + (b - r) / safe], default=4.0 + (r - g) / safe
    )
    return degrees


def judge(pixels: NDArray[np.floating]) -> Colors:
    """Returns the colours of an item with these pixels (N, 3), from 0 to 1."""
    if not len(pixels):
        return Colors("", frozenset(NAMES))
    found = name_pixels(pixels)
    shares = {name: float(np.mean(found == i)) for i, name in enumerate(NAMES)}
    best = max(shares, key=lambda name: shares[name])
    rivals = [share for name, share in shares.items() if name not in CONFUSABLE[best] | {best}]
    clear = shares[best] >= DOMINANT and max(rivals) < RIVAL
    possible = {name for name, share in shares.items() if share >= POSSIBLE}
    if np.mean(found == UNNAMED) >= POSSIBLE:
        possible |= _near(pixels[found == UNNAMED])
    return Colors(best if clear else "", frozenset(possible.union(*(CONFUSABLE[name] for name in possible))))


def colors_in_view(item: Item, pixels: NDArray[np.uint8]) -> tuple[str, frozenset[str]]:
    """Returns the name of an item's colour, "" if the image does not confirm it, and the names that people may use.

    Args:
        item: Item with its colours in white light.
        pixels: Pixels of the item, (N, 3).
    """
    every = max(1, len(pixels) // MOST_PIXELS)
    some = pixels[::every] / 255.0
    found = name_pixels(some)
    names = [NAMES[i] for i in found[found != UNNAMED]]
    shares = {name: names.count(name) / len(found) for name in set(names)}
    likely = shares.get(item.color, 0.0)
    near = sum(share for name, share in shares.items() if name in CONFUSABLE.get(item.color, ()))
    contrary = sum(shares.values()) - likely - near
    borne_out = bool(item.color) and likely >= IN_VIEW and contrary < (RIVAL if not item.pattern else 1.0)
    tints = {name for name, share in shares.items() if share >= POSSIBLE}.union(item.tints)
    if np.mean(found == UNNAMED) >= POSSIBLE:
        tints |= _near(some[found == UNNAMED])
    if item.color and not borne_out:
        tints |= {item.color, *CONFUSABLE[item.color]}
    return (item.color if borne_out else ""), frozenset(tints)


def _near(pixels: NDArray[np.floating]) -> set[str]:
    """Returns possible names for pixels without a clear one: the two nearest colours of each, and both for teal."""
    anchors = np.array(list(COLORS.values()))
    distance = np.linalg.norm(pixels[:, None] - anchors, axis=2)  # (N, names)
    nearest = np.argsort(distance, axis=1)[:, :2]
    counts = np.bincount(nearest.ravel(), minlength=len(NAMES)) / len(pixels)
    names = {NAMES[i] for i in np.flatnonzero(counts >= 0.1)}
    value, hue = pixels.max(axis=1), _hue(pixels)
    teal = (hue >= TEAL[0]) & (hue < TEAL[1]) & (value - pixels.min(axis=1) >= 0.2 * value)
    return names | {"green", "blue"} if np.mean(teal) >= 0.1 else names
