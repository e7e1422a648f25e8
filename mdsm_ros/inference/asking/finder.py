"""Finds the objects that a noun names, with a segmentation model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.answer import MAX_INSTRUCTION_CHARACTERS, Segmentation
from mdsm_ros.inference.instances import Instance, split_instances
from mdsm_ros.inference.settings import InferenceSettings

LEAST_OF_LARGEST = 0.3


class Answerer(Protocol):
    """The part of a Segmenter that this module needs."""

    @property
    def finds_objects(self) -> bool:
        """Whether the model itself finds every object of a noun."""
        ...

    def segment(
        self, image: NDArray[np.uint8], instruction: str, settings: InferenceSettings | None = None
    ) -> Segmentation:
        """Returns the final answer for one image."""
        ...


class NounFinder:
    """Finds the objects of a noun in one image. Each noun is answered once, by the first stage.

    A detector finds every object of the noun. For other models, the connected parts of the mask are the objects.

    Args:
        segmenter: The model.
        image: Image, uint8 (H, W, 3) RGB.
        settings: Settings of the answer to the whole instruction.
    """

    def __init__(self, segmenter: Answerer, image: NDArray[np.uint8], settings: InferenceSettings) -> None:
        self._segmenter, self._image = segmenter, image
        self._settings = settings.updated(num_inference_steps=0, num_samples=1)
        self._found: dict[str, Sequence[Instance]] = {}

    def __call__(self, noun: str) -> Sequence[Instance]:
        """Returns the objects of a noun; none if the model reports that there are none."""
        if noun not in self._found:
            self._found[noun] = self._find(noun)
        return self._found[noun]

    def _find(self, noun: str) -> Sequence[Instance]:
        wanted = "every" if self._segmenter.finds_objects else "the"
        instruction = f"find {wanted} {noun}"
        if not noun or len(instruction) > MAX_INSTRUCTION_CHARACTERS:  # from a text without a known noun
            return ()
        answer = self._segmenter.segment(self._image, instruction, self._settings)
        own = answer.found if answer.found is not None else parts_of(answer)
        return own if answer.present else ()


def parts_of(answer: Segmentation) -> tuple[Instance, ...]:
    """Returns the connected parts that the model marked, without parts that are much smaller than the largest one.

    They include those that are not in the mask since the instruction asks for one object. A mask of one object often
    has fragments elsewhere, which are not further objects.
    """
    return split_instances(answer.marked, answer.probability, least_of_largest=LEAST_OF_LARGEST)
