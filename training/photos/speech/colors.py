"""Finds the colour of an object in an image, if one name clearly fits it.

Each pixel is compared with regions of the Lab space: a colour's *core*, where everybody uses that name in any light,
and the wider region where somebody may. No name is used between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.shapes.parts import CONFUSABLE

MIN_PIXELS = 80
CORE_SHARE = 0.65  # least fraction of the pixels with an object's colour
OWN_SHARE = 0.85  # the same for core and wider region together
OTHER_SHARE = 0.08  # largest fraction of the core of another colour
ABSENT_SHARE = 0.04  # fraction below which an object clearly does not have a colour

ANIMAL_COLORS = frozenset({"black", "white", "brown"})
_NO_COLORS: frozenset[str] = frozenset()
COLORS_OF: dict[str, frozenset[str]] = {
    **dict.fromkeys(["bird", "cat", "dog", "horse", "sheep", "cow"], ANIMAL_COLORS),
    **dict.fromkeys(
        (
            *("person", "elephant", "bear", "zebra", "giraffe", "stop sign", "traffic light", "wine glass", "fork"),
            *("knife", "spoon", "banana", "orange", "broccoli", "carrot", "pizza", "sandwich", "hot dog", "donut"),
            *("cake", "tv", "laptop", "mirror", "window", "potted plant", "plant", "scissors", "clock", "bottle"),
            *("airplane", "parking meter", "door", "train", "boat", "dining table", "window blind", "cell phone"),
        ),
        _NO_COLORS,
    ),
}
"""Colours that are said of a kind; other kinds come in all."""


@dataclass(frozen=True)
class Region:
    """A part of the Lab space: lightness, chroma, and hue in degrees from the first to the second."""

    lightness: tuple[float, float]
    chroma: tuple[float, float]
    hue: tuple[float, float] = (0.0, 360.0)

    def holds(self, lab: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Returns which of the pixels (N, 3) are in the region, (N,)."""
        light = lab[:, 0]
        chroma = np.hypot(lab[:, 1], lab[:, 2])
        hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
        first, last = self.hue
        turned = (hue >= first) & (hue <= last) if first <= last else (hue >= first) | (hue <= last)
        return (
            (light >= self.lightness[0])
            & (light <= self.lightness[1])
            & (chroma >= self.chroma[0])
            & (chroma <= self.chroma[1])
            & turned
        )


REGIONS: dict[str, tuple[Region, Region]] = {
    "black": (Region((0, 20), (0, 14)), Region((0, 38), (0, 26))),
    "white": (Region((78, 100), (0, 11)), Region((58, 100), (0, 26))),
    "gray": (Region((40, 62), (0, 7)), Region((18, 88), (0, 20))),
    "red": (Region((22, 60), (42, 200), (16, 42)), Region((10, 75), (20, 200), (345, 60))),
    "orange": (Region((55, 82), (52, 200), (54, 74)), Region((38, 92), (26, 200), (38, 88))),
    "yellow": (Region((62, 100), (46, 200), (84, 106)), Region((45, 100), (20, 200), (70, 118))),
    "green": (Region((18, 88), (24, 200), (116, 166)), Region((5, 98), (9, 200), (98, 205))),
    "blue": (Region((12, 80), (24, 200), (246, 308)), Region((3, 95), (8, 200), (195, 318))),
    "purple": (Region((12, 72), (26, 200), (314, 334)), Region((3, 90), (9, 200), (292, 355))),
    "pink": (Region((58, 92), (25, 200), (338, 14)), Region((42, 98), (10, 200), (320, 42))),
    "brown": (Region((18, 44), (16, 46), (46, 74)), Region((6, 64), (7, 70), (22, 98))),
}
"""Core and wider region of each colour."""

SAID = frozenset(REGIONS) - {"gray"}  # a gray object may be white in the shade


@dataclass(frozen=True)
class Looks:
    """Fractions of an object's pixels by colour.

    Attributes:
        core: Fraction of pixels that certainly have the colour.
        wide: Fraction of pixels that may have it, including the certain ones.
    """

    core: Mapping[str, float]
    wide: Mapping[str, float]

    @property
    def color(self) -> str | None:
        """Returns the name that clearly fits the whole object; None if there is none, or if the light may cause it."""
        return self._dominant if self._dominant in SAID else None

    @property
    def _dominant(self) -> str | None:
        name = max(self.core, key=lambda c: self.core[c])
        others = max(share for color, share in self.core.items() if color != name)
        clear = self.core[name] >= CORE_SHARE and self.wide[name] >= OWN_SHARE and others <= OTHER_SHARE
        return name if clear else None

    def verdict(self, color: str) -> bool | None:
        """Whether a colour's name fits; None if somebody may use it."""
        own = self._dominant
        if own == color:
            return True if color in SAID else None
        if own is not None and color in CONFUSABLE[own]:
            return None
        return False if self.wide[color] < ABSENT_SHARE else None


def look(rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Looks | None:
    """Measures the colours (H, W, 3) RGB inside a mask (H, W), without its rim; None for too few pixels."""
    import cv2

    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(bool)
    pixels = rgb[inner]
    if len(pixels) < MIN_PIXELS:
        return None
    lab = cv2.cvtColor(pixels[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    core = {name: round(float(regions[0].holds(lab).mean()), 4) for name, regions in REGIONS.items()}
    wide = {name: round(float(regions[1].holds(lab).mean()), 4) for name, regions in REGIONS.items()}
    return Looks(core, wide)


def colors_of(kind: str) -> frozenset[str]:
    """Returns the colours that are used for a category."""
    return COLORS_OF.get(kind, SAID)
