"""A simulated person, who answers questions from the ground truth."""

from __future__ import annotations

import numpy as np

from mdsm_ros.dataset.format import Annotation, Dataset, Instruction
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.inference.asking.decision import Decision
from mdsm_ros.language.referring.questions import Question
from mdsm_ros.language.referring.words import COLORS
from training.evaluation.asking.instructions import alike

SHOWN = 0.25  # IoU from which the person recognizes an option as the target
APART = 0.05  # distance between two objects, fraction of the image's width, from which the person uses left or right
ORDINALS = ("first", "second", "third", "fourth")


class Person:
    """Names the option that is the target, in one of three forms.

    The forms are the words of the option, its number, or, from the ground truth alone, the target's colour or side
    among the objects of its category, if one of these distinguishes it.

    Args:
        data: Dataset of the instruction.
        rng: Random generator that chooses the form.
    """

    def __init__(self, data: Dataset, rng: np.random.Generator) -> None:
        self._data, self._rng = data, rng

    def reply(self, instruction: Instruction, decision: Decision, question: Question) -> str:
        """Returns the reply to a question; "neither" if no option shows the target."""
        truth = self._data.mask(instruction)
        overlaps = [iou(decision.instance_of(option.candidate).mask, truth) for option in question.options]
        right = int(np.argmax(overlaps))
        if overlaps[right] < SHOWN:
            return "neither"
        sort = int(self._rng.integers(3))
        own = self._own_words(instruction) if sort == 2 else None
        if own is not None:
            return own
        return f"the {ORDINALS[right]} one" if sort == 1 else question.options[right].words

    def _own_words(self, instruction: Instruction) -> str | None:
        """Returns the target's true colour, or its side in the image."""
        (target,) = (self._data.annotations[i] for i in instruction.annotation_ids)
        others = [other for other in alike(self._data, instruction) if other.id != target.id]
        color = target.attributes.get("color", "")
        if color in COLORS and all(other.attributes.get("color", color) != color for other in others):
            return f"the {color} one"
        width = self._data.images[instruction.image_id].width
        apart = [(_middle(target) - _middle(other)) / width for other in others]
        if all(distance < -APART for distance in apart):
            return "the one on the left" if len(others) == 1 else "the leftmost one"
        if all(distance > APART for distance in apart):
            return "the one on the right" if len(others) == 1 else "the rightmost one"
        return None


def _middle(annotation: Annotation) -> float:
    x, _, width, _ = annotation.bbox
    return float(x + width / 2)
