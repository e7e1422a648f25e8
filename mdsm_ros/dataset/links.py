"""References between the records of a dataset: what can be wrong with them, and in which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from mdsm_ros.dataset.records import Annotation, ImageRecord, Instruction

_EXPECTED = "expected existing ones; mdsm-data check lists all faults"


def used_twice(key: str, numbers: Mapping[int, int]) -> Iterator[str]:
    """The faults of ids that several records of a list have; ``numbers`` counts the records with each id."""
    return (f"{key} has {number} records with id {value}" for value, number in numbers.items() if number > 1)


def dangling_image(instruction: int, image: int) -> str:
    """The fault of an instruction about a missing image."""
    return f"instruction {instruction} names image {image}, absent"


def dangling_annotation(instruction: int, annotation: int) -> str:
    """The fault of an instruction with a missing target."""
    return f"instruction {instruction} names annotation {annotation}, absent"


def crossed_annotation(annotation: int, image: int, category: int) -> str:
    """The fault of an annotation whose image or category is missing."""
    return f"annotation {annotation} is of image {image} and category {category}, {_EXPECTED}"


def crossed_instruction(instruction: int, image: int, annotation: int, other: int) -> str:
    """The fault of an instruction whose target is in another image."""
    return f"instruction {instruction} is about image {image}, but names annotation {annotation} of image {other}"


def fault_text(path: Path, first: str, number: int) -> str:
    """The message about faults of a file: the first, and how many more there are."""
    return f"{path}: {first}" + (f" (and {number - 1} more)" if number > 1 else "")


def dangling(
    instructions: Sequence[Instruction], images: Collection[int], annotations: Collection[int]
) -> Iterator[str]:
    """The faults of instructions that refer to missing records."""
    for instruction in instructions:
        if instruction.image_id not in images:
            yield dangling_image(instruction.id, instruction.image_id)
        for annotation_id in instruction.annotation_ids:
            if annotation_id not in annotations:
                yield dangling_annotation(instruction.id, annotation_id)


def crossed(
    instructions: Sequence[Instruction],
    images: Mapping[int, ImageRecord],
    annotations: Mapping[int, Annotation],
    categories: Collection[int],
) -> Iterator[str]:
    """The faults of annotations with missing records, and of instructions with a target in another image."""
    for annotation in annotations.values():
        if annotation.image_id not in images or annotation.category_id not in categories:
            yield crossed_annotation(annotation.id, annotation.image_id, annotation.category_id)
    for instruction in instructions:
        for annotation_id in instruction.annotation_ids:
            target = annotations.get(annotation_id)
            if target is not None and target.image_id != instruction.image_id:
                yield crossed_instruction(instruction.id, instruction.image_id, annotation_id, target.image_id)


def ids_used_twice(**ids: Sequence[int]) -> Iterator[str]:
    """The faults of the ids in each list of records."""
    for key, values in ids.items():
        yield from used_twice(key, Counter(values))
