"""``mdsm-data coco``: COCO's photographs with masks of its categories, as objects or as semantic masks.

Expects an ``instances_*.json`` and its images. Everything of the categories is labelled. Regions of several objects
(``iscrowd``) belong to their category's mask. One file makes one split; put several together with ``mdsm-data merge``.
For instructions that mean one object among several, use ``mdsm-data photos``.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mdsm_ros.arguments import count
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import inside
from training.datasets.foreign.pictures import Object, expect_size
from training.datasets.foreign.refer_files import read_instances
from training.datasets.foreign.segmentation import decode
from training.datasets.published.categories import Asking, add_asking_arguments, asking_of, write_categories
from training.datasets.published.parts import Published, add_build_arguments, build_published
from training.datasets.published.sources import where


@dataclass(frozen=True)
class Picture:
    """An image with its objects' records, each with the name of its category."""

    file: Path
    record: Mapping[str, Any]
    objects: tuple[Mapping[str, Any], ...]


def read_pictures(annotations: Path, images: Path, limit: int | None) -> tuple[list[Picture], list[str]]:
    """Reads the images with objects, by their ids, and the names of all categories.

    Args:
        annotations: File of the annotations.
        images: Folder of the images.
        limit: Number of first images; None for all.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    records, objects, names = read_instances(annotations)
    in_image: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for thing in objects.values():
        in_image[thing["image_id"]].append(thing | {"category": names[thing["category_id"]]})
    pictures = [
        Picture(inside(images, records[i]["file_name"], DatasetError), records[i], tuple(in_image[i]))
        for i in sorted(in_image)[:limit]
    ]
    return pictures, [names[i] for i in sorted(names)]


def write(writer: DatasetWriter, picture: Picture, *, categories: list[str], split: str, asking: Asking) -> None:
    """Adds an image with its categories; one with a damaged mask is left out, as its masks are not complete."""
    height, width = picture.record["height"], picture.record["width"]
    expect_size(picture.file, height, width)
    objects = {}
    for thing in picture.objects:
        try:
            mask = decode(thing.get("segmentation"), height, width)
        except DatasetError:
            writer.count("images left out: a damaged mask")
            return
        objects[str(thing["id"])] = Object(thing["category"], mask, bool(thing.get("iscrowd", 0)))
    write_categories(
        writer,
        picture.file,
        objects,
        categories,
        asking,
        name=f"COCO {picture.record['id']}",
        split=split,
        source="coco",
        size=(height, width),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = where("coco")
    parser.add_argument("--annotations", type=Path, required=True, help="file instances_*.json")
    parser.add_argument("--images", type=Path, required=True, help="folder of its images")
    parser.add_argument("--split", default="train", help="split of the images (default: %(default)s)")
    parser.add_argument("--limit", type=count, metavar="N", help="take the first N images, by their ids")
    add_asking_arguments(parser)
    add_build_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    asking = asking_of(args)
    pictures, categories = read_pictures(args.annotations, args.images, args.limit)
    published = Published(
        "coco",
        pictures,
        partial(write, categories=categories, split=args.split, asking=asking),
        categories,
        {"annotations": args.annotations.name, "split": args.split, **vars(asking)},
    )
    return build_published(published, args.out, args.workers)
