"""The points of an object from mask and depth: without flying pixels, smoothed, and with normals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from mdsm_ros.geometry import Camera
from mdsm_ros.manipulation.noise import DepthNoise

RIM = 1  # pixels of the mask's border that are left out if enough remain
LEAST_INNER = 0.25  # fraction of the mask that must remain
JUMP = 0.01  # lowest difference to the nearest of 3x3 pixels at an edge, as a fraction of the depth
JUMP_SIGMAS = 2.0  # and the addition for noise
EMPTY_MARGIN = 0.004  # metres before a surface that do not count as empty; noise adds three standard deviations
MIN_POINTS = 30
MOST_POINTS = 1500  # points of a cloud whose normals are computed
GAP = 0.015  # metres between the surfaces of different objects
PART = 0.2  # a piece with this fraction of the largest piece's points ...
PART_GAP = 0.1  # ... and this close to it, in metres, is the same object behind an obstacle
NORMAL_RADIUS = 0.006  # smallest radius, in metres, of the neighbourhood for a normal
NORMAL_SIGMAS = 5.0  # smallest radius in standard deviations of the depth


def thinned(count: int, most: int) -> slice:
    """A slice with every n-th point, such that at most ``most`` points remain."""
    return slice(None, None, max(1, -(-count // most)))


@dataclass(frozen=True)
class Cloud:
    """Points of a surface.

    Attributes:
        points: Points in metres, (N, 3).
        normals: Outward normals of unit length, (N, 3).
    """

    points: NDArray[np.float64]
    normals: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.points)

    def at(self, index: NDArray[np.bool_] | slice) -> Cloud:
        """Selects some of the points."""
        return Cloud(self.points[index], self.normals[index])

    def joined(self, other: Cloud) -> Cloud:
        """Joins the points of both."""
        return Cloud(np.concatenate([self.points, other.points]), np.concatenate([self.normals, other.normals]))


@dataclass(frozen=True)
class DepthView:
    """A depth image and its camera.

    Attributes:
        depth: Metres along the optical axis, (H, W); NaN without a measurement.
        camera: Intrinsics in pixels of this grid.
        noise: Noise of the depth.
    """

    depth: NDArray[np.float64]
    camera: Camera
    noise: DepthNoise

    def points(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The points (N, 3) of selected pixels (H, W), row by row."""
        rows, columns = np.nonzero(chosen)
        z = self.depth[rows, columns]
        x = (columns + 0.5 - self.camera.cx) / self.camera.fx * z
        y = (rows + 0.5 - self.camera.cy) / self.camera.fy * z
        return np.stack([x, y, z], axis=1)

    def behind_edges(self) -> NDArray[np.bool_]:
        """Marks flying pixels and the far side of depth edges (H, W); the near side is reliable."""
        known = np.isfinite(self.depth)
        nearest = ndimage.minimum_filter(np.where(known, self.depth, np.inf), 3)
        behind: NDArray[np.bool_] = known & (
            self.depth - nearest > JUMP * self.depth + JUMP_SIGMAS * self.noise.sigma(self.depth)
        )
        return behind

    def crop(self, rows: slice, columns: slice) -> DepthView:
        """Crops the image."""
        moved = replace(self.camera, cx=self.camera.cx - columns.start, cy=self.camera.cy - rows.start)
        return DepthView(self.depth[rows, columns], moved, self.noise)


class EmptySpace:
    """The space that the camera has seen to be empty.

    Args:
        view: Depth image of the camera.
    """

    def __init__(self, view: DepthView) -> None:
        # the nearest of 3x3, so that a pixel at an edge does not mark the edge as empty
        self._limit = ndimage.minimum_filter(np.where(np.isfinite(view.depth), view.depth, np.inf), 3)
        self._limit[~np.isfinite(view.depth)] = 0.0
        self._camera, self._noise = view.camera, view.noise

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points (..., 3) lie clearly before the measured surface behind them; False outside the image."""
        z = np.maximum(points[..., 2], 1e-6)
        column = np.floor(points[..., 0] / z * self._camera.fx + self._camera.cx)
        row = np.floor(points[..., 1] / z * self._camera.fy + self._camera.cy)
        height, width = self._limit.shape
        inside = (points[..., 2] > 0) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
        limit = self._limit[np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)]
        empty: NDArray[np.bool_] = inside & (z < limit - EMPTY_MARGIN - 3 * self._noise.sigma(limit))
        return empty


def inner(mask: NDArray[np.bool_], view: DepthView) -> NDArray[np.bool_]:
    """The reliable pixels (H, W) of a mask: measured, and at no edge of the depth or of the mask."""
    measured = mask & np.isfinite(view.depth)
    smooth = measured & ~view.behind_edges()
    eroded = smooth & ndimage.binary_erosion(mask, iterations=RIM, border_value=1)
    least = max(MIN_POINTS, LEAST_INNER * measured.sum())
    return next((chosen for chosen in (eroded, smooth) if chosen.sum() >= least), measured)


def one_object(points: NDArray[np.float64], noise: DepthNoise) -> NDArray[np.bool_]:
    """Marks the points (N, 3) of the largest piece without a gap, and of pieces of the same object near it."""
    some = points[thinned(len(points), MOST_POINTS)]
    tree = cKDTree(some)
    pitch = float(np.median(tree.query(some, k=min(5, len(some)))[0][:, -1]))
    radius = max(GAP, 3 * pitch, 4 * noise.sigma(float(np.median(points[:, 2]))))
    pairs = tree.query_pairs(radius, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(some), len(some)))
    pieces = connected_components(graph, directed=False)[1]
    counts = np.bincount(pieces)
    largest = int(counts.argmax())
    gaps, _ = cKDTree(some[pieces == largest]).query(some)
    nearest = np.full(len(counts), np.inf)
    np.minimum.at(nearest, pieces, gaps)
    kept = (counts >= PART * counts[largest]) & (nearest <= PART_GAP)
    return np.asarray(kept[pieces[tree.query(points)[1]]])


def surface(points: NDArray[np.float64], noise: DepthNoise) -> Cloud:
    """Smooths at most about 1,500 of the points (N, 3) to the plane of their neighbours, and adds normals.

    The size of the neighbourhood depends on the noise: five standard deviations of the depth.
    """
    tree = cKDTree(points)
    some = points[thinned(len(points), MOST_POINTS)]
    radius = max(NORMAL_RADIUS, NORMAL_SIGMAS * noise.sigma(float(np.median(points[:, 2]))))
    inside = float(np.median(tree.query_ball_point(some, radius, return_length=True)))
    neighbours = points[tree.query(some, k=int(np.clip(inside, 12, min(80, len(points)))))[1]]  # (N, k, 3)
    means = neighbours.mean(axis=1)
    centred = neighbours - means[:, None]
    normals = np.linalg.eigh(np.einsum("nki,nkj->nij", centred, centred)).eigenvectors[:, :, 0]
    normals *= np.where(np.einsum("ni,ni->n", normals, some) > 0, -1.0, 1.0)[:, None]  # towards the camera
    off = np.einsum("ni,ni->n", some - means, normals)
    return Cloud(some - off[:, None] * normals, normals)
