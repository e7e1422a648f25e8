"""``mdsm-data ocid-ref``: OCID-Ref's phrases about objects in the clutter of OCID's images.

Expects ``{train,val,test}_expressions.json`` and the folder of OCID with ``ARID10``, ``ARID20`` and ``YCB10``. A mask
is where the label image beside the colour image (``label/`` in place of ``rgb/``) has the object's
``scene_instance_id``. The published splits divide phrases, not images, so all of them show the same images.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any

from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import check_keys, inside, is_integer, name_fault, read_json, shown
from training.datasets.foreign.pictures import Object, Sentence, labels_of, size_of, write_picture
from training.datasets.published.parts import Published, add_build_arguments, build_published
from training.datasets.published.sources import where

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Phrase:
    """A phrase about an object.

    Attributes:
        image: Name of the colour image, relative to the images' folder.
        label: Number of the object in the label image.
        category: Category of the object.
    """

    number: str
    text: str
    split: str
    image: str
    label: int
    category: str


@dataclass(frozen=True)
class Picture:
    """An image, its label image, and phrases about its objects."""

    name: str
    file: Path
    labels: Path
    source: str
    phrases: tuple[Phrase, ...]


def read_phrases(path: Path, split: str) -> list[Phrase]:
    """Reads the phrases of a split of OCID-Ref.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    records = read_json(path, DatasetError, "OCID-Ref's phrases")
    if not isinstance(records, dict):
        raise DatasetError(f"{path} holds {type(records).__name__}, expected an object of phrases by number")
    found = []
    for number, record in records.items():
        place = f"{path}: phrase {shown(number)}"
        values = check_keys(record, ("scene_path", "class", "sentence"), place, DatasetError)
        # the authors' instruction.txt calls the field "scene_instance"; the files have the longer name
        label = values.get("scene_instance_id", values.get("scene_instance"))
        found.append(phrase(place, number, values["sentence"], split, values["scene_path"], label, values["class"]))
    return found


def phrase(place: str, number: str, text: Any, split: str, image: Any, label: Any, category: Any) -> Phrase:
    """A checked phrase.

    Raises:
        DatasetError: A value has the wrong type, or the image's name leads out of its folder; names ``place``.
    """
    for name, value in (("sentence", text), ("category", category)):
        if not isinstance(value, str) or not value.strip():
            raise DatasetError(f"{place}: the {name} is {shown(value)}, expected a text")
    if not is_integer(label, 0, 65535):
        raise DatasetError(f"{place}: the object's number is {shown(label)}, expected 0 to 65535")
    fault = name_fault(image)
    if fault is not None or "rgb" not in PurePosixPath(image).parts:
        raise DatasetError(f"{place}: the image's path is {shown(image)}, expected one inside a folder 'rgb'")
    return Phrase(number, text, split, image, label, category)


def pictures_of(phrases: Sequence[Phrase], root: Path, labels: str, source: str) -> list[Picture]:
    """Groups phrases by image.

    Args:
        phrases: Phrases of all splits.
        root: Folder of the images.
        labels: Folder of the label images, in place of ``rgb``.
        source: Name of the dataset.

    Raises:
        DatasetError: A path leads out of the folder.
    """
    of_image: Mapping[str, list[Phrase]] = defaultdict(list)
    for one in phrases:
        of_image[one.image].append(one)
    found = []
    for name, inside_it in sorted(of_image.items()):
        parts = [labels if part == "rgb" else part for part in PurePosixPath(name).parts]
        files = [inside(root, path, DatasetError) for path in (name, "/".join(parts))]
        found.append(Picture(name, files[0], files[1], source, tuple(inside_it)))
    return found


def write(writer: DatasetWriter, picture: Picture) -> None:
    """Adds an image with the objects that its phrases name."""
    size = size_of(picture.file)
    labels = labels_of(picture.labels, size)
    categories = {str(phrase.label): phrase.category for phrase in picture.phrases}
    objects = {key: Object(category, labels == int(key)) for key, category in categories.items()}
    sentences = [Sentence(one.text, one.split, (str(one.label),), one.number) for one in picture.phrases]
    write_picture(writer, picture.file, objects, sentences, scene=picture.name, source=picture.source, size=size)


def read_splits(read: Callable[[Path, str], list[Phrase]], folder: Path, splits: Sequence[str]) -> list[Phrase]:
    """Reads ``<split>_expressions.json`` of each split."""
    return [one for split in splits for one in read(folder / f"{split}_expressions.json", split)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = where("ocid-ref")
    parser.add_argument("--annotations", type=Path, required=True, help="folder of {train,val,test}_expressions.json")
    parser.add_argument("--images", type=Path, required=True, help="folder of ARID10, ARID20 and YCB10")
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS, help="splits (default: all)")
    add_build_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    phrases = read_splits(read_phrases, args.annotations, args.splits)
    published = Published(
        "ocid-ref",
        pictures_of(phrases, args.images, "label", "ocid-ref"),
        write,
        sorted({one.category for one in phrases}),
        {"splits": list(args.splits)},
        may_share=list(combinations(SPLITS, 2)),
    )
    return build_published(published, args.out, args.workers)
