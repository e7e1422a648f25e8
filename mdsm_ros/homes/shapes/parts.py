"""Primitive parts of objects, and named colours."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.shapes import meshes
from mdsm_ros.homes.shapes.meshes import Mesh

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
    """Returns the same hue, darker (below 1) or lighter (above 1)."""
    return tuple(float(min(1.0, c * factor)) for c in color)  # type: ignore[return-value]


def vary(color: RGB, rng: np.random.Generator) -> RGB:
    """Draws a similar colour that has the same name."""
    h, s, v = colorsys.rgb_to_hsv(*color)
    h = (h + rng.uniform(-0.012, 0.012)) % 1.0
    return colorsys.hsv_to_rgb(
        h, float(np.clip(s * rng.uniform(0.85, 1.1), 0, 1)), float(np.clip(v * rng.uniform(0.88, 1.08), 0, 1))
    )


@dataclass(frozen=True, eq=False)
class Photo:
    """An image on a surface; compared by identity, so that rooms can share it.

    Attributes:
        pixels: Pixels, uint8 (H, W, 3).
        repeat: Number of repetitions per metre; 0 if it fills its part, or follows the mesh's texture coordinates.
    """

    pixels: NDArray[np.uint8]
    repeat: float = 0.0


@dataclass(frozen=True)
class Part:
    """One MuJoCo geom in its object's frame: x right, y to the front, z up, origin at the centre of the base.

    ``size`` contains half-extents in metres in MuJoCo's order for the shape; ``tilt`` is a rotation about x in radians.
    ``material`` is a name of :mod:`mdsm_ros.homes.shapes.textures`. Parts with ``main`` have their item's pattern.
    ``photo`` replaces the material; the colour tints it. ``alpha`` is the opacity, ``glow`` the emission.
    """

    shape: str  # box | cylinder | sphere | ellipsoid | capsule | mesh
    size: tuple[float, ...]
    position: tuple[float, float, float]
    color: RGB
    tilt: float = 0.0
    material: str | None = None
    mesh: Mesh | None = None
    main: bool = False
    photo: Photo | None = None
    alpha: float = 1.0
    glow: float = 0.0


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


def turned(
    profile: Sequence[tuple[float, float]],
    at: tuple[float, float, float],
    color: RGB,
    tilt: float = 0.0,
    material: str | None = None,
) -> Part:
    """A surface of revolution, see :func:`mdsm_ros.homes.shapes.meshes.lathe`."""
    return _mesh(meshes.lathe(profile), at, color, tilt, material)


def soft_box(
    hx: float,
    hy: float,
    hz: float,
    at: tuple[float, float, float],
    color: RGB,
    tilt: float = 0.0,
    material: str | None = None,
    squareness: tuple[float, float] = (0.35, 0.25),
) -> Part:
    """A box with rounded edges, see :func:`mdsm_ros.homes.shapes.meshes.superellipsoid`."""
    return _mesh(meshes.superellipsoid((hx, hy, hz), squareness), at, color, tilt, material)


def hanging_cloth(hx: float, hz: float, depth: float, waves: int, at: tuple[float, float, float], color: RGB) -> Part:
    """A cloth in folds, see :func:`mdsm_ros.homes.shapes.meshes.drape`."""
    return _mesh(meshes.drape(hx, hz, depth, waves), at, color, 0.0, "cloth")


def ring(radius: float, thickness: float, at: tuple[float, float, float], color: RGB, tilt: float = 0.0) -> Part:
    """A torus."""
    return _mesh(meshes.torus(radius, thickness), at, color, tilt, None)


def _mesh(mesh: Mesh, at: tuple[float, float, float], color: RGB, tilt: float, material: str | None) -> Part:
    return Part("mesh", (), at, color, tilt, material, mesh)


def main(part: Part) -> Part:
    """Marks a part as having its item's pattern."""
    return replace(part, main=True)


def dress(parts: Sequence[Part], pattern: str) -> list[Part]:
    """Applies a pattern of :data:`mdsm_ros.homes.shapes.textures.PATTERNS` to the main parts."""
    return [replace(part, material=pattern) if part.main else part for part in parts]


def scaled(parts: Sequence[Part], scale: float) -> list[Part]:
    """Returns the parts in another size."""
    result = []
    for part in parts:
        x, y, z = (scale * c for c in part.position)
        mesh = None if part.mesh is None else part.mesh.scaled(scale)
        result.append(replace(part, size=tuple(scale * s for s in part.size), position=(x, y, z), mesh=mesh))
    return result


def bounds(parts: Sequence[Part]) -> tuple[float, float, float]:
    """Returns the half-extents in x and y about the origin, and the height, of a list of parts."""
    spans = np.array([span(part) for part in parts])
    hx, hy, _ = np.abs(spans).max(axis=(0, 1))
    return float(hx), float(hy), float(spans[:, 1, 2].max())


def span(part: Part) -> NDArray[np.float64]:
    """Returns the lowest and highest x, y and z of a part in its item's frame, (2, 3)."""
    cos, sin = np.cos(part.tilt), np.sin(part.tilt)
    if part.mesh is not None:
        x, y, z = part.mesh.vertices.T
        points = np.stack([x, cos * y - sin * z, sin * y + cos * z])
        return np.stack([points.min(axis=1), points.max(axis=1)]) + part.position
    a, b, c = part.size
    hx, hy, hz = {"cylinder": (a, a, b), "capsule": (a, a, a + b), "sphere": (a, a, a)}.get(part.shape, (a, b, c))
    half = np.array((hx, abs(cos) * hy + abs(sin) * hz, abs(sin) * hy + abs(cos) * hz))
    return np.stack([part.position - half, part.position + half])
