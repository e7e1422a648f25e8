"""A stand-in for a perfect detector: finds the annotated objects that a noun names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import Annotation, Dataset
from mdsm_ros.homes.words.lexicon import NOUNS
from mdsm_ros.inference.instances import Instance


class TrueFinder:
    """Finds the annotated objects of an image by their noun.

    A noun means the categories of that name; if there are none, those whose name ends in its last words.

    Args:
        data: Dataset that annotates every object.
        image_id: Id of an image of the dataset.
        boxes: Whether to return filled boxes instead of masks.
    """

    def __init__(self, data: Dataset, image_id: int, *, boxes: bool = False) -> None:
        self._data, self._image_id, self._boxes = data, image_id, boxes

    def __call__(self, noun: str) -> Sequence[Instance]:
        """Returns the objects, each with score 1."""
        wanted = categories_of(noun, set(self._data.categories.values()))
        found = [a for a in self._data.annotations_of(self._image_id) if self._category(a) in wanted]
        masks = [self._data.mask_of(annotation.id) for annotation in found]
        return [Instance(filled_box(mask) if self._boxes else mask, 1.0) for mask in masks if np.any(mask)]

    def _category(self, annotation: Annotation) -> str:
        return self._data.categories[annotation.category_id]


def filled_box(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the box around a mask (H, W), as a mask."""
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    found = np.zeros_like(mask)
    if len(rows):
        found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return found


def categories_of(noun: str, known: set[str]) -> set[str]:
    """Returns the categories that a noun names; by its last words if no category has the whole name ("soft pillow")."""
    spoken = noun.split()
    for first in range(len(spoken)):
        name = " ".join(spoken[first:])
        found = {category for category in known if name in NOUNS.get(category, (category,))}
        if found:
            return found
    return set()
