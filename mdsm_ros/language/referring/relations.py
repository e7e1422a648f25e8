"""Computes how well a statement fits each of several objects, from their boxes, and their positions in space if known.

A degree is a number from 0 to 1. *Relations* judge each object by landmarks; *selections* compare the objects with each
other. Left, right, above and below are those of the image, as the camera sees it. With depth, near and far are metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.language.referring.candidates import Candidate

Degrees = NDArray[np.float64]
Relation = Callable[[Candidate, Sequence[Candidate]], float]
Selection = Callable[[Sequence[Candidate], Sequence[Candidate]], Degrees]

REACH = 1.5  # metres: "left of" does not hold between objects at opposite ends of a room
REACH_2D = 0.35  # the same as a fraction of the image
SOFT = 0.03  # fraction of the image: smaller differences do not decide
NEAR_3D, NEAR_2D = 0.4, 0.12  # metres, fraction of the image: "next to" holds by 1/e at this gap


def _soft(value: float, width: float) -> float:
    """0 for a clearly negative value, 1 for a clearly positive one."""
    return float(1.0 / (1.0 + np.exp(-np.clip(value / width, -30.0, 30.0))))


def _gaps(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(np.maximum(np.maximum(low, high), 0.0)))


def gap_2d(a: Candidate, b: Candidate) -> float:
    """Returns the distance between two boxes as a fraction of the image; 0 if they overlap."""
    across = max(a.box[0] - b.box[2], b.box[0] - a.box[2], 0.0)
    down = max(a.box[1] - b.box[3], b.box[1] - a.box[3], 0.0)
    return float(np.hypot(across, down))


def gap_3d(a: Candidate, b: Candidate) -> float | None:
    """Returns the metres between the boxes around two visible surfaces; None without depth."""
    if a.center is None or b.center is None or a.half is None or b.half is None:
        return None
    return float(np.linalg.norm(np.maximum(np.abs(a.center - b.center) - a.half - b.half, 0.0)))


def distance(a: Candidate, b: Candidate) -> float:
    """Returns the mean of centre distance and gap, in metres; without depth, as a fraction of the image."""
    gap = gap_3d(a, b)
    if gap is None or a.center is None or b.center is None:
        return 0.5 * gap_2d(a, b) + 0.5 * float(np.hypot(a.x - b.x, a.y - b.y))
    return 0.5 * gap + 0.5 * float(np.linalg.norm(a.center - b.center))


def _reachable(thing: Candidate, mark: Candidate) -> float:
    gap = gap_3d(thing, mark)
    return _soft(REACH_2D - gap_2d(thing, mark), 0.08) if gap is None else _soft(REACH - gap, 0.3)


def _columns_shared(a: Candidate, b: Candidate) -> float:
    """Returns the overlap of the columns of two boxes as a fraction of the narrower one."""
    shared = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    return max(0.0, shared) / max(min(a.width, b.width), 1e-6)


# -- relations ---------------------------------------------------------------------------------------------------------


def left_of(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """To the left of the landmark in the image, and not far from it."""
    return _soft(marks[0].x - thing.x - SOFT, SOFT) * _reachable(thing, marks[0])


def right_of(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """To the right of the landmark in the image, and not far from it."""
    return _soft(thing.x - marks[0].x - SOFT, SOFT) * _reachable(thing, marks[0])


def on(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """Its foot is within the landmark's box, and its top is above the landmark's foot."""
    mark = marks[0]
    within = _soft(thing.x - mark.box[0], SOFT) * _soft(mark.box[2] - thing.x, SOFT)
    foot = _soft(thing.box[3] - mark.box[1] + SOFT, SOFT) * _soft(mark.box[3] - thing.box[3] + SOFT, SOFT)
    gap = gap_3d(thing, mark)
    return within * foot * (1.0 if gap is None else float(np.exp(-gap / 0.2)))


def under(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """Below the upper edge of the landmark, in its columns, and near it."""
    mark = marks[0]
    lower = _soft(thing.y - mark.y, SOFT) * _soft(thing.box[3] - mark.box[3] + 2 * SOFT, SOFT)
    return lower * min(1.0, 2.0 * _columns_shared(thing, mark)) * _reachable(thing, mark)


def above(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """Higher in the image than the landmark, in its columns."""
    mark = marks[0]
    higher = _soft(mark.box[1] - thing.box[3] + 2 * SOFT, SOFT)
    return higher * min(1.0, 2.0 * _columns_shared(thing, mark)) * _reachable(thing, mark)


def below(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """Lower in the image than the landmark, in its columns."""
    return above(marks[0], [thing])


def _nearer(near: Candidate, far: Candidate) -> float:
    """Degree to which the first object is nearer to the camera: by depth, else by the lower edge of the box."""
    if near.center is not None and far.center is not None:
        return _soft(float(far.center[2] - near.center[2]), 0.15)
    return _soft(near.box[3] - far.box[3], SOFT)


def in_front_of(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """Nearer to the camera than the landmark, and in front of it."""
    mark = marks[0]
    beside = max(mark.width, 0.16)
    before = _soft(0.6 * beside - abs(thing.x - mark.x), 0.2 * beside)
    return _nearer(thing, mark) * before * _reachable(thing, mark)


def behind(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """Farther from the camera than the landmark, and within its width."""
    mark = marks[0]
    beside = max(mark.width, 0.16)
    before = _soft(0.6 * beside - abs(thing.x - mark.x), 0.2 * beside)
    return _nearer(mark, thing) * before * _reachable(thing, mark)


def next_to(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """A small gap between it and the landmark."""
    gap = gap_3d(thing, marks[0])
    return float(np.exp(-gap_2d(thing, marks[0]) / NEAR_2D)) if gap is None else float(np.exp(-gap / NEAR_3D))


def between(thing: Candidate, marks: Sequence[Candidate]) -> float:
    """Near the middle part of the line from one landmark to the other."""
    first, second = marks[0], marks[1]
    if thing.center is not None and first.center is not None and second.center is not None:
        a, b, p = first.center, second.center, thing.center
    else:
        a, b, p = (np.array([one.x, one.y]) for one in (first, second, thing))
    line = b - a
    length = max(float(np.linalg.norm(line)), 1e-6)
    along = float((p - a) @ line) / length**2
    off = float(np.linalg.norm(p - a - np.clip(along, 0.0, 1.0) * line)) / length
    return _soft(along - 0.05, 0.05) * _soft(0.95 - along, 0.05) * float(np.exp(-off))


def on_shelf(level: float) -> Relation:
    """On the shelf at a height of the landmark: 0 is its lower edge, 1 its upper one."""

    def judge(thing: Candidate, marks: Sequence[Candidate]) -> float:
        mark = marks[0]
        height = (mark.box[3] - thing.box[3]) / max(mark.height, 1e-6)
        inside = _soft(thing.x - mark.box[0], SOFT) * _soft(mark.box[2] - thing.x, SOFT)
        return inside * float(np.exp(-abs(height - level) / 0.3))

    return judge


# -- selections --------------------------------------------------------------------------------------------------------


def _least(values: Sequence[float], scale: float) -> Degrees:
    """Returns 1 for the smallest of several values, and less for others, by their difference from it."""
    array = np.asarray(values, dtype=np.float64)
    result: Degrees = np.exp(-(array - array.min()) / scale)
    return result


def _of_least_ratio(values: Sequence[float]) -> Degrees:
    """Returns 1 for the smallest of several sizes, less for others, by their ratio: a half at twice the smallest."""
    array = np.maximum(np.asarray(values, dtype=np.float64), 1e-6)
    result: Degrees = (array.min() / array) ** 2
    return result


def nearest(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The object that is nearest to the landmark."""
    return _of_least_ratio([distance(thing, marks[0]) + 0.02 for thing in things])


