"""Where things may lie on a model, found by rays from above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from trimesh import Trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from mdsm_ros.library.shapes import Patch, Surface, bounds

CELLS = 48  # along the longer side of the footprint
FINEST = 0.01  # metres, a cell's side
LEVEL, ROUGH_LEVEL = 0.94, 0.75  # upward part of a normal, on hard and on soft things
BAND, ROUGH_BAND = 0.02, 0.06  # metres that a surface may be uneven
LARGE_SHARE = 0.25  # of the footprint: if no smooth surface is so large, rough ones (beds, seats) are looked for
SMALLEST = 0.1  # metres, a rectangle's shorter side
SMALLEST_SHARE = 0.04  # of the footprint
LEAST_CLEARANCE = 0.1  # metres
OPEN_AIR = 1.0  # metres: the clearance where nothing is above
UNDER_CLEARANCE = 0.15  # metres, from which on something fits under
MOST = 8  # surfaces of a model
STEP = 0.01  # metres between levels that are tried


def find_surfaces(patches: Sequence[Patch]) -> tuple[Surface, ...]:
    """Level rectangles with room above, the largest first, then the floor under the model if there is room."""
    vertices = np.concatenate([patch.vertices for patch in patches]).astype(np.float64)
    offsets = np.cumsum([0, *(len(patch.vertices) for patch in patches)])
    faces = np.concatenate([patch.faces + offset for patch, offset in zip(patches, offsets, strict=False)])
    low, high = bounds(vertices)
    cell = max(FINEST, float((high - low)[:2].max()) / CELLS)
    nx, ny = (max(1, int(side / cell)) for side in (high - low)[:2])
    x = low[0] + (np.arange(nx) + 0.5) * (high[0] - low[0]) / nx
    y = low[1] + (np.arange(ny) + 0.5) * (high[1] - low[1]) / ny
    hits = _Columns(vertices, faces, x, y, high[2])
    found = _tops(hits, x, y, LEVEL, BAND)
    footprint = float(np.ptp(x) * np.ptp(y))
    if not found or 4 * found[0].hx * found[0].hy < LARGE_SHARE * footprint:
        rough = _tops(hits, x, y, ROUGH_LEVEL, ROUGH_BAND)
        found = max(found, rough, key=lambda surfaces: max((s.hx * s.hy for s in surfaces), default=0.0))
    under = _under(hits, x, y)
    return (*found, *([] if under is None else [under]))


class _Columns:
    """What rays straight down meet: for each hit its column (iy, ix), height, how level it is, and the room above."""

    def __init__(
        self,
        vertices: NDArray[np.float64],
        faces: NDArray[np.int64],
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        top: float,
    ) -> None:
        self.shape = (len(y), len(x))
        gx, gy = np.meshgrid(x, y)
        origins = np.column_stack([gx.ravel(), gy.ravel(), np.full(gx.size, top + 0.1)])
        down = np.broadcast_to((0.0, 0.0, -1.0), origins.shape).copy()
        mesh = Trimesh(vertices, faces, process=False, validate=False)
        triangle, ray, point = RayMeshIntersector(mesh).intersects_id(
            origins, down, multiple_hits=True, return_locations=True, max_hits=64
        )
        z = np.asarray(point).reshape(-1, 3)[:, 2]
        order = np.lexsort((-z, ray))
        self.ray, self.z = np.asarray(ray)[order], z[order]
        a, b, c = (vertices[faces[np.asarray(triangle)[order], i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        steep = np.abs(normal[:, 2]) / np.maximum(np.linalg.norm(normal, axis=1), 1e-30)
        self.steepness = np.where(normal[:, 2] > 0, steep, 0.0)
        first = np.append(True, np.diff(self.ray) != 0) if len(self.ray) else np.zeros(0, dtype=bool)
        above = np.append(np.inf, self.z[:-1]) if len(self.z) else self.z
        self.room = np.where(first, np.inf, above - self.z)

    def grid(self, rows: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The highest value of chosen hits in each column, nan where there is none."""
        grid = np.full(self.shape[0] * self.shape[1], -np.inf)
        np.maximum.at(grid, self.ray[rows], values[rows])
        return np.where(np.isinf(grid), np.nan, grid).reshape(self.shape)


