"""Statements that pick one of several objects, judged from boxes and masks.

A selection picks one of the candidates, ``(scene, candidates, marks) -> index``, or none (None) if it is too close to
call; ``marks`` are the landmarks of the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from training.photos.speech.relations import STANDING, Marks, gap, rows_shared
from training.photos.speech.scene import PictureObject, PictureScene

Selection = Callable[[PictureScene, Sequence[PictureObject], Marks], "int | None"]

ORDER_MARGIN = 0.08  # fraction of the image's width between neighbours in a row
SIZE_RATIO = 2.0  # ratio of areas, for "largest"
NEARER_RATIO = 4.0  # ratio of areas, for "closest to the camera"
NEARER_DROP = 0.08  # how much lower it stands, as a fraction of the image's height
NEAREST_RATIO = 2.0  # ratio of distances


def from_side(side: str, position: int) -> Selection:
    """The candidate at a position (0: outermost) counted from the "left" or "right" of the image."""
    sign = 1 if side == "left" else -1

    def select(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
        ordered = sorted(candidates, key=lambda c: sign * c.x)
        if len(ordered) < position + 2 or (position > 0 and len(ordered) > 7):
            return None
        last = len(ordered) if position == 0 else position + 2
        near = ordered[: max(last, 2)] if position else ordered[:2]
        margin = ORDER_MARGIN * scene.width
        if any(abs(b.x - a.x) < max(margin, 0.25 * min(a.width, b.width)) for a, b in pairwise(near)):
            return None
        if position == 0 and any(sign * (_edge(c, side) - _edge(ordered[0], side)) < 0 for c in ordered[1:]):
            return None  # another begins farther out
        return ordered[position].index

    return select


def _edge(thing: PictureObject, side: str) -> float:
    return thing.box[0] if side == "left" else thing.box[2]


def middle(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
    """The one in the middle of three, from left to right."""
    if len(candidates) != 3:
        return None
    ordered = sorted(candidates, key=lambda c: c.x)
    level = rows_shared(ordered[0], ordered[1]) > 0.2 and rows_shared(ordered[1], ordered[2]) > 0.2
    return from_side("left", 1)(scene, candidates, marks) if level else None


def _most(values: Sequence[float], ratio: float) -> int | None:
    """Returns the position of the value that is ``ratio`` times all others; None if there is none."""
    order = np.argsort(values)[::-1]
    return int(order[0]) if len(order) > 1 and values[order[0]] >= ratio * values[order[1]] else None


def largest(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
    """The candidate that is clearly the largest in the image, by mask and by box."""
    position = _most([c.area for c in candidates], SIZE_RATIO)
    boxes = [c.width * c.height for c in candidates]
    return candidates[position].index if position is not None and _most(boxes, 1.5) == position else None


def smallest(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
    """The candidate that is clearly the smallest in the image, by mask and by box, and whole."""
    position = _most([1 / max(c.area, 1) for c in candidates], SIZE_RATIO)
    boxes = [1 / max(c.width * c.height, 1.0) for c in candidates]
    if position is None or scene.is_cut(candidates[position]):
        return None
    return candidates[position].index if _most(boxes, 1.5) == position else None


def closest_to_camera(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
    """The candidate that is clearly the nearest to the camera: far larger, and lower in the image."""
    index = _most([c.area for c in candidates], NEARER_RATIO)
    if index is None or not all(c.kind in STANDING for c in candidates):
        return None
    chosen = candidates[index]
    others = [c for c in candidates if c is not chosen]
    taller = all(chosen.height > 1.3 * c.height for c in others)
    lower = all(chosen.box[3] > c.box[3] + NEARER_DROP * scene.height for c in others)
    return chosen.index if taller and lower else None


def farthest_from_camera(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
    """The candidate that is clearly the farthest from the camera: far smaller, and higher in the image."""
    index = _most([1 / max(c.area, 1) for c in candidates], NEARER_RATIO)
    if index is None or not all(c.kind in STANDING for c in candidates):
        return None
    chosen = candidates[index]
    others = [c for c in candidates if c is not chosen]
    lower = all(chosen.box[3] < c.box[3] - NEARER_DROP * scene.height for c in others)
    return chosen.index if lower and all(1.3 * chosen.height < c.height for c in others) else None


def highest(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
    """The candidate that is clearly the highest in the image."""
    ordered = sorted(candidates, key=lambda c: c.y)
    if len(ordered) < 2 or ordered[1].y - ordered[0].y < 0.12 * scene.height:
        return None
    return ordered[0].index if all(c.box[1] > ordered[0].box[1] + 0.03 * scene.height for c in ordered[1:]) else None


def lowest(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
    """The candidate that is clearly the lowest in the image."""
    ordered = sorted(candidates, key=lambda c: -c.y)
    if len(ordered) < 2 or ordered[0].y - ordered[1].y < 0.12 * scene.height:
        return None
    return ordered[0].index if all(c.box[3] < ordered[0].box[3] - 0.03 * scene.height for c in ordered[1:]) else None


def nearest(scene: PictureScene, candidates: Sequence[PictureObject], marks: Marks) -> int | None:
    """The candidate that is clearly the nearest to the landmark, by boxes and by their centres."""
    mark = marks[0]
    if len(candidates) < 2:
        return None
    gaps = [gap(c, mark) for c in candidates]
    apart = [float(np.hypot(c.x - mark.x, c.y - mark.y)) for c in candidates]
    first, second = np.argsort(gaps)[:2]
    clear = gaps[second] > NEAREST_RATIO * gaps[first] + 0.08 * scene.diagonal
    by_centres = all(apart[first] * 1.4 < d for i, d in enumerate(apart) if i != first)
    chosen = candidates[first]
    level = abs(chosen.box[3] - mark.box[3]) < 0.25 * scene.height
    return chosen.index if clear and by_centres and level and gaps[first] < 0.15 * scene.diagonal else None
