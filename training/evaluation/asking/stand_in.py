"""A stand-in for a perfect detector: the true objects of whatever goes by a noun."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mdsm_ros.dataset.format import Annotation, Dataset
from mdsm_ros.homes.words.lexicon import NOUNS
from mdsm_ros.inference.instances import Instance


class TrueFinder:
    """Finds the annotated objects of an image by their noun.

    A noun means the categories that are called so; where there are none, those whose name ends in its last words.

    Args:
        data: Dataset that annotates every object.
        image_id: Image of it.
    """

    def __init__(self, data: Dataset, image_id: int) -> None:
        self._data, self._image_id = data, image_id

    def __call__(self, noun: str) -> Sequence[Instance]:
        """The objects, each with score 1."""
        wanted = categories_of(noun, set(self._data.categories.values()))
        found = [a for a in self._data.annotations_of(self._image_id) if self._category(a) in wanted]
        masks = [self._data.mask_of(annotation.id) for annotation in found]
        return [Instance(mask, 1.0) for mask in masks if np.any(mask)]

    def _category(self, annotation: Annotation) -> str:
        return self._data.categories[annotation.category_id]


def categories_of(noun: str, known: set[str]) -> set[str]:
    """The categories that go by a noun; by its last words where none goes by all of it ("soft pillow")."""
    spoken = noun.split()
    for first in range(len(spoken)):
        name = " ".join(spoken[first:])
        found = {category for category in known if name in NOUNS.get(category, (category,))}
        if found:
            return found
    return set()
