"""The visible items of a view, with their positions in the image and in the room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.furnishing.colors import colors_in_view
from mdsm_ros.homes.home import Room
from mdsm_ros.homes.views.scene import View

TARGET_AREA = 0.002  # least fraction of the image that a target covers
TARGET_VISIBLE = 0.3  # least visible fraction of the hull of its silhouette
FURNITURE_VISIBLE = 0.25  # the same for furniture, whose legs leave much of the hull empty
LANDMARK_AREA = 0.006


@dataclass(frozen=True)
class Seen:
    """One visible item.

    Attributes:
        index: Index in the room's items.
        color: Name of the item's colour; "" if none fits.
        tints: Colours that people may use for it, for library models and in photographic light.
        area: Visible pixels.
        x, y: Centre of the visible pixels, as fractions of the image's width and height.
        half_width: Half the width of the visible pixels' box, as a fraction of the image's width.
        depth: Metres along the optical axis to the item's centre.
        center, extent: Item's centre in the room and half-extents along its axes, metres.
        target: Whether it is a valid target: large and visible enough.
    """

    index: int
    kind: str
    color: str
    pattern: str
    size: str
    area: int
    x: float
    y: float
    half_width: float
    depth: float
    center: tuple[float, float, float]
    extent: tuple[float, float, float]
    target: bool
    landmark: bool
    tints: frozenset[str] = frozenset()


def _hull_area(points: NDArray[np.float64], width: int, height: int) -> float:
    """Returns the area in pixels of the box around projected points, clipped to the image."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float(np.prod(np.clip(high - low, 1.0, (width, height))))


def look(room: Room, view: View) -> list[Seen]:
    """Returns all items with at least one visible pixel."""
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
        share = area / (height * width)
        color, tints = item.color, item.tints
        if room.look is not None:
            color, tints = colors_in_view(item, view.rgb[rows, columns])
        seen.append(
            Seen(
                index=int(index),
                kind=item.kind,
                color=color,
                pattern=item.pattern,
                size=item.size,
                area=int(area),
                x=float(columns.mean() + 0.5) / width,
                y=float(rows.mean() + 0.5) / height,
                half_width=float(x_high - x_low + 1) / (2 * width),
                depth=float(-((np.asarray(item.center) - eye) @ axes)[2]),
                center=item.center,
                extent=(*item.extent, item.height / 2),
                target=share >= TARGET_AREA and visible >= (FURNITURE_VISIBLE if item.furniture else TARGET_VISIBLE),
                landmark=share >= LANDMARK_AREA,
                tints=tints,
            )
        )
    return seen


def gap(a: Seen, b: Seen) -> float:
    """Returns the metres between the boxes around two items."""
    apart = np.abs(np.subtract(a.center, b.center)) - np.add(a.extent, b.extent)
    return float(np.linalg.norm(np.maximum(apart, 0.0)))


def attached(room: Room, thing: Seen, other: Seen) -> bool:
    """Whether one of two items lies on, lies under or hangs above the other."""
    first, second = room.items[thing.index], room.items[other.index]
    return other.index in (first.support, first.beneath, first.above) or thing.index in (
        second.support,
        second.beneath,
        second.above,
    )
