"""The geometry of a model, and the surfaces for objects on it. Frame: metres, x right, y to the front, z up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

RGBA = tuple[float, float, float, float]
QUARTER = 90.0  # degrees
TURNED_RECTANGLE = 0.7  # approximate fraction of a rectangle's sides that stays inside it at any angle


@dataclass(frozen=True, eq=False)
class Patch:
    """The triangles of a shape with the same material.

    Attributes:
        vertices: Vertices in metres, float32 (V, 3).
        normals: Outward normals of unit length, float32 (V, 3).
        faces: Triangles, int32 (F, 3), counter-clockwise seen from outside; two-sided ones occur twice.
        texcoords: Texture coordinates, float32 (V, 2); (0, 0) is the top left corner, as in MuJoCo, and textures
            repeat.
        color: Red, green, blue and opacity from 0 to 1; it multiplies the texture.
        texture: Texture, uint8 (H, W, 3), or None.
        specular: Brightness of highlights from 0 to 1.
    """

    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    faces: NDArray[np.int32]
    texcoords: NDArray[np.float32]
    color: RGBA
    texture: NDArray[np.uint8] | None = None
    specular: float = 0.0


@dataclass(frozen=True)
class Surface:
    """A level rectangle on furniture where objects may lie, in the furniture's frame, metres.

    Attributes:
        place: "surface" on top, "soft" on a seat or bed, "shelf" with something above, "under" on the floor below.
        z: Height of the rectangle.
        hx: Half of its extent along x; ``hy`` along y.
        y: Position of its middle; ``x`` likewise.
        clearance: Free height above it.
    """

    place: str
    z: float
    hx: float
    hy: float
    y: float = 0.0
    clearance: float = 1.0
    x: float = 0.0


@dataclass(frozen=True, eq=False)
class Shape:
    """A model's geometry; its base is at z = 0 and the middle of its footprint at the origin.

    Attributes:
        patches: Triangles of each material.
        extent: Half of the footprint's extents (hx, hy), metres.
        height: Metres.
        surfaces: Surfaces for objects, the largest first.
    """

    patches: tuple[Patch, ...]
    extent: tuple[float, float]
    height: float
    surfaces: tuple[Surface, ...]


def turned(shape: Shape, degrees: float, scale: float) -> Shape:
    """Rotates a shape about z, counter-clockwise seen from above, and scales it."""
    if degrees == 0.0 and scale == 1.0:
        return shape
    turn = rotation(degrees)
    points = np.concatenate([patch.vertices[:, :2] for patch in shape.patches])
    low, high = bounds(points @ turn.T * scale)
    middle = (low + high) / 2
    patches = tuple(_turned_patch(patch, turn, scale, middle) for patch in shape.patches)
    surfaces = tuple(_turned_surface(surface, degrees, scale, middle) for surface in shape.surfaces)
    hx, hy = (high - low) / 2
    return Shape(patches, (float(hx), float(hy)), shape.height * scale, surfaces)


def rotation(degrees: float) -> NDArray[np.float64]:
    """The rotation in the plane (2, 2), exact for quarter turns."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.round(matrix) if degrees % QUARTER == 0 else matrix


def bounds(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The lowest and the highest coordinates of points (N, D)."""
    return points.min(axis=0), points.max(axis=0)


def _turned_patch(patch: Patch, turn: NDArray[np.float64], scale: float, middle: NDArray[np.float64]) -> Patch:
    vertices = patch.vertices * np.float32(scale)
    vertices[:, :2] = vertices[:, :2] @ turn.T - middle
    normals = patch.normals.copy()
    normals[:, :2] = normals[:, :2] @ turn.T
    return replace(patch, vertices=vertices, normals=normals)


def _turned_surface(surface: Surface, degrees: float, scale: float, middle: NDArray[np.float64]) -> Surface:
    x, y = rotation(degrees) @ (surface.x, surface.y) * scale - middle
    hx, hy = scale * surface.hx, scale * surface.hy
    if degrees % (2 * QUARTER) == QUARTER:
        hx, hy = hy, hx
    elif degrees % QUARTER:
        hx = hy = TURNED_RECTANGLE * min(hx, hy)
    return replace(
        surface, x=float(x), y=float(y), z=scale * surface.z, hx=hx, hy=hy, clearance=scale * surface.clearance
    )
