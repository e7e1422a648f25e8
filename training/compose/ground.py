"""How large a metre is where something stands in a photograph, from the objects whose size is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.compose.canvas import Mask, SceneObject
from training.compose.kinds import PASTED, SUPPORTS

HORIZON = 0.4  # of the picture's height, from the top
NEARER = (0.6, 1.6)  # how much smaller or larger than at the known object a metre may be taken for
LOWEST = 0.985  # of the height: where the lowest object stands
FLOOR = 0.58  # of the height: where the floor begins when nothing says better
SEEDS = 12  # points of the upper border from which sky and walls are followed
SMOOTH = 1  # difference of neighbouring pixels' colours, of 255, in smooth parts
MOST_BARE = 0.7  # of the picture; more is a plain ground all around
BEHIND = 0.06  # of the height that an object may stand higher than every known one


@dataclass(frozen=True)
class Ground:
    """The ground of a picture.

    Attributes:
        height: Height of the image in pixels.
        row: Row at which the known object stands.
        scale: Pixels of a metre there.
        first, last: Rows between which objects may stand.
        bare: Sky and walls, which continue smoothly to the image's upper border, (H, W).
    """

    height: int
    row: float
    scale: float
    first: float
    last: float
    bare: Mask

    def pixels_per_metre(self, row: float) -> float:
        """Pixels of a metre where an object's lower edge is at a row: the camera looks over a plane."""
        horizon = min(HORIZON * self.height, self.row - 0.3 * self.height)
        nearer = (row - horizon) / (self.row - horizon)
        return self.scale * float(np.clip(nearer, *NEARER))


def ground_of(rgb: NDArray[np.uint8], objects: Sequence[SceneObject]) -> Ground | None:
    """The ground of a picture (H, W, 3), judged by its objects; None where no object's size is known."""
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
    """What goes over smoothly into the upper border of a picture (H, W, 3): sky and walls, on which nothing stands."""
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
    """The rows of an object on which others can stand; None where it carries nothing."""
    if thing.category not in SUPPORTS or not thing.certain or not thing.mask.any():
        return None
    _, top, _, bottom = thing.box
    low, high = SUPPORTS[thing.category]
    return round(top + low * (bottom - top)), round(top + high * (bottom - top))
