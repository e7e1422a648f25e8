"""From mask and depth to the points of an object: without flying pixels, smoothed, and with normals."""

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

RIM = 1  # pixels of the mask's border that are left out, where enough remains
LEAST_INNER = 0.25  # fraction of the mask that must remain for that
JUMP = 0.01  # difference to the nearest of 3x3 pixels, as a fraction of the depth, from which there is an edge
JUMP_SIGMAS = 2.0  # and what noise adds to it
EMPTY_MARGIN = 0.004  # metres before a surface that are not called empty; noise adds three standard deviations
MIN_POINTS = 30
MOST_POINTS = 1500  # of a cloud that normals are computed for
GAP = 0.015  # metres between two surfaces that are not one object
PART = 0.2  # a piece of so many points of the largest piece ...
PART_GAP = 0.1  # ... and so near to it, in metres, is the same object behind something
NORMAL_RADIUS = 0.006  # metres around a point that its normal is fitted to, at least
NORMAL_SIGMAS = 5.0  # standard deviations of the depth, at least


def thinned(count: int, most: int) -> slice:
    """Every n-th of so many points, such that at most so many remain."""
    return slice(None, None, max(1, -(-count // most)))


@dataclass(frozen=True)
class Cloud:
    """Points of a surface.

    Attributes:
        points: (N, 3) metres.
        normals: (N, 3) unit length, outwards.
    """

    points: NDArray[np.float64]
    normals: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.points)

    def at(self, index: NDArray[np.bool_] | slice) -> Cloud:
        """Some of the points."""
        return Cloud(self.points[index], self.normals[index])

    def joined(self, other: Cloud) -> Cloud:
        """The points of both."""
        return Cloud(np.concatenate([self.points, other.points]), np.concatenate([self.normals, other.normals]))


@dataclass(frozen=True)
class DepthView:
    """A depth image and what is known of its camera.

    Attributes:
        depth: (H, W) metres along the optical axis, NaN where there is no measurement.
        camera: Intrinsics in pixels of this grid.
        noise: of the depth.
    """

    depth: NDArray[np.float64]
    camera: Camera
    noise: DepthNoise

    def points(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The points (N, 3) of chosen pixels (H, W), row by row."""
        rows, columns = np.nonzero(chosen)
        z = self.depth[rows, columns]
        x = (columns + 0.5 - self.camera.cx) / self.camera.fx * z
        y = (rows + 0.5 - self.camera.cy) / self.camera.fy * z
        return np.stack([x, y, z], axis=1)

    def behind_edges(self) -> NDArray[np.bool_]:
        """Flying pixels and the far side where near and far meet (H, W); the near side is to be trusted."""
        known = np.isfinite(self.depth)
        nearest = ndimage.minimum_filter(np.where(known, self.depth, np.inf), 3)
        behind: NDArray[np.bool_] = known & (
            self.depth - nearest > JUMP * self.depth + JUMP_SIGMAS * self.noise.sigma(self.depth)
        )
        return behind

    def crop(self, rows: slice, columns: slice) -> DepthView:
        """A part of the image."""
        moved = replace(self.camera, cx=self.camera.cx - columns.start, cy=self.camera.cy - rows.start)
        return DepthView(self.depth[rows, columns], moved, self.noise)


class EmptySpace:
    """What the camera has looked through.

    Args:
        view: What it sees.
    """

    def __init__(self, view: DepthView) -> None:
        # the nearest of 3x3, so that a pixel at an edge does not call the edge empty
        self._limit = ndimage.minimum_filter(np.where(np.isfinite(view.depth), view.depth, np.inf), 3)
        self._limit[~np.isfinite(view.depth)] = 0.0
        self._camera, self._noise = view.camera, view.noise

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether points (..., 3) lie clearly before what is measured behind them; False outside the image."""
        z = np.maximum(points[..., 2], 1e-6)
        column = np.floor(points[..., 0] / z * self._camera.fx + self._camera.cx)
        row = np.floor(points[..., 1] / z * self._camera.fy + self._camera.cy)
        height, width = self._limit.shape
        inside = (points[..., 2] > 0) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
        limit = self._limit[np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)]
        empty: NDArray[np.bool_] = inside & (z < limit - EMPTY_MARGIN - 3 * self._noise.sigma(limit))
        return empty


def inner(mask: NDArray[np.bool_], view: DepthView) -> NDArray[np.bool_]:
    """The pixels (H, W) of a mask that can be trusted: measured, not at an edge of the depth nor at the mask's rim."""
    measured = mask & np.isfinite(view.depth)
    smooth = measured & ~view.behind_edges()
    eroded = smooth & ndimage.binary_erosion(mask, iterations=RIM, border_value=1)
    least = max(MIN_POINTS, LEAST_INNER * measured.sum())
    return next((chosen for chosen in (eroded, smooth) if chosen.sum() >= least), measured)


def one_object(points: NDArray[np.float64], noise: DepthNoise) -> NDArray[np.bool_]:
    """Which points (N, 3) are of the largest piece without a gap, or of a piece of the same object near it."""
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
    """A cloud of at most some 1,500 of the points (N, 3), moved to the plane through their neighbours, with normals.

    The neighbourhood is as large as the noise asks for: five standard deviations of the depth.
    """
    tree = cKDTree(points)
    some = points[thinned(len(points), MOST_POINTS)]
    radius = max(NORMAL_RADIUS, NORMAL_SIGMAS * noise.sigma(float(np.median(points[:, 2]))))
    inside = float(np.median(tree.query_ball_point(some, radius, return_length=True)))
    neighbours = points[tree.query(some, k=int(np.clip(inside, 12, min(80, len(points)))))[1]]  # (N, k, 3)
    means = neighbours.mean(axis=1)
    centred = neighbours - means[:, None]
    normals = np.linalg.eigh(np.einsum("nki,nkj->nij", centred, centred)).eigenvectors[:, :, 0]
    normals *= np.where(np.einsum("ni,ni->n", normals, some) > 0, -1.0, 1.0)[:, None]  # to the camera
    off = np.einsum("ni,ni->n", some - means, normals)
    return Cloud(some - off[:, None] * normals, normals)
