"""The content of masks that do not show the target."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.homes.words.lexicon import NOUNS

FOUND = 0.5  # IoU with the target, inclusive, as in P@0.5
TOUCHED = 0.1  # lowest IoU with an object that a mask shows

OUTCOMES = (
    "the target",
    "the target, badly",
    "another of its kind",
    "another kind, named",
    "another kind, not named",
    "no thing",
    "nothing",
)
"""What a mask can show: the target with an IoU of 0.5 or more or with less, another thing, none, or an empty mask.

A thing of another kind that the instruction names, a landmark, speaks for a sentence that was not understood; one that
it does not name for a picture that was not.
"""


def outcome(mask: NDArray[np.bool_], data: Dataset, instruction: Instruction) -> str:
    """The object with the highest IoU in the mask of an instruction whose target is in view.

    Only annotated objects count: in a dataset that annotates targets alone, a wrong object is "no thing".

    Args:
        mask: Mask of the answer at the size of the image, (H, W).
        data: Dataset of the instruction.
        instruction: Instruction with at least one annotation in the image.

    Returns:
        One of :data:`OUTCOMES`.
    """
    if not mask.any():
        return "nothing"
    on_target = iou(mask, data.mask(instruction))
    if on_target >= FOUND:
        return "the target"
    others = [a for a in data.annotations_of(instruction.image_id) if a.id not in instruction.annotation_ids]
    on_others = [iou(mask, data.mask_of(other.id)) for other in others]
    best = max(on_others, default=0.0)
    if max(on_target, best) < TOUCHED:
        return "no thing"
    if on_target >= best:
        return "the target, badly"
    kinds = {data.annotations[i].category_id for i in instruction.annotation_ids}
    shown = others[on_others.index(best)].category_id
    if shown in kinds:
        return "another of its kind"
    return f"another kind, {'named' if _names(instruction.text, data.categories[shown]) else 'not named'}"


def _names(text: str, kind: str) -> bool:
    """Whether a text contains the name of a category, or one of its names in the homes' instructions."""
    names = "|".join(map(re.escape, NOUNS.get(kind, (kind,))))
    return re.search(rf"\b({names})(s|es)?\b", text, re.IGNORECASE) is not None
