"""Camera image to model input, and model output back to the camera's pixels.

Images are resized to a square without keeping their aspect ratio, as LAVT does in training and test, or to a rectangle
that keeps it, for models that expect that. Neither crops nor pads, so masks return by one resize, and every pixel of
the image gets an answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.extras import late
from mdsm_ros.inference.zoom import FINE, Zoom

if TYPE_CHECKING:
    import cv2
    import torch
else:
    cv2 = late("cv2")

LEAST_REDUCED = 1.125  # an image is first halved while its sides stay at least this many times the model's
MAX_ASPECT = 4  # limit of the aspect ratio of model inputs: a strip of a few pixels has no features


def input_size(height: int, width: int, side: int, *, keep_aspect: bool = False) -> tuple[int, int]:
    """The height and width of a resized image: a square, or a rectangle with ``side`` as its longer side.

    The rectangle has the aspect ratio of the image, but at most 4:1.
    """
    if not keep_aspect:
        return side, side
    shorter = max(round(side * min(height, width) / max(height, width)), math.ceil(side / MAX_ASPECT))
    return (shorter, side) if height < width else (side, shorter)


def resize_image(image: NDArray[np.uint8], side: int, *, keep_aspect: bool = False) -> NDArray[np.uint8]:
    """Resizes (H, W, 3) to (h, w, 3) of :func:`input_size`, bilinear with antialiasing.

    A large image is halved first, which OpenCV does in a fraction of the time.
    """
    height, width = input_size(image.shape[0], image.shape[1], side, keep_aspect=keep_aspect)
    while min(image.shape[:2]) // 2 >= LEAST_REDUCED * side:
        size = image.shape[1] // 2, image.shape[0] // 2
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def to_model_input(image: NDArray[np.uint8], side: int, *, keep_aspect: bool = False) -> torch.Tensor:
    """Converts (H, W, 3) uint8 RGB to (1, 3, h, w) float in [0, 1], with h and w of :func:`input_size`."""
    import torch

    pixels = resize_image(image, side, keep_aspect=keep_aspect)
    return torch.from_numpy(np.divide(pixels, np.float32(255), dtype=np.float32)).permute(2, 0, 1).unsqueeze(0)


def to_image_grid(logits: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Converts mask logits (B, 1, h, w) to probabilities at the pixels of the camera image, (B, height, width)."""
    from torch.nn import functional

    logits = functional.interpolate(logits.float(), size=(height, width), mode="bilinear", align_corners=False)
    return logits.sigmoid().squeeze(1)


def to_image_mask(logits: torch.Tensor, height: int, width: int, threshold: float) -> torch.Tensor:
    """Converts mask logits (B, 1, h, w) to masks (B, height, width): where :func:`to_image_grid` has ``threshold``.

    The logits are compared, which leaves out the probabilities, and resized only around those that reach the threshold.
    """
    import torch
    from torch.nn import functional

    least = least_logit(threshold)
    logits = logits.float()
    masks = torch.zeros((len(logits), height, width), dtype=torch.bool, device=logits.device)
    region = region_of((logits >= least).any(dim=0)[0].cpu().numpy(), height, width)
    if region is not None:
        size = (region.rows.stop - region.rows.start, region.columns.stop - region.columns.start)
        part = logits[..., region.cell_rows, region.cell_columns]
        part = functional.interpolate(part, size=size, mode="bilinear", align_corners=False)
        place = masks[:, region.rows, region.columns]
        if place.is_cpu:  # NumPy compares five times as fast
            np.greater_equal(part[:, 0].numpy(), np.float32(least), out=place.numpy())
        else:
            torch.ge(part[:, 0], least, out=place)
    return masks


@dataclass(frozen=True)
class Region:
    """A part of a grid of cells, and of the pixels that the grid is resized to."""

    cell_rows: slice
    cell_columns: slice
    rows: slice
    columns: slice


def region_of(marked: NDArray[np.bool_], height: int, width: int) -> Region | None:
    """The part of a grid that decides where bilinear resizing to (height, width) reaches a value.

    Resizing the part alone gives the same pixels as resizing the whole, because its edges lie between pixels.

    Args:
        marked: Cells that reach the value, (h, w).
        height: Number of rows of pixels.
        width: Number of columns of pixels.

    Returns:
        The part, or None if no cell reaches the value.
    """
    if not marked.any():
        return None
    cell_rows, rows = _span(np.flatnonzero(marked.any(axis=1)), len(marked), height)
    cell_columns, columns = _span(np.flatnonzero(marked.any(axis=0)), marked.shape[1], width)
    return Region(cell_rows, cell_columns, rows, columns)


def _span(found: NDArray[np.int64], number: int, size: int) -> tuple[slice, slice]:
    """The cells from the first to the last marked one with a neighbour on each side, and their pixels, on one axis."""
    step = number // math.gcd(number, size)  # cells after which an edge of a cell is one of a pixel
    first = max(int(found[0]) - 1, 0) // step * step
    last = min(-(-(int(found[-1]) + 2) // step) * step, number)
    return slice(first, last), slice(first * size // number, last * size // number)


@lru_cache(maxsize=16)
def least_logit(threshold: float) -> float:
    """The smallest number in single precision whose sigmoid, in single precision, reaches ``threshold`` (0 to 1)."""
    import torch

    if threshold <= 0.0:
        return -math.inf
    below, above = np.float32(-120.0), np.float32(20.0)  # whose sigmoids are 0 and 1
    while np.nextafter(below, above) != above:
        middle = np.float32((float(below) + float(above)) / 2)
        of_middle = torch.full((64,), float(middle)).sigmoid()[0]  # as many as for the same code as for images
        below, above = (below, middle) if of_middle >= np.float32(threshold) else (middle, above)
    return float(above)


def zoom_in(maps: torch.Tensor, zooms: Sequence[Zoom], side: int) -> torch.Tensor:
    """Enlarges a part of each of B maps: (B, C, h, w) to (B, C, side, side)."""
    import torch

    parts = []
    for one, zoom in zip(maps, zooms, strict=True):
        rows, columns = zoom.part(*maps.shape[-2:])
        parts.append(_to_square(one[None, :, rows, columns], side))
    return torch.cat(parts)


def zoom_out(wholes: torch.Tensor, parts: torch.Tensor, zooms: Sequence[Zoom]) -> torch.Tensor:
    """Puts the refined parts of B masks back.

    Args:
        wholes: Logits around the parts, (B, 1, h, w).
        parts: Logits of the parts, (B, samples, g, g).
        zooms: The parts, of images with equally many cells.

    Returns:
        Logits (B, samples, H, W), with :data:`~mdsm_ros.inference.zoom.FINE` rows and columns for each cell.
    """
    side = FINE * zooms[0].of
    result = _to_square(wholes.float(), side).repeat(1, parts.shape[1], 1, 1)
    for whole, part, zoom in zip(result, parts.float(), zooms, strict=True):
        rows, columns = zoom.part(side, side)
        whole[:, rows, columns] = _to_square(part[None], FINE * zoom.cells)[0]
    return result


def _to_square(maps: torch.Tensor, side: int) -> torch.Tensor:
    from torch.nn import functional

    return functional.interpolate(maps, size=(side, side), mode="bilinear", align_corners=False)
