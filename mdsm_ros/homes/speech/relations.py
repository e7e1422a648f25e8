"""Statements about the items in a view.

Every verdict has three values: true, false, or too close to call (None). A sentence is unambiguous only if all its
statements are true of its target, and at least one is clearly false of every other candidate.

A *relation* judges one item, ``(room, thing, marks) -> Verdict``; a *selection* picks one of several candidates,
``(room, candidates, marks) -> Seen | None``. ``marks`` are the landmarks of the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from mdsm_ros.homes.home import Room
from mdsm_ros.homes.views.seen import Seen, attached, gap

SIDE_MARGIN = 0.05  # fraction of the image width
DEPTH_RATIO = 1.5  # "closest to you": every other candidate is at least this much farther away
NEAR_RATIO = 1.35  # "nearest": every other candidate is at least this much farther
BESIDE_REACH = 1.5  # metres: "left of" does not hold between items at opposite ends of a room

Verdict = bool | None
Marks = Sequence[Seen]
Relation = Callable[[Room, Seen, Marks], Verdict]
Selection = Callable[[Room, Sequence[Seen], Marks], Seen | None]


# -- relations: is this true of the item? -----------------------------------------------------------------------------


def on(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """It lies on the landmark."""
    return room.items[thing.index].support == marks[0].index


def under(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """It lies under the landmark."""
    return room.items[thing.index].beneath == marks[0].index


def above(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """It hangs above the landmark."""
    return room.items[thing.index].above == marks[0].index


def below(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """The landmark hangs above it."""
    if room.items[marks[0].index].above == thing.index:
        return True
    return None if gap(thing, marks[0]) < 1.0 else False


def on_wall(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """It hangs on a wall."""
    return room.items[thing.index].place == "wall"


def on_floor(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """It stands on the bare floor or a rug."""
    item = room.items[thing.index]
    return item.place == "floor" and item.beneath is None


def shelf_level(level: str) -> Relation:
    """It lies on the "top", "bottom" or "middle" of the landmark's shelves, which must have three or more."""

    def judge(room: Room, thing: Seen, marks: Marks) -> Verdict:
        holder = room.items[marks[0].index]
        if holder.model:  # its boards need not be above each other
            return None
        levels = sorted(surface.z for surface in holder.surfaces if surface.place == "surface")
        if len(levels) < 3 or (level == "middle" and len(levels) % 2 == 0):
            return None
        if room.items[thing.index].support != marks[0].index:
            return False
        wanted = {"top": levels[-1], "bottom": levels[0], "middle": levels[len(levels) // 2]}[level]
        return abs(room.items[thing.index].position[2] - holder.position[2] - wanted) < 0.01

    return judge


def _beside(room: Room, thing: Seen, mark: Seen) -> bool:
    """Whether an item may be beside the landmark: not on, under or above it."""
    return thing.index != mark.index and not attached(room, thing, mark)


def side_of(side: str) -> Relation:
    """It is to the "left" or "right" of the landmark in the image, and not far from it in the room."""
    sign = 1 if side == "left" else -1

    def judge(room: Room, thing: Seen, marks: Marks) -> Verdict:
        mark = marks[0]
        if not _beside(room, thing, mark):
            return None
        space = sign * (mark.x - thing.x)
        if space < 0:
            return False
        return True if space > max(SIDE_MARGIN, 0.6 * mark.half_width) and gap(thing, mark) < BESIDE_REACH else None

    return judge


def _shows_nearer(near: Seen, far: Seen) -> bool:
    """Whether the front of one is not behind the front of the other, which may be deep, such as a sofa."""
    return near.depth - sum(near.extent[:2]) / 2 < far.depth - sum(far.extent[:2]) / 2


def in_front_of(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """Nearer to the camera than the landmark and in front of it, not beside it."""
    mark = marks[0]
    if not _beside(room, thing, mark):
        return None
    nearer, beside = mark.depth - thing.depth, abs(thing.x - mark.x)
    reach = max(mark.half_width, 0.08)
    if nearer > 0.2 and beside < 0.8 * reach and gap(thing, mark) < 1.0 and _shows_nearer(thing, mark):
        return True
    return False if nearer < 0 or beside > 1.6 * reach else None


def behind(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """Farther from the camera than the landmark and within its width."""
    mark = marks[0]
    if not _beside(room, thing, mark):
        return None
    farther, beside = thing.depth - mark.depth, abs(thing.x - mark.x)
    reach = max(mark.half_width, 0.08)
    if farther > 0.2 and beside < 0.8 * reach and gap(thing, mark) < 1.0 and _shows_nearer(mark, thing):
        return True
    return False if farther < 0 or beside > 1.6 * reach else None


def next_to(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """Less than an arm's length from the landmark and about as high."""
    mark = marks[0]
    if not _beside(room, thing, mark):
        return None
    apart = gap(thing, mark)
    level = abs(thing.center[2] - mark.center[2]) < thing.extent[2] + mark.extent[2]
    if apart < 0.3 and level:
        return True
    return False if apart > 0.9 else None


def between(room: Room, thing: Seen, marks: Marks) -> Verdict:
    """In the image between two landmarks, and not far from the line between them in the room."""
    first, second = marks
    if not (_beside(room, thing, first) and _beside(room, thing, second)):
        return None
    low, high = sorted((first.x, second.x))
    if thing.x < low or thing.x > high:
        return False
    a, b, p = (np.asarray(s.center) for s in (first, second, thing))
    along = b - a
    length = float(np.linalg.norm(along))
    if length < 0.25:
        return None
    t = float(np.clip((p - a) @ along / length**2, 0, 1))
    away = float(np.linalg.norm(p - (a + t * along)))
    inside = low + 0.03 < thing.x < high - 0.03 and 0.12 < t < 0.88
    return True if inside and away < max(0.35, 0.4 * length) else False if away > 1.2 * length else None


# -- selections: which of the candidates? ------------------------------------------------------------------------------


def nearest(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The candidate that is clearly the nearest to the landmark in the room."""
    if not all(_beside(room, c, marks[0]) for c in candidates):
        return None
    ordered = sorted(candidates, key=lambda c: gap(c, marks[0]))
    distances = [gap(c, marks[0]) for c in ordered[:2]]
    if len(ordered) < 2 or distances[1] < NEAR_RATIO * distances[0] + 0.1:
        return None
    return ordered[0]


def farthest(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The candidate that is clearly the farthest from the landmark in the room."""
    if not all(_beside(room, c, marks[0]) for c in candidates):
        return None
    ordered = sorted(candidates, key=lambda c: -gap(c, marks[0]))
    distances = [gap(c, marks[0]) for c in ordered[:2]]
    if len(ordered) < 2 or distances[0] < NEAR_RATIO * distances[1] + 0.1:
        return None
    return ordered[0]


def from_side(side: str, position: int) -> Selection:
    """The candidate at a position (0: outermost) counted from the "left" or "right" of the image."""
    sign = 1 if side == "left" else -1

    def select(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
        ordered = sorted(candidates, key=lambda c: sign * c.x)
        if len(ordered) < position + 2:
            return None
        near = ordered[max(0, position - 1) : position + 2]  # its neighbours on both sides
        if any(abs(b.x - a.x) < 1.6 * SIDE_MARGIN for a, b in pairwise(near)):
            return None
        return ordered[position]

    return select


def middle(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The one in the middle of three, from left to right."""
    return from_side("left", 1)(room, candidates, marks) if len(candidates) == 3 else None


def closest_to_camera(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The candidate that is clearly the nearest to the camera."""
    ordered = sorted(candidates, key=lambda c: c.depth)
    return ordered[0] if len(ordered) > 1 and ordered[1].depth > DEPTH_RATIO * ordered[0].depth else None


def farthest_from_camera(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The candidate that is clearly the farthest from the camera."""
    ordered = sorted(candidates, key=lambda c: -c.depth)
    return ordered[0] if len(ordered) > 1 and ordered[0].depth > DEPTH_RATIO * ordered[1].depth else None


def highest(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The candidate that clearly stands or hangs the highest in the room."""
    ordered = sorted(candidates, key=lambda c: -c.center[2])
    return ordered[0] if len(ordered) > 1 and ordered[0].center[2] > ordered[1].center[2] + 0.25 else None


def lowest(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The candidate that clearly stands or hangs the lowest in the room."""
    ordered = sorted(candidates, key=lambda c: c.center[2])
    return ordered[0] if len(ordered) > 1 and ordered[1].center[2] > ordered[0].center[2] + 0.25 else None


def largest(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The candidate that is clearly the largest, in the room and in the image alike."""
    ordered = sorted(candidates, key=lambda c: -float(np.prod(c.extent)))
    if len(ordered) < 2 or np.prod(ordered[0].extent) < 1.9 * np.prod(ordered[1].extent):
        return None
    return ordered[0] if all(ordered[0].area > 1.2 * c.area for c in ordered[1:]) else None


def smallest(room: Room, candidates: Sequence[Seen], marks: Marks) -> Seen | None:
    """The candidate that is clearly the smallest, in the room and in the image alike."""
    ordered = sorted(candidates, key=lambda c: float(np.prod(c.extent)))
    if len(ordered) < 2 or np.prod(ordered[1].extent) < 1.9 * np.prod(ordered[0].extent):
        return None
    return ordered[0] if all(c.area > 1.2 * ordered[0].area for c in ordered[1:]) else None
