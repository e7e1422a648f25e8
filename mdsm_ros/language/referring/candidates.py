"""Candidate objects and landmarks, with their positions in the image, and in space if depth is available."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.geometry import ObjectGeometry
from mdsm_ros.language.referring.colors import color_fractions

Box = tuple[float, float, float, float]
"""Left, top, right and bottom as fractions of the image's width and height."""
Vector = NDArray[np.float64]
Locate = Callable[[NDArray[np.bool_]], ObjectGeometry | None]


@dataclass(frozen=True)
class View:
    """The image in which objects are compared.

    Attributes:
        image: Image, uint8 (H, W, 3) RGB.
        locate: Function that locates the object of a mask (H, W) in space; None: there is no depth.
    """

    image: NDArray[np.uint8]
    locate: Locate | None = None


class Boxed:
    """The geometry of what has a ``box`` (left, top, right, bottom), in the units of the box."""

    box: tuple[float, float, float, float]

    @property
    def x(self) -> float:
        """Horizontal position of the centre."""
        return (self.box[0] + self.box[2]) / 2

    @property
    def y(self) -> float:
        """Vertical position of the centre."""
        return (self.box[1] + self.box[3]) / 2

    @property
    def width(self) -> float:
        """Width of the box."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Height of the box."""
        return self.box[3] - self.box[1]


@dataclass(frozen=True)
class Candidate(Boxed):
    """One object of a view.

    Attributes:
        box: Box of the object in the image.
        score: The model's score of the object, 0 to 1.
        area: Fraction of the image that the object covers.
        colors: Fraction of the object's pixels by colour; empty if unknown.
        center: Middle of the visible surface in the camera's optical frame (x right, y down, z forward) in metres,
            (3,); None without depth.
        half: Half of the extent of that surface along the same axes in metres, (3,).
    """

    box: Box
    score: float = 1.0
    area: float = 0.0
    colors: Mapping[str, float] = field(default_factory=dict)
    center: Vector | None = None
    half: Vector | None = None


def candidate_of_mask(view: View, mask: NDArray[np.bool_], score: float = 1.0) -> Candidate:
    """Returns the object of a non-empty mask (H, W); a mask that fills its box counts as a detector's box."""
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    height, width = mask.shape
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    box = (float(left / width), float(top / height), float(right / width), float(bottom / height))
    if mask[top:bottom, left:right].all():
        return candidate_of_box(view, box, score)
    return _measured(view, mask, box, score)


def candidate_of_box(view: View, box: Box, score: float = 1.0) -> Candidate:
    """Returns the object of a detector's box, measured in the inner half of the box, which shows mostly the object."""
    height, width = view.image.shape[:2]
    left, top, right, bottom = box
    inner = np.zeros((height, width), dtype=bool)
    first = int((3 * top + bottom) / 4 * height), int((3 * left + right) / 4 * width)
    last = int(np.ceil((top + 3 * bottom) / 4 * height)), int(np.ceil((left + 3 * right) / 4 * width))
    inner[max(0, first[0]) : last[0], max(0, first[1]) : last[1]] = True
    found = _measured(view, inner, box, score)
    return replace(found, area=(right - left) * (bottom - top))


def _measured(view: View, mask: NDArray[np.bool_], box: Box, score: float) -> Candidate:
    """Returns the object of a box with the colours, area and position in space of a mask's pixels."""
    center = half = None
    found = None if view.locate is None else view.locate(mask)
    if found is not None:
        low, high = np.percentile(found.points.astype(np.float64), (5, 95), axis=0)
        center, half = (low + high) / 2, (high - low) / 2
    return Candidate(box, score, float(mask.mean()), color_fractions(view.image[mask]), center, half)
