"""Completion of the unseen side of an object, by symmetry.

Most objects in a home look the same after half a turn about their vertical axis: boxes, bottles, bowls, books. In a
view of such an object, the leftmost and the rightmost point map onto each other, so the axis is midway between them.
For round objects these points are just out of view; if circles fit the visible surface, their centres are used. The
axis is moved, mainly away from the camera, until the rotated points no longer lie in space that the camera has seen to
be empty. The idea of choosing a symmetry by seen empty space is from Bohg et al., "Mind the gap" (ICRA 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.manipulation.cloud import Cloud, EmptySpace, thinned

EXTREME = 0.04  # fraction of the points that counts as leftmost; rightmost likewise
SIDEWAYS = np.linspace(-0.2, 0.2, 9)  # moves of the axis, as fractions of the seen width
BACKWARD = np.linspace(-0.1, 0.6, 15)
SIDEWAYS_COST, BACKWARD_COST = 0.2, 0.2  # cost of a move by the width, in fractions of points in empty space
TRIED_POINTS = 300
LEAST_DEPTH = 0.5  # fraction of the smaller of width and height, if only one face is seen
BANDS = 6  # bands of height in which circles are fitted
LEAST_ROUND = 3  # bands with a good circle
BAND_POINTS = 15
ROUND_ERROR = 0.03  # root mean square distance from a good circle as a fraction of its radius, and ...
ROUND_NOISE = 0.0007  # ... in metres, the depth noise that remains after smoothing
ROUND_RADIUS = (0.9, 1.5)  # radius of a good circle, in halves of the seen width
AGREEMENT = 0.25  # fraction of their radius within which the circles' centres must lie
STEEP = 0.25  # sine of the angle between the line of sight and the axis, below which the view is from the top


@dataclass(frozen=True)
class _Frame:
    """A symmetry: ``turn`` (3, 3) maps the seen half to the hidden one, about a centre."""

    turn: NDArray[np.float64]
    sideways: NDArray[np.float64]
    backward: NDArray[np.float64]
    from_top: bool

    def mirrored(self, points: NDArray[np.float64], center: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(center + (points - center) @ self.turn.T)


def hidden_side(seen: Cloud, up: NDArray[np.float64] | None, empty: EmptySpace) -> Cloud:
    """Computes the points that a symmetry adds behind the visible surface.

    Args:
        seen: Visible surface.
        up: Normal of the support plane, (3,): the symmetry is half a turn about it. None for the point reflection.
        empty: Space seen to be empty, which contains no part of the hidden side.
    """
    frame = _frame(seen.points, up)
    start = None if up is None or frame.from_top else _round_center(seen, frame, up)
    center = _moved(seen, frame, _first_center(seen.points, frame) if start is None else start, empty)
    missing = _missing_depth(seen.points, frame, center, up)
    center = center + missing / 2 * frame.backward
    mirrored = Cloud(frame.mirrored(seen.points, center), seen.normals @ frame.turn.T)
    return mirrored.at(~empty.contains(mirrored.points))


def _frame(points: NDArray[np.float64], up: NDArray[np.float64] | None) -> _Frame:
    sight = points.mean(axis=0)
    sight = sight / np.linalg.norm(sight)
    turn, backward, from_top = -np.eye(3), sight, False
    if up is not None:
        turn = 2 * np.outer(up, up) - np.eye(3)
        backward = sight - (sight @ up) * up
        from_top = bool(np.linalg.norm(backward) < STEEP)
        if from_top:  # any horizontal direction works
            backward = np.cross(up, np.eye(3)[np.abs(up).argmin()])
        backward = backward / np.linalg.norm(backward)
    axis = np.array([0.0, -1.0, 0.0]) if up is None else up
    sideways = np.cross(axis, backward)
    return _Frame(turn, sideways / np.linalg.norm(sideways), backward, from_top)


def _first_center(points: NDArray[np.float64], frame: _Frame) -> NDArray[np.float64]:
    """The middle between the outermost points on opposite sides."""
    axis = np.cross(frame.backward, frame.sideways)
    whole = np.allclose(frame.turn, -np.eye(3))  # a point reflection maps above to below, too
    directions = [frame.sideways, axis, frame.sideways + axis, frame.sideways - axis] if whole else [frame.sideways]
    if frame.from_top:
        directions.append(frame.backward)
    count = max(1, int(EXTREME * len(points)))
    middles = []
    for direction in directions:
        order = np.argsort(points @ direction)
        middles.append((points[order[:count]].mean(axis=0) + points[order[-count:]].mean(axis=0)) / 2)
    return np.asarray(np.mean(middles, axis=0))


def _round_center(seen: Cloud, frame: _Frame, up: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """A point on the axis of an upright round object: the median of circles in bands of height; None for others."""
    sides = seen.points[np.abs(seen.normals @ up) < 0.5]
    level = np.stack([frame.sideways, frame.backward], axis=1)
    circles = [_circle(sides[band] @ level) for band in np.array_split(np.argsort(sides @ up), BANDS)]
    good = np.array([circle for circle in circles if circle is not None])
    if len(good) < LEAST_ROUND:
        return None
    middle, radius = np.median(good[:, :2], axis=0), float(np.median(good[:, 2]))
    near = np.linalg.norm(good[:, :2] - middle, axis=1) <= AGREEMENT * radius
    if near.sum() < LEAST_ROUND:
        return None
    return np.asarray(level @ good[near, :2].mean(axis=0) + seen.points.mean(axis=0) @ up * up)


def _circle(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Fits a circle to points (N, 2) of its visible half: centre and radius (3,); None if none fits well."""
    if len(points) < BAND_POINTS:
        return None
    solved = np.linalg.lstsq(np.c_[2 * points, np.ones(len(points))], (points**2).sum(axis=1), rcond=None)[0]
    center, radius = solved[:2], float(np.sqrt(max(solved[2] + solved[:2] @ solved[:2], 0.0)))
    error = float(np.sqrt(np.mean((np.linalg.norm(points - center, axis=1) - radius) ** 2)))
    half = float(np.ptp(points[:, 0])) / 2
    good = error <= ROUND_ERROR * radius + ROUND_NOISE and ROUND_RADIUS[0] * half <= radius <= ROUND_RADIUS[1] * half
    return np.array([*center, radius]) if good else None


