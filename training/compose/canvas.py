"""The image that objects are pasted into: its pixels, its objects, and their occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class SceneObject:
    """An object of an image.

    Attributes:
        category: Name of the category.
        mask: Mask of its visible pixels, (H, W).
        certain: Whether its annotation covers exactly one whole object.
        occlusion: Fraction of its silhouette that is hidden, None where unknown.
        pasted: Whether it was pasted.
        origin: Source of a pasted object.
    """

    category: str
    mask: Mask
    certain: bool = True
    occlusion: float | None = None
    pasted: bool = False
    origin: str = ""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom; right and bottom are one past the last pixel."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataclass(frozen=True)
class Layer:
    """An object to paste, with its final size and position.

    Attributes:
        category: Name of the category.
        rgb: Colours, (h, w, 3).
        alpha: Opacity from 0 to 1, (h, w).
        left, top: Position of its upper left corner; the whole layer is inside the image.
        on_support: Whether it stands on an object of the image, such as a table.
        origin: Source of the object.
    """

    category: str
    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    left: int
    top: int
    on_support: bool
    origin: str

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image covered by the layer."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def bottom(self) -> int:
        """The row of its lower edge."""
        row: int = self.top + self.alpha.shape[0]
        return row

    def silhouette(self, shape: tuple[int, ...]) -> Mask:
        """Returns the mask of the unoccluded object in an image of this shape."""
        mask = np.zeros(shape[:2], dtype=bool)
        mask[self.window] = self.alpha >= 0.5
        return mask


def resized(
    rgb: NDArray[np.uint8], objects: Sequence[SceneObject], longer_side: int
) -> tuple[NDArray[np.uint8], list[SceneObject]]:
    """Resizes an image and its objects to another longer side; objects that vanish have empty masks."""
    height, width = rgb.shape[:2]
    scale = longer_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    smaller = [
        SceneObject(
            category=thing.category,
            mask=cv2.resize(thing.mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool),
            certain=thing.certain,
            occlusion=thing.occlusion,
        )
        for thing in objects
    ]
    return np.asarray(cv2.resize(rgb, size, interpolation=way), np.uint8), smaller


def visible(objects: Sequence[SceneObject], layers: Sequence[Layer], shape: tuple[int, ...]) -> list[SceneObject]:
    """Returns all objects after pasting, with their visible pixels.

    Args:
        objects: Objects of the image.
        layers: Pasted objects, the farthest first.
        shape: Shape of the image.
    """
    silhouettes = [layer.silhouette(shape) for layer in layers]
    result = []
    covered = np.zeros(shape[:2], dtype=bool)
    for layer, silhouette in zip(reversed(layers), reversed(silhouettes), strict=True):
        seen = silhouette & ~covered
        hidden = 1.0 - float(seen.sum()) / float(silhouette.sum())
        result.append(SceneObject(layer.category, seen, True, hidden, True, layer.origin))
        covered |= silhouette
    return [_behind(thing, covered) for thing in objects] + result[::-1]


def _behind(thing: SceneObject, covered: Mask) -> SceneObject:
    """Removes the pasted pixels from an object of the image."""
    area = int(thing.mask.sum())
    seen = thing.mask & ~covered
    kept = float(seen.sum()) / area if area else 1.0
    occlusion = thing.occlusion
    if kept < 1.0:
        occlusion = 1.0 - kept * (1.0 - (occlusion or 0.0))
    return SceneObject(thing.category, seen, thing.certain, occlusion)
