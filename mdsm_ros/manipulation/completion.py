"""The side of an object that no camera sees, by symmetry.

Most things in a home look the same after half a turn about their vertical axis: boxes, bottles, bowls, books. In a view
of such a thing the leftmost and the rightmost point map onto each other, so the axis stands midway between them. Of
round things these points are just out of view; where circles fit the visible surface, their centres are taken. The
axis is moved, farther away above all, until the turned points no longer lie where the camera has seen empty space. The
idea of a symmetry that the seen empty space decides is that of Bohg et al., "Mind the gap" (ICRA 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.manipulation.cloud import Cloud, EmptySpace, thinned

EXTREME = 0.04  # fraction of the points that is leftmost; rightmost likewise
SIDEWAYS = np.linspace(-0.2, 0.2, 9)  # moves of the axis, as fractions of the seen width
BACKWARD = np.linspace(-0.1, 0.6, 15)
SIDEWAYS_COST, BACKWARD_COST = 0.2, 0.2  # of a move by the width, in fractions of points in empty space
TRIED_POINTS = 300
LEAST_DEPTH = 0.5  # of the smaller of width and height, where only a face is seen
BANDS = 6  # of height, in which circles are fitted
LEAST_ROUND = 3  # bands with a good circle
BAND_POINTS = 15
ROUND_ERROR = 0.03  # root mean square distance from a good circle, as a fraction of its radius, and ...
ROUND_NOISE = 0.0007  # ... in metres, what smoothing leaves of the depth's noise
ROUND_RADIUS = (0.9, 1.5)  # of a good circle, in halves of the seen width
AGREEMENT = 0.25  # of their radius, within which the circles' centres must lie
STEEP = 0.25  # sine of the angle between the line of sight and the axis, below which the view is from the top


@dataclass(frozen=True)
class _Frame:
    """Of a symmetry: ``turn`` (3, 3) maps the seen half to the hidden one, about a centre."""

    turn: NDArray[np.float64]
    sideways: NDArray[np.float64]
    backward: NDArray[np.float64]
    from_top: bool

    def mirrored(self, points: NDArray[np.float64], center: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(center + (points - center) @ self.turn.T)


def hidden_side(seen: Cloud, up: NDArray[np.float64] | None, empty: EmptySpace) -> Cloud:
    """The points that a symmetry adds behind the visible surface.

    Args:
        seen: The visible surface.
        up: (3,) normal of the support plane: the symmetry is half a turn about it. None: it is the point reflection.
        empty: What the camera has looked through; nothing of the hidden side lies there.
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
        if from_top:  # any level direction does
            backward = np.cross(up, np.eye(3)[np.abs(up).argmin()])
        backward = backward / np.linalg.norm(backward)
    axis = np.array([0.0, -1.0, 0.0]) if up is None else up
    sideways = np.cross(axis, backward)
    return _Frame(turn, sideways / np.linalg.norm(sideways), backward, from_top)


def _first_center(points: NDArray[np.float64], frame: _Frame) -> NDArray[np.float64]:
    """Midway between the outermost points on opposite sides."""
    axis = np.cross(frame.backward, frame.sideways)
    whole = np.allclose(frame.turn, -np.eye(3))  # a point reflection: from above to below, too
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
    """A point on the axis of an upright round thing: the median of circles in bands of height; None for others."""
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
    """Centre and radius (3,) of a circle through the visible half of one, points (N, 2); None where none fits well."""
    if len(points) < BAND_POINTS:
        return None
    solved = np.linalg.lstsq(np.c_[2 * points, np.ones(len(points))], (points**2).sum(axis=1), rcond=None)[0]
    center, radius = solved[:2], float(np.sqrt(max(solved[2] + solved[:2] @ solved[:2], 0.0)))
    error = float(np.sqrt(np.mean((np.linalg.norm(points - center, axis=1) - radius) ** 2)))
    half = float(np.ptp(points[:, 0])) / 2
    good = error <= ROUND_ERROR * radius + ROUND_NOISE and ROUND_RADIUS[0] * half <= radius <= ROUND_RADIUS[1] * half
    return np.array([*center, radius]) if good else None


def _moved(seen: Cloud, frame: _Frame, center: NDArray[np.float64], empty: EmptySpace) -> NDArray[np.float64]:
    """The centre after the cheapest move: as little as possible, and few mirrored points in empty space."""
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
    """Metres that the depth of seen and mirrored points falls short of what is assumed of a flat view."""
    both = np.concatenate([points, frame.mirrored(points, center)])
    axis = np.cross(frame.backward, frame.sideways) if up is None else up
    width, height, depth = (
        float(np.subtract(*np.percentile(both @ direction, (98, 2))))
        for direction in (frame.sideways, axis, frame.backward)
    )
    return 0.0 if frame.from_top else max(0.0, LEAST_DEPTH * min(width, height) - depth)
