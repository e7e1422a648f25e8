"""Estimates the pixels per metre at positions in a photograph, from objects of known size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.compose.canvas import Mask, SceneObject
from training.compose.kinds import PASTED, SUPPORTS

HORIZON = 0.4  # fraction of the image's height, from the top
NEARER = (0.6, 1.6)  # range of the scale relative to the known object
LOWEST = 0.985  # fraction of the height: lowest position of an object
FLOOR = 0.58  # fraction of the height: default beginning of the floor
SEEDS = 12  # points of the upper border from which sky and walls are filled
SMOOTH = 1  # largest difference of neighbouring pixels' colours, of 255, in smooth regions
MOST_BARE = 0.7  # largest fraction of the image; more is a plain background
BEHIND = 0.06  # fraction of the height that an object may stand above every known one


@dataclass(frozen=True)
class Ground:
    """The ground of an image.

    Attributes:
        height: Height of the image in pixels.
        row: Row of the known object's lower edge.
        scale: Pixels per metre there.
        first, last: First and last row where objects may stand.
        bare: Sky and walls, which continue smoothly to the image's upper border, (H, W).
    """

    height: int
    row: float
    scale: float
    first: float
    last: float
    bare: Mask

    def pixels_per_metre(self, row: float) -> float:
        """Returns the pixels per metre for an object's lower edge at a row, for a camera above a plane."""
        horizon = min(HORIZON * self.height, self.row - 0.3 * self.height)
        nearer = (row - horizon) / (self.row - horizon)
        return self.scale * float(np.clip(nearer, *NEARER))


def ground_of(rgb: NDArray[np.uint8], objects: Sequence[SceneObject]) -> Ground | None:
    """Estimates the ground of an image (H, W, 3) from its objects; None if no object's size is known."""
    height, width = rgb.shape[:2]
    whole: list[tuple[float, float]] = []
    cut: list[tuple[float, float]] = []
    for thing in objects:
        if not thing.certain or thing.category not in PASTED or not thing.mask.any():
            continue
        left, top, right, bottom = thing.box
        size = float(np.mean(PASTED[thing.category].size))
        measured = (float(bottom), max(right - left, bottom - top) / size)
        is_cut = left <= 1 or top <= 1 or right >= width - 1 or bottom >= height - 1
        (cut if is_cut else whole).append(measured)
    first, last = FLOOR * height, LOWEST * height
    if not whole and not cut:
        return None
    rows, scales = np.array(whole or cut).T
    middle = int(np.argsort(scales)[len(scales) // 2])
    stand = [thing.box[3] for thing in objects if _on_floor(thing)]
    if stand:
        first = max(0.45 * height, min(stand) - BEHIND * height)
    return Ground(height, float(rows[middle]), float(scales[middle]), min(first, 0.9 * height), last, bare(rgb))


def bare(rgb: NDArray[np.uint8]) -> Mask:
    """Returns sky and walls: regions that continue smoothly to the upper border of an image (H, W, 3)."""
    height, width = rgb.shape[:2]
    smooth = cv2.GaussianBlur(rgb, (0, 0), max(height, width) / 160)
    reached = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | (1 << 8) | cv2.FLOODFILL_MASK_ONLY
    for column in np.linspace(1, width - 2, SEEDS).astype(int):
        if not reached[2, column + 1]:
            cv2.floodFill(smooth, reached, (int(column), 1), 0, (SMOOTH,) * 3, (SMOOTH,) * 3, flags)
    found = cv2.morphologyEx(reached[1:-1, 1:-1], cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)).astype(bool)
    return found if found.mean() < MOST_BARE else np.zeros_like(found)


def _on_floor(thing: SceneObject) -> bool:
    habit = PASTED.get(thing.category)
    return bool(thing.certain and habit and habit.stands == "floor" and thing.mask.any())


def support_rows(thing: SceneObject) -> tuple[int, int] | None:
    """Returns the rows of an object on which others can stand; None if it is not a support."""
    if thing.category not in SUPPORTS or not thing.certain or not thing.mask.any():
        return None
    _, top, _, bottom = thing.box
    low, high = SUPPORTS[thing.category]
    return round(top + low * (bottom - top)), round(top + high * (bottom - top))
