"""The answer to an instruction, and the checks of instructions and images."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import AnswerError, ImageError, InstructionError
from mdsm_ros.inference.instances import Box, Instance, box_of, distinct, split_instances
from mdsm_ros.inference.zoom import Zoom

Stage = Literal["initial", "refined", "tracked"]
STAGES: tuple[Stage, ...] = ("initial", "refined")
"""The stages of a model's answer."""
TRACKED: Stage = "tracked"
"""A mask that was carried here from an older image's answer."""

MAX_INSTRUCTION_CHARACTERS = 1000


@dataclass(frozen=True)
class Segmentation:
    """An answer, in the pixel grid of the input image.

    Attributes:
        mask: Pixels of the target, bool (H, W).
        probability: Probability that a pixel belongs to the target, float32 (H, W) in [0, 1], before presence is
            decided. May be given as a function that returns finite numbers, which is called on first use.
        uncertainty: Standard deviation of the probability over several refinements, float32 (H, W); None if there was
            only one.
        score: Confidence of the model that the target is in view, in [0, 1]; 0 for an instruction in an unsupported
            language.
        present: Whether the score is high enough and the mask has a pixel. If False, the mask is empty.
        stage: Stage that gave the answer, "initial" or "refined"; "tracked" for a mask that was carried to this image
            from the answer to an older one.
        timings: Seconds spent in "preprocess", "text", "initial", "refine" and "total" so far.
        several: Whether the instruction asks for several objects.
        found: Objects separated by the model itself, for an instruction that asks for several; None if the model does
            not separate them, in which case the mask is split into its parts.
        zoom: Part of the image that was looked at again and refined; None if it was the whole image.
        dropped: What the model marked apart from the one object that the instruction asks for, bool (H, W); None if
            that is nothing.

    Raises:
        AnswerError: A score, probability or uncertainty is not finite: the model has no answer, which differs from "not
            in view".
    """

    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]
    uncertainty: NDArray[np.float32] | None
    score: float
    present: bool
    stage: Stage
    timings: dict[str, float]
    several: bool = False
    found: tuple[Instance, ...] | None = None
    zoom: Zoom | None = None
    dropped: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        for name in ("score", "probability", "uncertainty"):
            value = self.__dict__[name]
            if not callable(value) and value is not None and not np.isfinite(np.sum(value)):  # numbers from 0 to 1
                bad = np.size(value) - np.count_nonzero(np.isfinite(value))
                raise AnswerError(
                    f"{name} of the model's {self.stage} answer is not finite in {bad} of {np.size(value)} values, "
                    "expected numbers from 0 to 1; check its weights and its precision"
                )

    @property
    def marked(self) -> NDArray[np.bool_]:
        """All that the model marked, bool (H, W): the mask and what was dropped from it."""
        return self.mask if self.dropped is None else self.mask | self.dropped

    def about(self, mask: NDArray[np.bool_]) -> Segmentation:
        """The same answer with the mask of one of the marked objects, bool (H, W) with a pixel."""
        others = self.marked & ~mask
        return replace(self, mask=mask, dropped=others if others.any() else None)

    @property
    def box(self) -> Box | None:
        """x, y, width and height of the mask in pixels; None if the mask is empty."""
        return box_of(self.mask)

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """The objects in the mask, the surest first; none where it is empty.

        One object, the whole mask with the answer's score, unless the instruction asks for several. Crumbs of the
        mask that are too small to be an object are in none of several. Where somebody put another mask in the place
        of the model's (a tracker), its parts are the objects; the parts of a tracked mask have the answer's score.
        """
        if not self.mask.any():
            return ()
        if not self.several:
            return (Instance(self.mask, self.score),)
        if self.found and np.array_equal(np.any([one.mask for one in self.found], axis=0), self.mask):
            return distinct(self.found)
        parts = split_instances(self.mask, self.probability)
        if self.stage == TRACKED:  # no probability was carried here
            return tuple(replace(part, score=self.score) for part in parts)
        return parts


class _OnFirstUse:
    """An attribute that is given as an array, or as a function that computes the array on first use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> NDArray[np.float32]:
        value: NDArray[np.float32] | Callable[[], NDArray[np.float32]] = instance.__dict__[self._name]
        if callable(value):
            value = instance.__dict__[self._name] = value()
        return value

    def __set__(self, instance: object, value: NDArray[np.float32] | Callable[[], NDArray[np.float32]]) -> None:
        instance.__dict__[self._name] = value


Segmentation.probability = _OnFirstUse("probability")  # type: ignore[assignment] # after the class: it is no default


def validate_instruction(text: str) -> str:
    """Strips an instruction and collapses its whitespace.

    Raises:
        InstructionError: The instruction is empty, longer than 1,000 characters, or contains control characters.
    """
    collapsed = " ".join(text.split())
    if not collapsed:
        raise InstructionError(f"instruction is {text[:20]!r}, expected a sentence")
    if len(collapsed) > MAX_INSTRUCTION_CHARACTERS:
        raise InstructionError(
            f"instruction has {len(collapsed)} characters, expected at most {MAX_INSTRUCTION_CHARACTERS}"
        )
    for character in collapsed:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise InstructionError(f"instruction contains the control character {character!r}, expected plain text")
    return collapsed


def validate_image(image: NDArray[np.uint8]) -> None:
    """Checks that an image is uint8 (H, W, 3) with at least one pixel.

    Raises:
        ImageError: The image has another type or shape.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"image has shape {getattr(image, 'shape', None)}, expected (height, width, 3) RGB")
    if image.dtype != np.uint8:
        raise ImageError(f"image has type {image.dtype}, expected uint8")
    if image.size == 0:
        raise ImageError(f"image has shape {image.shape}, expected at least one pixel")
