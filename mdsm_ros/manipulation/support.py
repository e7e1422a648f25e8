"""The plane on which an object stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mdsm_ros.manipulation.cloud import thinned
from mdsm_ros.manipulation.noise import DepthNoise

PLANES = 4  # points used around an object
AROUND = 0.12  # metres around the object's points in which its support plane is searched
BESIDE = 0.04  # metres around them from which a triple's first point is drawn
TRIES = 150  # triples of points for each
NEAR = 100  # neighbours of a triple's first point from which the other two are drawn
MOST_POINTS = 2000
LEAST_POINTS = 50
LEAST_SHARE = 0.05  # fraction of the points around the object that a plane must contain
TOLERANCE = 0.004  # largest distance of a plane's points in metres; noise adds two standard deviations
TOUCH = 0.05  # metres between an object's lowest seen point and its support plane
BELOW = 0.05  # fraction of an object's points that may lie below its support plane
TILT = 20.0  # degrees between a support plane's normal and up, if up is known
UP = np.array([0.0, -1.0, 0.0])  # up of a camera held upright
OVERHANG = -0.2  # lowest cosine between a support plane's normal and that: below, it is a wall seen from above


@dataclass(frozen=True)
class Plane:
    """A plane: normal . x + offset = 0.

    Attributes:
        normal: Normal of unit length, towards the camera, (3,).
        offset: Distance from the camera in metres.
    """

    normal: NDArray[np.float64]
    offset: float

    def height(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The heights of points (..., 3) above the plane in metres."""
        return np.asarray(points @ self.normal + self.offset)


def find_support(
    around: NDArray[np.float64],
    target: NDArray[np.float64],
    noise: DepthNoise,
    rng: np.random.Generator,
    up: NDArray[np.float64] | None = None,
) -> Plane | None:
    """Finds the plane on which an object stands: it touches the object, and the object lies above it.

    Of several such planes, the most level one is chosen, by ``up`` or else as if the camera were held upright.

    Args:
        around: Points around the object, but not on it, (N, 3).
        target: Points of the object, (M, 3); some may belong to the plane.
        noise: Noise of the depth.
        rng: Random generator for the triples of RANSAC.
        up: Direction against gravity in the camera's frame, (3,), if known.
    """
    if len(around) == 0:
        return None
    direction, least = (UP, OVERHANG) if up is None else (up / np.linalg.norm(up), np.cos(np.deg2rad(TILT)))
    slack = TOLERANCE + 2 * noise.sigma(float(np.median(target[:, 2])))
    best = None
    for plane in _planes(around, target, noise, rng):
        heights = plane.height(target)
        level = float(plane.normal @ direction)
        if level > least and np.mean(heights < -slack) <= BELOW and np.percentile(heights, 2) <= TOUCH:
            best, least = plane, level
    return best


def _planes(
    points: NDArray[np.float64], target: NDArray[np.float64], noise: DepthNoise, rng: np.random.Generator
) -> Iterator[Plane]:
    """The planes with the most points (N, 3) around the target's points, the largest first."""
    points = points[thinned(len(points), 10 * MOST_POINTS)]
    gaps = cKDTree(target).query(points, distance_upper_bound=AROUND)[0]
    points, gaps = points[gaps < AROUND], gaps[gaps < AROUND]
    points, gaps = points[thinned(len(points), MOST_POINTS)], gaps[thinned(len(points), MOST_POINTS)]
    least = max(LEAST_POINTS, LEAST_SHARE * len(points))
    for _ in range(PLANES):
        if len(points) < least:
            return
        tolerance = TOLERANCE + 2 * noise.sigma(points[:, 2])
        plane = _ransac(points, np.flatnonzero(gaps < BESIDE), tolerance, rng)
        for _ in range(3):
            on_plane = np.abs(plane.height(points)) <= tolerance
            if on_plane.sum() < least:
                return
            plane = _fitted(points[on_plane])
        yield plane
        points, gaps = points[~on_plane], gaps[~on_plane]


def _ransac(
    points: NDArray[np.float64],
    starts: NDArray[np.intp],
    tolerance: NDArray[np.floating],
    rng: np.random.Generator,
) -> Plane:
    """The plane through three of the points (N, 3) with the most points; the first is one of the starts, if any."""
    first = rng.choice(starts, TRIES) if len(starts) else rng.integers(len(points), size=TRIES)
    near = cKDTree(points).query(points[first], k=min(NEAR, len(points)))[1]  # neighbours are more often on one plane
    second, third = np.take_along_axis(near, rng.integers(near.shape[1], size=(TRIES, 2)), axis=1).T
    normals = np.cross(points[second] - points[first], points[third] - points[first])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    offsets = -np.einsum("ni,ni->n", normals, points[first])
    inliers = (np.abs(normals @ points.T + offsets[:, None]) <= tolerance).sum(axis=1)
    inliers[np.linalg.norm(normals, axis=1) < 0.5] = 0  # three points on a line
    best = int(inliers.argmax())
    return Plane(normals[best], float(offsets[best]))


def _fitted(points: NDArray[np.float64]) -> Plane:
    """The least-squares plane through points (N, 3)."""
    mean = points.mean(axis=0)
    normal = np.linalg.eigh((points - mean).T @ (points - mean)).eigenvectors[:, 0]
    normal = -normal if normal @ mean > 0 else normal
    return Plane(normal, float(-normal @ mean))
