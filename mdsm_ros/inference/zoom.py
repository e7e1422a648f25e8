"""A second look: before refinement, a model may see the part of the image around the initial mask again, enlarged.

A part is a square of cells of the initial mask's grid, so it has the image's aspect ratio. Without a mask, and with one
that fills most of the image, it is the whole image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 0.25  # of the image's sides: no part is smaller
MOST = 0.9  # of the image's sides: a larger part would show little that is new
STRETCHED = 2  # times its own pixels: what is blurred more than that shows less than the whole image
FINE = 8  # cells of the refined mask in a cell of the initial mask, in each direction: as many as the smallest part has


@dataclass(frozen=True)
class Zoom:
    """A square part of an image.

    Attributes:
        row: Its first row of cells.
        column: Its first column of cells.
        cells: Its side in cells.
        of: The image's sides in cells.
    """

    row: int
    column: int
    cells: int
    of: int

    @property
    def is_whole(self) -> bool:
        """Whether the part is the whole image."""
        return self.cells == self.of

    def part(self, height: int, width: int) -> tuple[slice, slice]:
        """Its rows and columns among those of an image or a map."""
        return self._span(self.row, height), self._span(self.column, width)

    def _span(self, first: int, size: int) -> slice:
        start = round(first * size / self.of)
        return slice(start, max(start + 1, round((first + self.cells) * size / self.of)))


def smallest_part(height: int, width: int, side: int) -> float:
    """Sides of the smallest part of an image, as a fraction of the image's.

    Args:
        height: Number of rows of the image.
        width: Number of columns of the image.
        side: Side of the model's input, to which a part is resized.
    """
    return max(LEAST, side / (STRETCHED * min(height, width)))


def zoom_around(marked: NDArray[np.bool_], factor: float, least: float = LEAST) -> Zoom:
    """The part to look at again.

    Args:
        marked: Cells of the initial mask, (h, h).
        factor: Side of the part, as a multiple of the longer side of the mask's bounding box.
        least: Side of the smallest part, as a fraction of the image's; see :func:`smallest_part`.
    """
    of = len(marked)
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if not len(rows):
        return Zoom(0, 0, of, of)
    longest = 1 + max(rows[-1] - rows[0], columns[-1] - columns[0])
    cells = max(round(factor * longest), math.ceil(least * of))
    if cells > MOST * of:
        return Zoom(0, 0, of, of)
    return Zoom(_first(rows, cells, of), _first(columns, cells, of), cells, of)


def _first(found: NDArray[np.int64], cells: int, of: int) -> int:
    """Where ``cells`` cells begin that have what was found in their middle, as far as the image allows."""
    return int(np.clip((found[0] + found[-1] + 1 - cells) // 2, 0, of - cells))