def _tops(hits: _Columns, x: NDArray[np.float64], y: NDArray[np.float64], level: float, band: float) -> list[Surface]:
    usable = (hits.steepness > level) & (hits.room > LEAST_CLEARANCE)
    footprint = float(np.ptp(x) * np.ptp(y)) or 1.0
    found: list[Surface] = []
    free = usable.copy()
    for _ in range(MOST):
        if not free.any():
            break
        rows = free & (np.abs(hits.z - _busiest(hits.z[free])) <= band)
        free &= ~rows
        heights = hits.grid(rows, hits.z)
        while len(found) < MOST:
            box = largest_rectangle(~np.isnan(heights))
            surface = _surface(hits, rows, heights, box, x, y)
            if surface is None or 4 * surface.hx * surface.hy < SMALLEST_SHARE * footprint:
                break
            found.append(surface)
            heights[box[0] : box[1], box[2] : box[3]] = np.nan
    return sorted(found, key=lambda surface: -surface.hx * surface.hy)


def _busiest(z: NDArray[np.float64]) -> float:
    """The height around which most hits are."""
    levels = np.round(z / STEP).astype(np.int64)
    values, counts = np.unique(levels, return_counts=True)
    near = np.array([counts[np.abs(values - value) <= 1].sum() for value in values])
    return float(np.median(z[np.abs(levels - values[near.argmax()]) <= 1]))


def _surface(
    hits: _Columns,
    rows: NDArray[np.bool_],
    heights: NDArray[np.float64],
    box: tuple[int, int, int, int],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> Surface | None:
    top, bottom, left, right = box
    hx, hy, cx, cy = _rectangle(box, x, y)
    if min(hx, hy) < SMALLEST / 2:
        return None
    inside = np.zeros(heights.shape, dtype=bool)
    inside[top:bottom, left:right] = True
    room = float(hits.room[rows & inside.reshape(-1)[hits.ray]].min())
    z = float(np.quantile(heights[top:bottom, left:right], 0.9))
    place = "surface" if np.isinf(room) else "shelf"
    return Surface(place, round(z, 4), hx, hy, cy, round(min(room - BAND, OPEN_AIR), 4), cx)


def _under(hits: _Columns, x: NDArray[np.float64], y: NDArray[np.float64]) -> Surface | None:
    """The floor below, where nothing of the model reaches down to."""
    lowest = hits.grid(np.ones(len(hits.z), dtype=bool), -hits.z)
    box = largest_rectangle(-lowest > UNDER_CLEARANCE)
    hx, hy, cx, cy = _rectangle(box, x, y)
    if min(hx, hy) < SMALLEST:
        return None
    clearance = float(-lowest[box[0] : box[1], box[2] : box[3]].max())
    return Surface("under", 0.0, hx, hy, cy, round(clearance - 0.02, 4), cx)


def _rectangle(
    box: tuple[int, int, int, int], x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[float, float, float, float]:
    """Half-extents and middle of rows and columns, half a cell inside of their rim."""
    top, bottom, left, right = box
    if bottom - top < 2 or right - left < 2:
        return 0.0, 0.0, 0.0, 0.0
    x0, x1, y0, y1 = x[left], x[right - 1], y[top], y[bottom - 1]
    hx, hy, cx, cy = (x1 - x0) / 2, (y1 - y0) / 2, (x0 + x1) / 2, (y0 + y1) / 2
    return round(float(hx), 4), round(float(hy), 4), round(float(cx), 4), round(float(cy), 4)


def largest_rectangle(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The largest all-true rectangle of a mask: first row, end row, first column, end column."""
    best, box = 0, (0, 0, 0, 0)
    height = np.zeros(mask.shape[1], dtype=np.int64)
    for row in range(mask.shape[0]):
        height = np.where(mask[row], height + 1, 0)
        stack: list[tuple[int, int]] = []  # first column, height; heights increase
        for column in range(mask.shape[1] + 1):
            current = int(height[column]) if column < mask.shape[1] else 0
            start = column
            while stack and stack[-1][1] >= current:
                start, tall = stack.pop()
                if tall * (column - start) > best:
                    best, box = tall * (column - start), (row + 1 - tall, row + 1, start, column)
            stack.append((start, current))
    return box
