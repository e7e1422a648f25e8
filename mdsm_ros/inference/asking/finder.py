"""Finds the objects of a noun with a segmentation model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.instances import Instance, split_instances
from mdsm_ros.inference.settings import InferenceSettings


class Answerer(Protocol):
    """What is needed of a Segmenter."""

    def segment(
        self, image: NDArray[np.uint8], instruction: str, settings: InferenceSettings | None = None
    ) -> Segmentation:
        """The final answer for one image."""
        ...


class NounFinder:
    """The objects of a noun in one image: a short instruction of the first stage, each noun once.

    Args:
        segmenter: The model.
        image: uint8 (H, W, 3) RGB.
        settings: Those of the whole instruction's answer.
    """

    def __init__(self, segmenter: Answerer, image: NDArray[np.uint8], settings: InferenceSettings) -> None:
        self._segmenter, self._image = segmenter, image
        self._settings = settings.updated(num_inference_steps=0, num_samples=1)
        self._found: dict[str, Sequence[Instance]] = {}

    def __call__(self, noun: str) -> Sequence[Instance]:
        """The objects of a noun; none where the model says that there are none."""
        if noun not in self._found:
            answer = self._segmenter.segment(self._image, f"find the {noun}", self._settings)
            if answer.found is not None:
                self._found[noun] = answer.found
            else:
                self._found[noun] = split_instances(answer.mask, answer.probability) if answer.present else ()
        return self._found[noun]
