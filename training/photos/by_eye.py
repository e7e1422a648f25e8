"""Sentences that people wrote about the images, stored as JSON lines beside the annotations.

Each line is ``{"file_name", "annotation", "category", "bbox", "text", "writer", "beyond_rules"}``; see README.md in
``training/photos/sentences``.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdsm_ros.errors import DatasetError
from training.datasets.text import words
from training.photos.coco import Picture, Thing
from training.photos.faults import Faults
from training.photos.speech.words.kinds import normal

SAME_BOX = 0.5  # intersection over union of a sentence's box and the annotation's
FIELDS = ("file_name", "annotation", "category", "bbox", "text", "writer")


@dataclass(frozen=True)
class EyeSentence:
    """A sentence about an annotation.

    Attributes:
        annotation: Id in the file of annotations.
        text: The sentence.
        writer: Name of the writer.
    """

    annotation: int | str
    text: str
    writer: str


def read_sentences(
    paths: Sequence[Path], pictures: Sequence[Picture], split: Callable[[Picture], str], faults: Faults
) -> dict[str, list[EyeSentence]]:
    """Reads the sentences of some files that match the images' annotations, by image name.

    A file named ``test.jsonl`` is for images of the test split, any other file for the rest. Sentences in the wrong
    file are omitted, so that no writer's sentences are in both.

    Args:
        paths: Files of JSON lines.
        pictures: Images of the collection.
        split: Function that returns the split of an image.
        faults: Record of the faults found.

    Raises:
        DatasetError: A file is missing or is not text.
    """
    by_name = {picture.name: picture for picture in pictures}
    found: dict[str, list[EyeSentence]] = defaultdict(list)
    for path in paths:
        for where, record in _records(path, faults):
            picture = by_name.get(record["file_name"])
            if picture is None:
                faults.add("sentences of pictures that this file does not have", where)
                continue
            fault = _mismatch(record, picture)
            if fault is None and (path.stem == "test") != (split(picture) == "test"):
                fault = "their picture is on the other side of the test split"
            if fault is not None:
                faults.add(f"sentences left out: {fault}", where)
            else:
                text = " ".join(record["text"].split())
                found[picture.name].append(EyeSentence(record["annotation"], text, record["writer"]))
    return dict(found)


def digest(paths: Sequence[Path]) -> list[str]:
    """Returns the SHA-256 of each file."""
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def _records(path: Path, faults: Faults) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing, expected sentences as JSON lines") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is no text, expected sentences as JSON lines") from error
    for number, line in enumerate(lines, start=1):
        where = f"{path.name}:{number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            faults.add("sentences left out: not JSON", where)
            continue
        if not isinstance(record, dict) or any(field not in record for field in FIELDS):
            faults.add("sentences left out: a field is missing", where)
        elif not all(isinstance(record[field], str) for field in ("file_name", "category", "text", "writer")):
            faults.add("sentences left out: a field is no text", where)
        elif not words(record["text"]):
            faults.add("sentences left out: no words", where)
        else:
            yield where, record


def _mismatch(record: dict[str, Any], picture: Picture) -> str | None:
    """Returns why a sentence does not match the annotation that it names; None if it does."""
    thing = next((thing for thing in picture.things if thing.id == record["annotation"]), None)
    if thing is None:
        return "an annotation that the picture does not have"
    if thing.record.get("iscrowd"):
        return "the annotation is a crowd"
    if normal(record["category"]) != thing.kind:
        return "another category than the annotation's"
    overlap = _overlap(record["bbox"], thing)
    return None if overlap is not None and overlap >= SAME_BOX else "another box than the annotation's"


def _overlap(box: Any, thing: Thing) -> float | None:
    """Returns the intersection over union of two boxes in COCO format; None if one is not a box."""
    other: Any = thing.record.get("bbox")
    for values in (box, other):
        sound = isinstance(values, list) and len(values) == 4
        if not sound or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            return None
    across = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    down = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    total = box[2] * box[3] + other[2] * other[3] - shared
    return shared / total if total > 0 else None
