"""``mdsm-data voc``: PASCAL VOC's photographs with masks of 20 categories, under COCO's names.

Expects the folder ``VOCdevkit/VOC2012``: ``ImageSets/Segmentation/{train,val}.txt``, ``JPEGImages``,
``SegmentationClass`` and, for masks of objects, ``SegmentationObject``. Everything of the 20 categories is labelled.
Pixels that are marked as uncertain (255) become a region "void", which is never asked for. For the larger training set
made with SBD, give ``--lists`` and ``--class-masks`` (``SegmentationClassAug``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.arguments import count
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import inside
from training.datasets.foreign.pictures import Object, labels_of, size_of
from training.datasets.published.categories import Asking, add_asking_arguments, asking_of, write_categories
from training.datasets.published.parts import Published, add_build_arguments, build_published
from training.datasets.published.sources import where

CATEGORIES = (
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table", "dog",
    "horse", "motorcycle", "person", "potted plant", "sheep", "couch", "train", "tv",
)  # fmt: skip
"""VOC's categories 1 to 20 (aeroplane, ..., diningtable, ..., sofa, train, tvmonitor) under COCO's names."""
VOID, UNCERTAIN = "void", 255


@dataclass(frozen=True)
class Picture:
    """An image and its label images; that of the objects only for masks of objects."""

    name: str
    split: str
    file: Path
    classes: Path
    objects: Path | None


def read_pictures(
    root: Path, splits: Sequence[str], lists: str, class_masks: str, masks: str, limit: int | None
) -> list[Picture]:
    """Reads the lists of images.

    Args:
        root: Folder of VOC.
        splits: Names of the lists.
        lists: Folder of the lists, relative to ``root``.
        class_masks: Folder of the class masks, relative to ``root``.
        masks: "class" or "instance".
        limit: Number of first images of each list; None for all.

    Raises:
        DatasetError: A list is missing, or names a path.
    """
    pictures = []
    for split in splits:
        path = root / lists / f"{split}.txt"
        try:
            names = path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(f"{path} is missing or is no text, expected a list of images: {error}") from error
        for name in names[:limit]:
            files = [
                inside(root, f"{folder}/{name}.{suffix}", DatasetError)
                for folder, suffix in (("JPEGImages", "jpg"), (class_masks, "png"), ("SegmentationObject", "png"))
            ]
            pictures.append(Picture(name, split, files[0], files[1], files[2] if masks == "instance" else None))
    return pictures


def objects_of(classes: NDArray[np.int64], numbers: NDArray[np.int64] | None) -> dict[str, Object]:
    """The objects in label images (H, W), and the uncertain pixels as a region.

    Args:
        classes: Category of each pixel: 0 for background, 1 to 20, 255 for uncertain.
        numbers: Object of each pixel, 0 for background, 255 for uncertain; None for one object of each category.

    Raises:
        DatasetError: A pixel has another category.
    """
    present = [int(value) for value in np.unique(classes) if value not in (0, UNCERTAIN)]
    if any(value > len(CATEGORIES) for value in present):
        raise DatasetError(f"a class mask has the number {max(present)}, expected 0 to {len(CATEGORIES)} or 255")
    found = {}
    if numbers is None:
        found = {str(value): Object(CATEGORIES[value - 1], classes == value) for value in present}
    else:
        for number in np.unique(numbers):
            if number in (0, UNCERTAIN):
                continue
            mask = numbers == number
            inside_it = classes[mask & (classes > 0) & (classes <= len(CATEGORIES))]
            if inside_it.size:
                found[str(number)] = Object(CATEGORIES[int(np.bincount(inside_it).argmax()) - 1], mask)
    uncertain = classes == UNCERTAIN
    return found | ({VOID: Object(VOID, uncertain, crowd=True)} if uncertain.any() else {})


def write(writer: DatasetWriter, picture: Picture, *, asking: Asking) -> None:
    """Adds an image with its categories."""
    size = size_of(picture.file)
    try:
        numbers = None if picture.objects is None else labels_of(picture.objects, size)
        objects = objects_of(labels_of(picture.classes, size), numbers)
    except DatasetError as error:
        raise DatasetError(f"{picture.name}: {error}") from error
    write_categories(
        writer,
        picture.file,
        objects,
        CATEGORIES,
        asking,
        name=picture.name,
        split=picture.split,
        source="voc",
        size=size,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = where("voc")
    parser.add_argument("--root", type=Path, required=True, help="folder VOCdevkit/VOC2012")
    parser.add_argument("--splits", nargs="+", default=["train", "val"], help="names of the lists (default: train val)")
    parser.add_argument(
        "--lists", default="ImageSets/Segmentation", help="folder of the lists of images (default: %(default)s)"
    )
    parser.add_argument(
        "--class-masks", default="SegmentationClass", help="folder of the class masks (default: %(default)s)"
    )
    parser.add_argument("--limit", type=count, metavar="N", help="take the first N images of each list")
    add_asking_arguments(parser)
    add_build_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    asking = asking_of(args)
    pictures = read_pictures(args.root, args.splits, args.lists, args.class_masks, args.masks, args.limit)
    published = Published(
        "voc",
        pictures,
        partial(write, asking=asking),
        [*CATEGORIES, VOID],
        {"splits": list(args.splits), "lists": args.lists, "class_masks": args.class_masks, **vars(asking)},
    )
    return build_published(published, args.out, args.workers)
