"""Triangle meshes for turned, soft and draped shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Mesh:
    """A surface.

    Attributes:
        vertices: Float (V, 3), metres.
        faces: Triangles, int32 (F, 3), counter-clockwise seen from outside.
        texcoords: Float (V, 2), metres on the surface, so that patterns have the same size everywhere; image
            coordinates for a part with its own image.
        normals: Float (V, 3), unit vectors; None to compute them from the faces.
    """

    vertices: NDArray[np.floating]
    faces: NDArray[np.int32]
    texcoords: NDArray[np.floating]
    normals: NDArray[np.floating] | None = None

    def scaled(self, scale: float) -> Mesh:
        """Returns the shape in another size, with its pattern."""
        return Mesh(self.vertices * scale, self.faces, self.texcoords * scale, self.normals)


def _grid_faces(rows: int, columns: int) -> NDArray[np.int32]:
    """Returns two triangles for each cell of a grid of (rows, columns) vertices, row by row."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a, b = (r * columns + c).ravel(), (r * columns + c + 1).ravel()
    d, e = a + columns, b + columns
    return np.concatenate([np.stack([a, b, e], axis=1), np.stack([a, e, d], axis=1)]).astype(np.int32)


def lathe(profile: Sequence[tuple[float, float]], segments: int = 18) -> Mesh:
    """Makes a surface of revolution about z.

    Args:
        profile: Points (radius, z) in metres, from the bottom along the outside and, for a hollow object, down the
            inside.
        segments: Number of segments around the axis.
    """
    points = np.array(profile, dtype=np.float64)
    points[:, 0] = np.maximum(points[:, 0], 1e-4)
    angles = np.linspace(0, 2 * np.pi, segments + 1)
    r, z = points[:, :1], points[:, 1:]
    vertices = np.stack([r * np.cos(angles), r * np.sin(angles), np.broadcast_to(z, (len(points), segments + 1))], -1)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    around = points[:, 0].max() * angles
    texcoords = np.stack(np.meshgrid(around, along), axis=-1)
    return Mesh(vertices.reshape(-1, 3), _grid_faces(len(points), segments + 1), texcoords.reshape(-1, 2))


def superellipsoid(
    radii: tuple[float, float, float], squareness: tuple[float, float], segments: tuple[int, int] = (10, 20)
) -> Mesh:
    """Makes a shape between an ellipsoid and a box: cushions, mattresses, rounded housings.

    Args:
        radii: Radii along x, y and z, metres.
        squareness: Exponents in the vertical profile and in the horizontal outline; 1 is an ellipsoid, near 0 a box.
        segments: Number of segments from pole to pole, and around.
    """
    v = np.linspace(-np.pi / 2, np.pi / 2, segments[0] + 1)[:, None]
    u = np.linspace(-np.pi, np.pi, segments[1] + 1)[None, :]

    def power(value: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
        return np.sign(value) * np.abs(value) ** exponent

    x = radii[0] * power(np.cos(v), squareness[0]) * power(np.cos(u), squareness[1])
    y = radii[1] * power(np.cos(v), squareness[0]) * power(np.sin(u), squareness[1])
    z = np.broadcast_to(radii[2] * power(np.sin(v), squareness[0]), x.shape)
    flat = (x, z) if radii[1] < radii[2] else (x, y)  # the pattern is on the broad side
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    return Mesh(vertices, _grid_faces(segments[0] + 1, segments[1] + 1), np.stack(flat, axis=-1).reshape(-1, 2))


def drape(hx: float, hz: float, depth: float, waves: int) -> Mesh:
    """Makes a cloth in folds, centred at the origin: ``waves`` folds of ``depth`` metres across 2 ``hx``."""
    columns = 6 * waves + 1
    x = np.linspace(-hx, hx, columns)
    fold = depth / 2 * np.sin(np.linspace(0, 2 * np.pi * waves, columns))
    rows = []
    for side, z in ((1, -hz), (1, hz), (-1, hz), (-1, -hz)):
        spread = 1.0 if z > 0 else 0.94
        rows.append(np.stack([x * spread, fold * (0.7 if z > 0 else 1.0) + side * 0.006, np.full(columns, z)], axis=-1))
    vertices = np.concatenate(rows)
    texcoords = vertices[:, [0, 2]]
    return Mesh(vertices, _grid_faces(4, columns)[:, ::-1].copy(), texcoords)


def torus(radius: float, thickness: float, segments: tuple[int, int] = (20, 8)) -> Mesh:
    """Makes a ring about z; ``thickness`` is the radius of the tube, metres."""
    ring = [
        (radius + thickness * np.cos(a), thickness * np.sin(a)) for a in np.linspace(-np.pi, np.pi, segments[1] + 1)
    ]
    return lathe(ring, segments[0])
