"""Oriented boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from mdsm_ros.manipulation.support import Plane

OUTERMOST = (0.5, 99.5)  # percentiles of the points at which a box ends
LEAST_SIDE = 0.002  # metres


@dataclass(frozen=True)
class OrientedBox:
    """A box around an object, in the camera's optical frame.

    Attributes:
        center: Centre in metres, (3,).
        axes: Rotation (3, 3) whose columns are the box's x, y and z. On a support plane, z is the plane's normal and x
            the longer horizontal side. Without one, x is the longest side and z the shortest.
        size: Extents along these axes in metres, (3,).
    """

    center: NDArray[np.float64]
    axes: NDArray[np.float64]
    size: NDArray[np.float64]

    def corners(self) -> NDArray[np.float64]:
        """The eight corners, (8, 3)."""
        signs = np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        return np.asarray(self.center + signs * self.size @ self.axes.T)


def upright_box(points: NDArray[np.float64], support: Plane) -> OrientedBox:
    """Fits a box on a support plane: the smallest rectangle around the points' footprint, from the plane up.

    Args:
        points: Points of all sides, (N, 3).
        support: Plane on which the object stands.
    """
    first = np.cross(support.normal, np.eye(3)[np.abs(support.normal).argmin()])
    first /= np.linalg.norm(first)
    level = np.stack([first, np.cross(support.normal, first)])  # (2, 3)
    to_box, _ = trimesh.bounds.oriented_bounds_2D(_thick(points @ level.T))
    axes = to_box[:2, :2] @ level
    low, high = np.percentile(points @ axes.T, OUTERMOST, axis=0)
    height = max(float(np.percentile(support.height(points), OUTERMOST[1])), LEAST_SIDE)
    center = (low + high) / 2 @ axes + (height / 2 - support.offset) * support.normal
    long, short = (0, 1) if high[0] - low[0] >= high[1] - low[1] else (1, 0)
    x = axes[long]
    columns = np.stack([x, np.cross(support.normal, x), support.normal], axis=1)
    sides = np.maximum((high - low)[[long, short]], LEAST_SIDE)
    return OrientedBox(center, columns, np.array([*sides, height]))


def free_box(points: NDArray[np.float64]) -> OrientedBox:
    """Fits the box of the smallest volume around points (N, 3) of all sides, without a support plane."""
    to_box, _ = trimesh.bounds.oriented_bounds(_thick(points), angle_digits=1)
    axes = to_box[:3, :3]
    low, high = np.percentile(points @ axes.T, OUTERMOST, axis=0)
    order = np.argsort(low - high)
    center = (low + high) / 2 @ axes
    x, y = axes[order[0]], axes[order[1]]
    columns = np.stack([x, y, np.cross(x, y)], axis=1)
    return OrientedBox(center, columns, np.maximum((high - low)[order], LEAST_SIDE))


def _thick(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expands the points (N, D) to small squares or cubes: a hull needs an area or a volume."""
    dimensions = points.shape[1]
    corners = np.stack(np.meshgrid(*[(-0.5, 0.5)] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    return np.asarray((points[:, None] + LEAST_SIDE / 2 * corners).reshape(-1, dimensions))
