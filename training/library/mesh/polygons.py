"""Cuts the polygons of OBJ files into triangles.

Readers cut them into fans, which is wrong where a polygon is concave: a frame loses its hole, a band becomes a disc.
"""

from __future__ import annotations

from collections.abc import Sequence

import mapbox_earcut
import numpy as np
from numpy.typing import NDArray


def triangulated(text: str) -> str:
    """An OBJ file in which concave polygons, and all of five corners and more, are triangles; the rest is as it was."""
    lines = text.splitlines()
    points = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], dtype=np.float64)
    result = []
    for line in lines:
        if line.startswith("f "):
            result += _face(line, points)
        else:
            result.append(line)
    return "\n".join(result) + "\n"


def _face(line: str, points: NDArray[np.float64]) -> list[str]:
    corners = line.split()[1:]
    if len(corners) < 3:
        return []
    if len(corners) == 3:
        return [line]
    try:
        places = [int(corner.split("/")[0]) - 1 for corner in corners]
    except ValueError:
        return [line]  # for the reader to complain about
    if min(places) < 0 or max(places) >= len(points):
        return [line]
    polygon = points[places]
    if len(corners) == 4 and _is_convex(polygon):
        return [line]
    return [f"f {corners[a]} {corners[b]} {corners[c]}" for a, b, c in cut(polygon)]


def _is_convex(quad: NDArray[np.float64]) -> bool:
    """Whether the first diagonal of a quad (4, 3) lies inside of it."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz), (dx, dy, dz) = quad.tolist()
    ux, uy, uz, vx, vy, vz, wx, wy, wz = (
        *(bx - ax, by - ay, bz - az),
        *(cx - ax, cy - ay, cz - az),
        *(dx - ax, dy - ay, dz - az),
    )
    px, py, pz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    qx, qy, qz = vy * wz - vz * wy, vz * wx - vx * wz, vx * wy - vy * wx
    convex: bool = px * qx + py * qy + pz * qz >= 0
    return convex


def cut(polygon: NDArray[np.float64]) -> Sequence[tuple[int, int, int]]:
    """Triangles, as numbers of corners, of a polygon (N, 3); they run round the same way."""
    count = len(polygon)
    following = np.roll(polygon, -1, axis=0)
    normal = np.cross(polygon, following).sum(axis=0)  # Newell's
    main = int(np.abs(normal).argmax())
    flat = np.ascontiguousarray(np.delete(polygon, main, axis=1))
    triangles = mapbox_earcut.triangulate_float64(flat, np.array([count], dtype=np.uint32)).reshape(-1, 3)
    if len(triangles) < count - 2:  # it crosses itself, or has no area
        return [(0, i, i + 1) for i in range(1, count - 1)]
    x, y = flat.T
    area = float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
    result = []
    for a, b, c in triangles.tolist():
        turn = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
        result.append((a, b, c) if turn * area >= 0 else (a, c, b))
    return result
