"""The note beside a frame that a node kept: the instruction, the reasons, and the mask that a person chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import DatasetError, InstructionError
from mdsm_ros.foreign import read_json
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.recordings.rle import decode

UNSURE, FLIPPED, CORRECTED = "unsure", "flipped", "corrected"  # reasons
MAX_NOTE = 1 << 20  # bytes; the mask of one object has a few thousand


@dataclass(frozen=True)
class Note:
    """What is known about a kept frame.

    Attributes:
        instruction: Instruction when it was taken; "" if unknown.
        why: Reasons to keep it.
        mask: COCO run-length code of the object that a person chose; None if they chose none.
    """

    instruction: str = ""
    why: tuple[str, ...] = ()
    mask: Mapping[str, Any] | None = None

    def corrects(self, instruction: str) -> bool:
        """Whether a person said what an instruction means in this frame."""
        return CORRECTED in self.why and self.instruction == instruction

    def chosen(self, instruction: str, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Returns the mask that a person chose for an instruction.

        Args:
            instruction: The instruction.
            shape: Height and width of the frame.

        Returns:
            Mask, bool (H, W), empty if the person said that none of the objects is meant; None if no person said
            anything, or if the mask is damaged.
        """
        if not self.corrects(instruction):
            return None
        if self.mask is None:
            return np.zeros(shape, bool)
        try:
            if list(self.mask["size"]) != list(shape):  # before memory is allocated for it
                return None
            return decode(self.mask)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def content(self) -> dict[str, Any]:
        """Returns the note as it is written to a JSON file."""
        mask = {} if self.mask is None else {"mask": dict(self.mask)}
        return {"instruction": self.instruction, "why": list(self.why), **mask}


def read_note(path: Path) -> Note:
    """Reads the note of a frame; an empty one if it is absent, damaged or without an instruction."""
    try:
        if path.stat().st_size > MAX_NOTE:
            return Note()
        content = read_json(path, DatasetError, "the note of a frame")
        instruction, why, mask = validate_instruction(content["instruction"]), content.get("why"), content.get("mask")
    except (AttributeError, DatasetError, InstructionError, KeyError, OSError, TypeError):
        return Note()
    reasons = tuple(reason for reason in why if isinstance(reason, str)) if isinstance(why, list) else ()
    if mask is not None and not isinstance(mask, dict):  # not the same as a person who chose none
        reasons = tuple(reason for reason in reasons if reason != CORRECTED)
    return Note(instruction, reasons, mask if isinstance(mask, dict) else None)