def farthest(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The object that is farthest from the landmark."""
    return _of_least_ratio([1.0 / (distance(thing, marks[0]) + 0.02) for thing in things])


def from_side(side: str, position: int) -> Selection:
    """Selects the object at a position, counted from the "left" or "right" of the image; 0 is the outermost."""
    sign = 1.0 if side == "left" else -1.0

    def select(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
        places = np.array([sign * thing.x for thing in things])
        wanted = np.sort(places)[min(position, len(places) - 1)]
        result: Degrees = np.exp(-np.abs(places - wanted) / (2 * SOFT))
        return result

    return select


def middle(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The object in the middle from left to right."""
    places = np.array([thing.x for thing in things])
    wanted = float(np.sort(places)[len(places) // 2]) if len(places) % 2 else float(places.mean())
    return _least(list(np.abs(places - wanted)), 2 * SOFT)


def _depths(things: Sequence[Candidate]) -> list[float]:
    """Returns the distances from the camera: in metres if all have depth, else from the lower edges of the boxes."""
    centers = [thing.center for thing in things]
    known = [float(center[2]) for center in centers if center is not None]
    return known if len(known) == len(things) else [1.0 / max(thing.box[3], 0.05) for thing in things]


def closest_to_camera(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The object that is nearest to the camera."""
    return _of_least_ratio(_depths(things)) ** 1.5


def farthest_from_camera(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The object that is farthest from the camera."""
    return _of_least_ratio([1.0 / depth for depth in _depths(things)]) ** 1.5


def highest(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The highest object: in space with depth, otherwise in the image."""
    return _least(_heights(things), 2 * SOFT)


def lowest(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The lowest object, likewise."""
    return _least([-height for height in _heights(things)], 2 * SOFT)


def _heights(things: Sequence[Candidate]) -> list[float]:
    """Returns the rows of the objects; if all have depth, heights, where a tenth of a metre counts as SOFT."""
    centers = [thing.center for thing in things]
    known = [float(center[1]) * SOFT / 0.1 for center in centers if center is not None]
    return known if len(known) == len(things) else [thing.y for thing in things]


def _sizes(things: Sequence[Candidate]) -> list[float]:
    """Returns the areas scaled to the same distance; without depth, the areas in the image."""
    centers = [thing.center for thing in things]
    depths = [float(center[2]) for center in centers if center is not None]
    areas = [thing.area or thing.width * thing.height for thing in things]
    if len(depths) < len(things):
        return areas
    return [area * depth**2 for area, depth in zip(areas, depths, strict=True)]


def largest(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The largest object."""
    return _of_least_ratio([1.0 / max(size, 1e-9) for size in _sizes(things)])


def smallest(things: Sequence[Candidate], marks: Sequence[Candidate]) -> Degrees:
    """The smallest object."""
    return _of_least_ratio([max(size, 1e-9) for size in _sizes(things)])


def _weakly(select: Selection) -> Selection:
    """Weakens a selection for incidental words: "the big table" may be the only table."""
    return lambda things, marks: np.sqrt(select(things, marks))


RELATIONS: dict[str, Relation] = {
    "on": on,
    "under": under,
    "above": above,
    "below": below,
    "top shelf": on_shelf(0.85),
    "middle shelf": on_shelf(0.5),
    "bottom shelf": on_shelf(0.15),
    "left of": left_of,
    "right of": right_of,
    "in front of": in_front_of,
    "behind": behind,
    "next to": next_to,
    "between": between,
}

SELECTIONS: dict[str, Selection] = {
    "on wall": _weakly(highest),
    "on floor": _weakly(lowest),
    "nearest": nearest,
    "farthest": farthest,
    "leftmost": from_side("left", 0),
    "rightmost": from_side("right", 0),
    "second from left": from_side("left", 1),
    "second from right": from_side("right", 1),
    "third from left": from_side("left", 2),
    "third from right": from_side("right", 2),
    "fourth from left": from_side("left", 3),
    "fourth from right": from_side("right", 3),
    "middle": middle,
    "closest to camera": closest_to_camera,
    "farthest from camera": farthest_from_camera,
    "highest": highest,
    "lowest": lowest,
    "largest": largest,
    "smallest": smallest,
    "big": _weakly(largest),
    "small": _weakly(smallest),
}
MARKS = dict.fromkeys(SELECTIONS, 0) | dict.fromkeys(RELATIONS, 1) | {"nearest": 1, "farthest": 1, "between": 2}
"""How many landmarks each statement needs."""
