"""The exact box of an object, and how much of it an estimated box covers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from mdsm_ros.manipulation.box import OrientedBox

GRID = 24  # points along each side of a box, for the overlap of two
ROUND_FILL = 0.84  # of its rectangle that a round footprint covers at most; a circle covers 0.785
ROUND_SIDES = 0.93  # least ratio of a round footprint's sides
TURNS = 12  # in which the box of a round object is compared, over a quarter of a turn


def exact_box(vertices: NDArray[np.float64]) -> OrientedBox:
    """The upright box with the smallest footprint around vertices (N, 3) in the room's frame, z up; x is longer."""
    to_box, _ = trimesh.bounds.oriented_bounds_2D(vertices[:, :2])
    axes = np.eye(3)
    axes[:2, :2] = to_box[:2, :2].T
    low, high = (vertices @ axes).min(axis=0), (vertices @ axes).max(axis=0)
    center, size = axes @ ((low + high) / 2), high - low
    if size[1] > size[0]:
        axes, size = axes[:, [1, 0, 2]], size[[1, 0, 2]]
    axes[:, 1] = np.cross(axes[:, 2], axes[:, 0])
    return OrientedBox(center, axes, size)


def is_round(vertices: NDArray[np.float64], box: OrientedBox) -> bool:
    """Whether the footprint of vertices (N, 3) is about a circle: its box then may be turned as one likes."""
    fill = ConvexHull(vertices[:, :2]).volume / box.size[:2].prod()
    return bool(fill <= ROUND_FILL and box.size[1] >= ROUND_SIDES * box.size[0])


def iou(a: OrientedBox, b: OrientedBox) -> float:
    """Intersection over union of two boxes, by a grid of points in the first."""
    steps = (np.arange(GRID) + 0.5) / GRID - 0.5
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    points = (a.center + (grid * a.size) @ a.axes.T - b.center) @ b.axes
    inside = float((np.abs(points) <= b.size / 2).all(axis=1).mean())
    common = min(inside * float(a.size.prod()), float(b.size.prod()))
    return common / float(a.size.prod() + b.size.prod() - common)


def best_iou(found: OrientedBox, exact: OrientedBox, turns_freely: bool) -> float:
    """The overlap of boxes; of a round object the best over turns of the exact box about z, as for NOCS."""
    angles = np.arange(TURNS) * np.pi / 2 / TURNS if turns_freely else [0.0]
    return max(iou(found, replace(exact, axes=_turned(exact.axes, float(angle)))) for angle in angles)


def _turned(axes: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    return np.asarray(trimesh.transformations.rotation_matrix(angle, (0, 0, 1))[:3, :3] @ axes)