def _moved(seen: Cloud, frame: _Frame, center: NDArray[np.float64], empty: EmptySpace) -> NDArray[np.float64]:
    """The centre after the cheapest move: a short one that leaves few mirrored points in empty space."""
    width = float(np.ptp(seen.points @ frame.sideways))
    some = seen.points[thinned(len(seen), TRIED_POINTS)]
    moves = np.stack(np.meshgrid(SIDEWAYS, SIDEWAYS if frame.from_top else BACKWARD, indexing="ij"), -1).reshape(-1, 2)
    centers = center + width * (moves[:, :1] * frame.sideways + moves[:, 1:] * frame.backward)
    mirrored = np.stack([frame.mirrored(some, middle) for middle in centers])
    cost = empty.contains(mirrored).mean(axis=1) + np.abs(moves) @ (SIDEWAYS_COST, BACKWARD_COST)
    return np.asarray(centers[int(cost.argmin())])


def _missing_depth(
    points: NDArray[np.float64], frame: _Frame, center: NDArray[np.float64], up: NDArray[np.float64] | None
) -> float:
    """Metres by which the depth of seen and mirrored points is below the assumption for a flat view."""
    both = np.concatenate([points, frame.mirrored(points, center)])
    axis = np.cross(frame.backward, frame.sideways) if up is None else up
    width, height, depth = (
        float(np.subtract(*np.percentile(both @ direction, (98, 2))))
        for direction in (frame.sideways, axis, frame.backward)
    )
    return 0.0 if frame.from_top else max(0.0, LEAST_DEPTH * min(width, height) - depth)
