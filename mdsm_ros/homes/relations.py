"""What can be said of the things in a view, judged from the scene and from the visible pixels.

Every judgement has three values: it holds, it does not, or it is too close to call (None). A sentence is unambiguous
only if all it says holds of its target, and something it says clearly does not hold of every other candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.home import Room
from mdsm_ros.homes.scene import View

TARGET_AREA = 0.004  # share of the image that a target must cover
TARGET_VISIBLE = 0.30  # share of its silhouette's hull that must be seen
LANDMARK_AREA = 0.003
SIDE_MARGIN = 0.05  # of the image width
NEAR_RATIO = 1.35  # "nearest": every other candidate is at least this much farther

Verdict = bool | None


@dataclass(frozen=True)
class Seen:
    """One visible item.

    Attributes:
        index: in the room's items.
        area: visible pixels.
        x, y: centre of the visible pixels as shares of the image's width and height.
        half_width: half the width of the visible pixels' box, share of the image's width.
        depth: metres along the optical axis to the item's centre.
        center: item's centre in the room, metres.
        target: fit to be asked for: large and unoccluded enough.
    """

    index: int
    kind: str
    color: str
    size: str
    area: int
    x: float
    y: float
    half_width: float
    depth: float
    center: tuple[float, float, float]
    target: bool
    landmark: bool


def _hull_area(points: NDArray[np.float64], width: int, height: int) -> float:
    """Area in pixels of the box around projected points, clipped to the image."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float(np.prod(np.clip(high - low, 1.0, (width, height))))


def look(room: Room, view: View) -> list[Seen]:
    """All items of which at least one pixel is visible."""
    height, width = view.items.shape
    axes, eye = view.pose.axes(), np.asarray(view.pose.position)
    seen = []
    flat = view.items.ravel()
    order = np.argsort(flat, kind="stable")
    indices, starts, counts = np.unique(flat[order], return_index=True, return_counts=True)
    for index, start, area in zip(indices, starts, counts, strict=True):
        if index < 0:
            continue
        item = room.items[index]
        rows, columns = np.divmod(order[start : start + area], width)
        hx, hy = item.extent
        corners = np.array(
            [(sx * hx, sy * hy, sz * item.height / 2) for sx in (-1, 1) for sy in (-1, 1) for sz in (-1, 1)]
        )
        local = (corners + item.center - eye) @ axes
        distance = np.maximum(-local[:, 2], 0.05)
        pixels = np.stack([local[:, 0], -local[:, 1]], axis=1) / distance[:, None] * view.camera.fx
        visible = area / _hull_area(pixels, 10**6, 10**6)
        x_low, x_high = columns.min(), columns.max()
        cut = x_low == 0 or x_high == width - 1 or rows.min() == 0 or rows.max() == height - 1
        share = area / (height * width)
        seen.append(
            Seen(
                index=int(index),
                kind=item.kind,
                color=item.color,
                size=item.size,
                area=int(area),
                x=float(columns.mean() + 0.5) / width,
                y=float(rows.mean() + 0.5) / height,
                half_width=float(x_high - x_low + 1) / (2 * width),
                depth=float(-((np.asarray(item.center) - eye) @ axes)[2]),
                center=item.center,
                target=share >= TARGET_AREA
                and visible >= (0.2 if item.furniture else TARGET_VISIBLE * (0.8 if cut else 1.0)),
                landmark=share >= LANDMARK_AREA,
            )
        )
    return seen


def _distance(a: Seen, b: Seen) -> float:
    return float(np.linalg.norm(np.subtract(a.center, b.center)))


def left_of(thing: Seen, landmark: Seen) -> Verdict:
    """In the image, the thing's middle is left of the landmark's."""
    gap = landmark.x - thing.x
    return True if gap > SIDE_MARGIN else False if gap < 0 else None


def right_of(thing: Seen, landmark: Seen) -> Verdict:
    """In the image, the thing's middle is right of the landmark's."""
    return left_of(landmark, thing)


def in_front_of(thing: Seen, landmark: Seen) -> Verdict:
    """Nearer to the camera than the landmark and before it, not beside it."""
    nearer, beside = landmark.depth - thing.depth, abs(thing.x - landmark.x)
    reach = max(landmark.half_width, 0.08)
    if nearer > 0.2 and beside < 0.8 * reach and _distance(thing, landmark) < 1.5:
        return True
    return False if nearer < 0 or beside > 1.6 * reach else None


def behind(thing: Seen, landmark: Seen) -> Verdict:
    """Farther from the camera than the landmark and covered by its width."""
    farther, beside = thing.depth - landmark.depth, abs(thing.x - landmark.x)
    reach = max(landmark.half_width, 0.08)
    if farther > 0.2 and beside < 0.8 * reach and _distance(thing, landmark) < 1.5:
        return True
    return False if farther < 0 or beside > 1.6 * reach else None


def between(thing: Seen, first: Seen, second: Seen) -> Verdict:
    """In the image between two landmarks, and not far from the line between them in the room."""
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


def nearest(candidates: Sequence[Seen], landmark: Seen) -> Seen | None:
    """The candidate that is clearly the nearest to the landmark in the room; None where it is close."""
    ordered = sorted(candidates, key=lambda c: _distance(c, landmark))
    if len(ordered) > 1 and _distance(ordered[1], landmark) < NEAR_RATIO * _distance(ordered[0], landmark) + 0.05:
        return None
    return ordered[0] if ordered else None


def outermost(candidates: Sequence[Seen], side: str) -> Seen | None:
    """The candidate that is clearly the farthest to the "left" or "right" of the image."""
    sign = 1 if side == "left" else -1
    ordered = sorted(candidates, key=lambda c: sign * c.x)
    if len(ordered) > 1 and abs(ordered[1].x - ordered[0].x) < 1.6 * SIDE_MARGIN:
        return None
    return ordered[0] if ordered else None


def closest_to_camera(candidates: Sequence[Seen]) -> Seen | None:
    """The candidate that is clearly the nearest to the camera."""
    ordered = sorted(candidates, key=lambda c: c.depth)
    if len(ordered) > 1 and ordered[1].depth < 1.25 * ordered[0].depth:
        return None
    return ordered[0] if ordered else None


def attached(room: Room, thing: Seen, other: Seen) -> bool:
    """One of the two lies on, lies under or hangs above the other."""
    first, second = room.items[thing.index], room.items[other.index]
    return other.index in (first.support, first.beneath, first.above) or thing.index in (
        second.support,
        second.beneath,
        second.above,
    )


def on(room: Room, thing: Seen, landmark: Seen) -> Verdict:
    """It lies on the landmark."""
    return room.items[thing.index].support == landmark.index


def under(room: Room, thing: Seen, landmark: Seen) -> Verdict:
    """It lies under the landmark."""
    return room.items[thing.index].beneath == landmark.index


def above(room: Room, thing: Seen, landmark: Seen) -> Verdict:
    """It hangs above the landmark."""
    return room.items[thing.index].above == landmark.index
