"""Chooses the part of an image that a training step uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late
from training.augment.options import Augmentation

if TYPE_CHECKING:
    import cv2
else:
    cv2 = late("cv2")

TRIES = 8
KEPT = 0.7  # least fraction of an object inside a crop
WHOLE = 0.99
LEAST_PIXELS = 16  # least pixels of a target at the model's resolution in a smaller image


@dataclass(frozen=True)
class Window:
    """A rectangle in an image of (side, side) pixels; it may extend beyond the image."""

    left: int
    top: int
    width: int
    height: int

    @staticmethod
    def all_of(side: int) -> Window:
        """Returns the window of the whole image."""
        return Window(0, 0, side, side)

    def shrinks(self, side: int) -> bool:
        """Whether the window makes the image smaller."""
        return self.width > side or self.height > side

    def visible(self, side: int) -> tuple[slice, slice]:
        """Returns the rows and columns of the image inside the window."""
        return (
            slice(max(self.top, 0), min(self.top + self.height, side)),
            slice(max(self.left, 0), min(self.left + self.width, side)),
        )


@dataclass(frozen=True)
class Keep:
    """The parts of an image that a window must preserve.

    Attributes:
        targets: Masks of the targets, (side, side).
        objects: Masks of the targets and of all other objects that a sentence names or compares them with.
        whole: Whether all of them must stay whole.
        place: Whether all of them must stay in the same third of the image, horizontally and vertically.
        all: Whether no part of the image may be cut off.
    """

    targets: Sequence[NDArray[np.bool_]]
    objects: Sequence[NDArray[np.bool_]]
    whole: bool
    place: bool
    all: bool


def choose_window(
    side: int, model_side: int, keeps: Sequence[Keep], options: Augmentation, rng: np.random.Generator
) -> Window:
    """Draws a window that keeps all sentences true; the whole image if none is drawn or found.

    Args:
        side: Side of the square image in pixels.
        model_side: Side to which the window is resized.
        keeps: Requirements of each sentence whose target is in view.
        options: Probabilities and strengths of the changes.
        rng: Random generator.
    """
    draw = rng.random()
    crops = draw < options.crop
    if not crops and draw >= options.crop + (1 - options.crop) * options.shrink:
        return Window.all_of(side)
    for _ in range(TRIES):
        window = _draw(side, options, rng, crops=crops)
        if all(_leaves(window, side, model_side, keep) for keep in keeps):
            return window
    return Window.all_of(side)


def _draw(side: int, options: Augmentation, rng: np.random.Generator, *, crops: bool) -> Window:
    fraction = rng.uniform(options.smallest_crop, 1.0) if crops else 1 / rng.uniform(options.smallest_shrink, 1.0)
    stretch = float(np.exp(rng.uniform(-0.5, 0.5) * np.log1p(options.stretch)))
    width, height = round(side * fraction * stretch), round(side * fraction / stretch)
    if crops:
        width, height = min(width, side), min(height, side)
    left, top = (round(rng.uniform(min(0, side - length), max(0, side - length))) for length in (width, height))
    return Window(left, top, width, height)


def _leaves(window: Window, side: int, model_side: int, keep: Keep) -> bool:
    inside = window.visible(side)
    least = WHOLE if keep.all or keep.whole or keep.place else KEPT
    if keep.all and (inside[0] != slice(0, side) or inside[1] != slice(0, side)):
        return False
    for mask in keep.objects:
        if np.count_nonzero(mask[inside]) < least * np.count_nonzero(mask):
            return False
        if keep.place and _third(mask, Window.all_of(side)) != _third(mask, window):
            return False
    return not window.shrinks(side) or all(_stays_visible(mask, window, model_side) for mask in keep.targets)


def _stays_visible(mask: NDArray[np.bool_], window: Window, model_side: int) -> bool:
    area = np.count_nonzero(mask)
    visible: bool = area == 0 or area * model_side**2 / (window.width * window.height) >= LEAST_PIXELS
    return visible


def _third(mask: NDArray[np.bool_], window: Window) -> tuple[int, int] | None:
    """Returns row and column of the window's ninth with the centre of an object; None for an empty mask."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    down = (float(rows.mean()) - window.top) / window.height
    across = (float(columns.mean()) - window.left) / window.width
    return int(3 * down), int(3 * across)


def cut(image: NDArray[np.uint8], window: Window, side: int) -> NDArray[np.uint8]:
    """Cuts the window from an image (S, S, 3) as (side, side, 3), padded with the image's mean colour."""
    part = _part(image, window)
    shrinks = min(part.shape[:2]) >= side
    return np.asarray(
        cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), dtype=np.uint8
    )


def _part(image: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    side = image.shape[0]
    inside = window.visible(side)
    if (inside[0].stop - inside[0].start, inside[1].stop - inside[1].start) == (window.height, window.width):
        return image[inside]
    part = np.empty((window.height, window.width, 3), dtype=np.uint8)
    part[:] = np.round(cv2.mean(image)[:3]).astype(np.uint8)
    rows, columns = (slice(s.start - at, s.stop - at) for s, at in zip(inside, (window.top, window.left), strict=True))
    part[rows, columns] = image[inside]
    return part


def cut_masks(masks: Mapping[int, NDArray[np.bool_]], window: Window, side: int) -> dict[int, NDArray[np.bool_]]:
    """Cuts the window from masks (S, S) as (side, side), by the nearest pixel."""
    steps = (np.arange(side) + 0.5) / side
    rows = np.floor(window.top + steps * window.height).astype(np.intp)
    columns = np.floor(window.left + steps * window.width).astype(np.intp)
    return {key: _gather(mask, rows, columns) for key, mask in masks.items()}


def _gather(mask: NDArray[np.bool_], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Returns the mask at rows and columns; False outside it."""
    result = mask.take(rows, axis=0, mode="clip").take(columns, axis=1, mode="clip")
    side = len(mask)
    result[(rows < 0) | (rows >= side)] = False
    result[:, (columns < 0) | (columns >= side)] = False
    return result
