"""Primitive parts that objects are built of, and the named colours they wear."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]

COLORS: dict[str, RGB] = {
    "red": (0.80, 0.08, 0.08),
    "orange": (0.95, 0.48, 0.05),
    "yellow": (0.93, 0.82, 0.10),
    "green": (0.12, 0.55, 0.16),
    "blue": (0.10, 0.25, 0.80),
    "purple": (0.48, 0.15, 0.62),
    "pink": (0.95, 0.55, 0.70),
    "brown": (0.42, 0.25, 0.12),
    "black": (0.06, 0.06, 0.07),
    "white": (0.93, 0.93, 0.91),
    "gray": (0.48, 0.49, 0.50),
}

CONFUSABLE: dict[str, frozenset[str]] = {
    "red": frozenset({"orange", "pink", "brown"}),
    "orange": frozenset({"red", "yellow", "brown"}),
    "yellow": frozenset({"orange"}),
    "green": frozenset(),
    "blue": frozenset({"purple"}),
    "purple": frozenset({"blue", "pink"}),
    "pink": frozenset({"red", "purple", "white"}),
    "brown": frozenset({"red", "orange", "black"}),
    "black": frozenset({"gray", "brown"}),
    "white": frozenset({"gray", "pink"}),
    "gray": frozenset({"black", "white"}),
}
"""Colours that light and shade can turn into each other: a sentence never rests on telling them apart in absence."""

METAL: RGB = (0.62, 0.63, 0.65)
WOOD: RGB = (0.50, 0.33, 0.18)
DARK: RGB = (0.10, 0.10, 0.11)
PAPER: RGB = (0.95, 0.94, 0.88)
LEAF: RGB = (0.13, 0.45, 0.14)


def shade(color: RGB, factor: float) -> RGB:
    """The same hue, darker (below 1) or lighter (above 1)."""
    return tuple(float(min(1.0, c * factor)) for c in color)  # type: ignore[return-value]


def vary(color: RGB, rng: np.random.Generator) -> RGB:
    """A neighbour of a colour that still goes by the same name."""
    h, s, v = colorsys.rgb_to_hsv(*color)
    h = (h + rng.uniform(-0.012, 0.012)) % 1.0
    return colorsys.hsv_to_rgb(
        h, float(np.clip(s * rng.uniform(0.85, 1.1), 0, 1)), float(np.clip(v * rng.uniform(0.88, 1.08), 0, 1))
    )


@dataclass(frozen=True)
class Part:
    """One MuJoCo geom in its object's frame: x right, y to the front, z up, origin at the centre of the base.

    ``size`` holds half-extents in metres in MuJoCo's order for the shape; ``tilt`` is a rotation about x in radians.
    """

    shape: str  # box | cylinder | sphere | ellipsoid | capsule
    size: tuple[float, ...]
    position: tuple[float, float, float]
    color: RGB
    tilt: float = 0.0
    material: str | None = None


def box(
    hx: float,
    hy: float,
    hz: float,
    at: tuple[float, float, float],
    color: RGB,
    tilt: float = 0.0,
    material: str | None = None,
) -> Part:
    """A box of half-extents hx, hy, hz."""
    return Part("box", (hx, hy, hz), at, color, tilt, material)


def cylinder(radius: float, half: float, at: tuple[float, float, float], color: RGB, tilt: float = 0.0) -> Part:
    """An upright cylinder; ``half`` is half its height."""
    return Part("cylinder", (radius, half, 0.0), at, color, tilt)


def sphere(radius: float, at: tuple[float, float, float], color: RGB) -> Part:
    """A sphere."""
    return Part("sphere", (radius, 0.0, 0.0), at, color)


def ellipsoid(rx: float, ry: float, rz: float, at: tuple[float, float, float], color: RGB, tilt: float = 0.0) -> Part:
    """An ellipsoid of radii rx, ry, rz."""
    return Part("ellipsoid", (rx, ry, rz), at, color, tilt)


def capsule(radius: float, half: float, at: tuple[float, float, float], color: RGB, tilt: float = 0.0) -> Part:
    """An upright capsule; ``half`` is half the length between its caps."""
    return Part("capsule", (radius, half, 0.0), at, color, tilt)
