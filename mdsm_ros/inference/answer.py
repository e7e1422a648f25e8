"""An answer to an instruction, and what instructions and images must be like."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import AnswerError, ImageError, InstructionError

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
        mask: bool (H, W).
        probability: float32 (H, W) in [0, 1], that a pixel belongs to the target; before presence is decided.
        uncertainty: float32 (H, W), standard deviation of the probability over several refinements; None where there
            was one.
        score: in [0, 1], how sure the model is that the target is in view; 0 for an instruction in another language.
        present: whether the score is high enough and a pixel is marked; where False, the mask is empty.
        stage: "initial" or "refined"; "tracked" where the mask was carried here from the answer to an older image.
        timings: seconds spent in "preprocess", "text", "initial", "refine" and "total" so far.

    Raises:
        AnswerError: a score, probability or uncertainty is not finite: the model has no answer, which is not the same
            as "not in view".
    """

    mask: NDArray[np.bool_]
    probability: NDArray[np.float32]
    uncertainty: NDArray[np.float32] | None
    score: float
    present: bool
    stage: Stage
    timings: dict[str, float]

    def __post_init__(self) -> None:
        for name in ("score", "probability", "uncertainty"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(np.sum(value)):  # of numbers from 0 to 1
                bad = np.size(value) - np.count_nonzero(np.isfinite(value))
                raise AnswerError(
                    f"{name} of the model's {self.stage} answer is not finite in {bad} of {np.size(value)} values, "
                    "expected numbers from 0 to 1; its weights or its precision are at fault"
                )

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """x, y, width and height of the mask in pixels; None where it is empty."""
        rows, columns = self.mask.any(axis=1).nonzero()[0], self.mask.any(axis=0).nonzero()[0]
        if len(rows) == 0:
            return None
        x, y = int(columns[0]), int(rows[0])
        return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def validate_instruction(text: str) -> str:
    """Strips an instruction and collapses its whitespace.

    Raises:
        InstructionError: it is empty, longer than 1,000 characters, or holds control characters.
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
            raise InstructionError(f"instruction holds the control character {character!r}, expected plain text")
    return collapsed


def validate_image(image: NDArray[np.uint8]) -> None:
    """Checks that an image is uint8 (H, W, 3) with at least one pixel.

    Raises:
        ImageError: it is not.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"image has shape {getattr(image, 'shape', None)}, expected (height, width, 3) RGB")
    if image.dtype != np.uint8:
        raise ImageError(f"image has type {image.dtype}, expected uint8")
    if image.size == 0:
        raise ImageError(f"image has shape {image.shape}, expected at least one pixel")
