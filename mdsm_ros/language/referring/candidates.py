"""Objects that a noun may mean, and landmarks: where each is in the image, and in space where there is depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.geometry import ObjectGeometry
from mdsm_ros.language.referring.colors import color_fractions

Vector = NDArray[np.float64]
Locate = Callable[[NDArray[np.bool_]], ObjectGeometry | None]


@dataclass(frozen=True)
class View:
    """The image in which objects are judged.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        locate: Finds the object of a mask (H, W) in space; None: there is no depth.
    """

    image: NDArray[np.uint8]
    locate: Locate | None = None


@dataclass(frozen=True)
class Candidate:
    """One object of a view.

    Attributes:
        box: Left, top, right and bottom as fractions of the image's width and height.
        score: How well the model thinks that it fits, 0 to 1.
        area: Fraction of the image that it covers.
        colors: Fraction of its pixels by colour; empty where they are not known.
        center: (3,) middle of its visible surface in the camera's optical frame (x right, y down, z forward), metres;
            None without depth.
        half: (3,) half of the extent of that surface along the same axes, metres.
    """

    box: tuple[float, float, float, float]
    score: float = 1.0
    area: float = 0.0
    colors: Mapping[str, float] = field(default_factory=dict)
    center: Vector | None = None
    half: Vector | None = None

    @property
    def x(self) -> float:
        """Centre of the box, fraction of the image's width."""
        return (self.box[0] + self.box[2]) / 2

    @property
    def y(self) -> float:
        """Centre of the box, fraction of the image's height."""
        return (self.box[1] + self.box[3]) / 2

    @property
    def width(self) -> float:
        """Width of the box, fraction of the image's."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Height of the box, fraction of the image's."""
        return self.box[3] - self.box[1]


def candidate_of_mask(view: View, mask: NDArray[np.bool_], score: float = 1.0) -> Candidate:
    """The object of a mask (H, W) with at least one pixel."""
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    height, width = mask.shape
    box = (columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height)
    center = half = None
    found = None if view.locate is None else view.locate(mask)
    if found is not None:
        low, high = np.percentile(found.points.astype(np.float64), (5, 95), axis=0)
        center, half = (low + high) / 2, (high - low) / 2
    colors = color_fractions(view.image[mask])
    return Candidate(tuple(map(float, box)), float(score), float(mask.mean()), colors, center, half)  # type: ignore[arg-type]


def candidate_of_box(view: View, box: tuple[float, float, float, float], score: float = 1.0) -> Candidate:
    """The object of a detector's box (left, top, right, bottom; fractions): the middle of the box stands for it.

    Colours and depth are those of the inner half of the box, which shows mostly the object.
    """
    height, width = view.image.shape[:2]
    left, top, right, bottom = box
    mask = np.zeros((height, width), dtype=bool)
    x, y, w, h = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
    x0, x1 = int((x - w / 2) * width), max(int((x - w / 2) * width) + 1, int((x + w / 2) * width))
    y0, y1 = int((y - h / 2) * height), max(int((y - h / 2) * height) + 1, int((y + h / 2) * height))
    mask[max(0, y0) : y1, max(0, x0) : x1] = True
    if not mask.any():
        return Candidate(box, score, max(0.0, w * h * 4))
    inner = candidate_of_mask(view, mask, score)
    return Candidate(box, score, w * h * 4, inner.colors, inner.center, inner.half)
