"""From a model's mask logits to answers on the pixel grid of the camera image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.answer import Segmentation, Stage
from mdsm_ros.inference.backends.backend import Backend
from mdsm_ros.inference.clock import Clock
from mdsm_ros.inference.instances import Instance, main_part
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.inference.zoom import Zoom
from mdsm_ros.language.several import asks_for_one, asks_for_several
from mdsm_ros.models.interface import FoundObjects


@dataclass(frozen=True)
class Question:
    """One image to answer, with everything that the answers depend on.

    Attributes:
        image: Camera image (H, W, 3) uint8 RGB, which may be reduced.
        shape: Height and width of the answers.
        texts: The B instructions.
        settings: Settings of the answers.
        seeds: Seed of the noise for each instruction.
        keep_on: Function called between the steps; False ends the refinement.
    """

    image: NDArray[np.uint8]
    shape: tuple[int, int]
    texts: tuple[str, ...]
    settings: InferenceSettings
    seeds: tuple[int, ...]
    keep_on: Callable[[], bool]

    def meant(self, mask: NDArray[np.bool_], text: str) -> NDArray[np.bool_]:
        """The part of a mask, on any grid, that is the answer to one of the instructions."""
        return main_part(mask) if self.settings.one_object and asks_for_one(text) else mask


def read_answers(
    library: Backend,
    logits: Any,
    scores: Sequence[float],
    stage: Stage,
    question: Question,
    clock: Clock,
    objects: Sequence[FoundObjects | None] | None = None,
    zooms: Sequence[Zoom | None] | None = None,
) -> list[Segmentation]:
    """The answers to all instructions of a question.

    Args:
        library: Library of the model's arrays.
        logits: Mask logits (samples, h, w) of each of the B instructions, arrays of the library.
        scores: Confidence that the target is in view, for each instruction.
        stage: Stage that gave the logits.
        question: Question that is answered.
        clock: Clock of the question, whose timings the answers get.
        objects: Objects that the model found for each instruction; None for a model that finds none.
        zooms: Part of the image that was refined for each instruction; None for the whole image.
    """
    nothing: list[None] = [None] * len(scores)
    each = zip(question.texts, scores, objects or nothing, zooms or nothing, strict=True)
    answers = [_answer(library, logits[row], stage, question, *of) for row, of in enumerate(each)]
    clock.lap("preprocess")  # resizing back to the image's pixels counts as preprocessing
    for answer in answers:
        answer.timings.update(clock.timings())
    return answers


def _answer(
    library: Backend,
    logits: Any,
    stage: Stage,
    question: Question,
    text: str,
    score: float,
    objects: FoundObjects | None,
    zoom: Zoom | None,
) -> Segmentation:
    """One answer without timings, from logits (samples, h, w), or as the union of the objects that the model found."""
    threshold = question.settings.mask_threshold
    probability: Any  # an array, or a function that computes it on first use
    uncertainty, found, dropped = None, None, None
    if objects is None and len(logits) == 1 and library.is_finite(logits):
        mask = library.to_numpy(library.masks(logits[None], *question.shape, threshold))[0]
        probability = partial(_probability, library, logits, question.shape)  # few need it; it is slower than the mask
    else:
        each = logits[:, None] if objects is None else objects.logits[:, None]
        samples = library.probabilities(each, *question.shape)  # (samples, H, W)
        probability = library.mean(samples) if objects is None else library.most(samples)
        uncertainty = library.deviation(samples) if objects is None and len(samples) > 1 else None
        mask = probability >= threshold
        found = None if objects is None else _instances(library.to_numpy(samples >= threshold), objects)
    meant = mask if objects is not None else question.meant(mask, text)
    if meant is not mask:
        mask, dropped = meant, mask & ~meant
    present = score >= question.settings.present_threshold and bool(mask.any())
    if not present:
        mask, dropped = np.zeros_like(mask), None
    return Segmentation(
        mask,
        probability,
        uncertainty,
        score,
        present,
        stage,
        timings={},
        several=asks_for_several(text),
        found=found,
        zoom=zoom,
        dropped=dropped,
    )


def _probability(library: Backend, logits: Any, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Probabilities (H, W) from logits (1, h, w)."""
    return library.mean(library.probabilities(logits[None], *shape))


def _instances(masks: NDArray[np.bool_], objects: FoundObjects) -> tuple[Instance, ...]:
    """The objects with their masks on the image's pixel grid, (N, H, W)."""
    return tuple(Instance(*of) for of in zip(masks, objects.scores.tolist(), objects.names, strict=True))
