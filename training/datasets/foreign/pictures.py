"""Writes one image of a public dataset: its file, its objects, and sentences about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import difficulty
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.pixels import open_picture
from training.datasets.text import count_expressions

UNNAMED = "object"
"""The category of objects whose dataset names none."""


@dataclass(frozen=True)
class Object:
    """An object in an image.

    Attributes:
        category: Name of the category; :data:`UNNAMED` if the dataset has none.
        mask: Mask (H, W).
        crowd: Whether it is a region of several objects.
    """

    category: str
    mask: NDArray[np.bool_]
    crowd: bool = False


@dataclass(frozen=True)
class Sentence:
    """A sentence about an image.

    Attributes:
        targets: Keys of the objects that it asks for; none if they are not in view.
        origin: Number of the sentence in its dataset.
    """

    text: str
    split: str
    targets: tuple[str, ...]
    origin: str


def size_of(path: Path) -> tuple[int, int]:
    """Decodes an image file; returns its height and width.

    Raises:
        DatasetError: The file is missing or is not a readable image.
    """
    try:
        with open_picture(path) as picture:
            picture.load()
            return picture.height, picture.width
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing") from error
    except Exception as error:  # decoders of untrusted data fail in many ways
        raise DatasetError(f"{path} is not a readable image: {error}") from error


def expect_size(path: Path, height: int, width: int) -> None:
    """Checks that an image file can be used.

    Raises:
        DatasetError: As for :func:`size_of`, or the image has another size.
    """
    size = size_of(path)
    if size != (height, width):
        raise DatasetError(f"{path} is {size[1]}x{size[0]} pixels, expected {width}x{height}")


def labels_of(path: Path, size: tuple[int, int]) -> NDArray[np.int64]:
    """Reads a label image (H, W), whose pixels are numbers of objects or categories.

    Args:
        path: File with one channel of 8 or 16 bits, or with a palette.
        size: Expected height and width.

    Raises:
        DatasetError: The file is missing, is not such an image, or has another size.
    """
    expect_size(path, *size)
    with open_picture(path) as picture:
        labels = np.asarray(picture)
    if labels.ndim != 2:
        raise DatasetError(f"{path} has {labels.shape[-1]} channels, expected one with numbers of objects")
    return labels.astype(np.int64)


def write_picture(
    writer: DatasetWriter,
    file: Path,
    objects: Mapping[str, Object],
    sentences: Sequence[Sentence],
    *,
    scene: str,
    source: str,
    size: tuple[int, int],
) -> None:
    """Adds an image with its objects and sentences; nothing without a usable sentence.

    Objects without a pixel, and sentences that ask for one of them or for an unknown object, are omitted and counted.

    Args:
        writer: Writer of the dataset.
        file: Image file, which is linked or copied.
        objects: Objects by their keys.
        sentences: Sentences about the image.
        scene: Name of the place; splits of a dataset must not share it.
        source: Name of the dataset.
        size: Height and width of the image.
    """
    found = {key: thing for key, thing in objects.items() if thing.mask.any()}
    if len(found) < len(objects):
        writer.count("objects left out: mask without a pixel", len(objects) - len(found))
    usable = [sentence for sentence in sentences if set(sentence.targets) <= found.keys()]
    if len(usable) < len(sentences):
        writer.count("sentences left out: a target has no usable mask", len(sentences) - len(usable))
    if not usable:
        return
    image_id = writer.add_image_file(file, *size, scene=scene)
    ids = {
        key: writer.add_annotation(image_id, thing.category, thing.mask, iscrowd=int(thing.crowd))
        for key, thing in found.items()
    }
    for sentence in usable:
        expressions, distractors = count_expressions(sentence.text), _distractors(found, sentence.targets)
        covered = [found[key].mask for key in sentence.targets]
        share = float(np.logical_or.reduce(covered).mean()) if covered else 1.0
        writer.add_instruction(
            image_id,
            [ids[key] for key in sentence.targets],
            " ".join(sentence.text.split()),
            split=sentence.split,
            source=source,
            expressions=expressions,
            distractors=distractors,
            difficulty=difficulty(expressions, distractors, share, None),
            origin=sentence.origin,
        )


def _distractors(objects: Mapping[str, Object], targets: Sequence[str]) -> int:
    """Counts the other objects of the targets' categories; 0 where categories are not known."""
    wanted = {objects[key].category for key in targets} - {UNNAMED}
    others = (thing for key, thing in objects.items() if key not in targets and not thing.crowd)
    return sum(thing.category in wanted for thing in others)
