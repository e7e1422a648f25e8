"""Makes ambiguous instructions by removing the deciding clauses from those of a dataset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mdsm_ros.dataset.format import Annotation, Dataset, Instruction
from mdsm_ros.language.referring.description import describe_target, spelled_out
from mdsm_ros.language.target_phrase import find_target

LEAST_AREA = 0.002  # fraction of the image, as for the smallest targets of the homes


@dataclass(frozen=True)
class Asked:
    """An instruction, unchanged or without its deciding clauses.

    Attributes:
        text: Text of the instruction.
        instruction: Instruction of the dataset, with its target.
        ambiguous: Whether the text is ambiguous, so that a question is needed.
        rivals: Number of other objects of the target's category in view.
    """

    text: str
    instruction: Instruction
    ambiguous: bool
    rivals: int


def without_clauses(text: str) -> str | None:
    """Returns an instruction that names its target only by the noun; None if the target's words are not found in it."""
    text = spelled_out(text)
    target, noun = find_target(text), describe_target(text).noun
    phrase = r"\W+".join(map(re.escape, target.phrase.split()))
    found = re.search(rf"\b{phrase}\b", text, re.IGNORECASE)
    if found is None or noun not in target.phrase.replace("  ", " "):
        return None
    return f"{text[: found.start()]}the {noun}{text[found.end() :]}"


def alike(data: Dataset, instruction: Instruction) -> list[Annotation]:
    """Returns the objects of the target's category in its image, itself included, that are large enough for targets."""
    (target,) = (data.annotations[i] for i in instruction.annotation_ids)
    record = data.images[instruction.image_id]
    least = LEAST_AREA * record.width * record.height
    others = [a for a in data.annotations_of(instruction.image_id) if a.category_id == target.category_id]
    return [a for a in others if a.area >= least or a.id == target.id]


def asked_of(data: Dataset, instructions: Sequence[Instruction]) -> Iterator[Asked]:
    """Yields every instruction with one target in view and, if it has rivals, the same one without its clauses."""
    for instruction in instructions:
        if len(instruction.annotation_ids) != 1:
            continue
        rivals = len(alike(data, instruction)) - 1
        yield Asked(instruction.text, instruction, False, rivals)
        bare = without_clauses(instruction.text) if rivals > 0 else None
        if bare is not None:
            yield Asked(bare, instruction, True, rivals)
