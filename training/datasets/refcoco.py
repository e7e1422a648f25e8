"""``mdsm-data refcoco``: RefCOCO, RefCOCO+ and RefCOCOg from their annotation files and COCO's train2014 images.

Expects the layout of github lichengunc/refer: ``<dataset>/refs(<split_by>).p`` (or the same content as ``.json``) and
``<dataset>/instances.json``. The pickles come from Python 2; they are read with an unpickler that knows no classes, so
that a file can hold nothing but lists, dictionaries, strings and numbers.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import difficulty
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import inside
from mdsm_ros.pixels import open_picture
from training.datasets.build import Plan, build
from training.datasets.foreign.refer_files import read_instances, read_refs
from training.datasets.foreign.segmentation import decode
from training.datasets.text import count_expressions

SPLITS_BY: dict[str, tuple[str, ...]] = {
    "refcoco": ("unc", "google"),
    "refcoco+": ("unc",),
    "refcocog": ("umd", "google"),
}
"""The published divisions of each dataset."""

MAY_SHARE = {"google": [["train", "val"], ["train", "test"], ["val", "test"]]}
"""The Google split divides objects, not images, so its splits show the same images."""

IMAGES_A_PART = 500


@dataclass(frozen=True)
class Picture:
    """An image of COCO with its objects (records of instances.json) and the references to them."""

    file: Path
    record: Mapping[str, Any]
    objects: Sequence[Mapping[str, Any]]
    refs: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Slice:
    """A unit of work: some of the images."""

    number: int
    pictures: tuple[Picture, ...]


def read_pictures(annotations: Path, dataset: str, split_by: str, images: Path) -> tuple[list[Picture], list[str]]:
    """Reads the images with references, and the names of all categories.

    Raises:
        DatasetError: There is no such split, a file is missing or damaged, or a reference names a missing record.
    """
    if split_by not in SPLITS_BY[dataset]:
        raise DatasetError(f"--split-by is {split_by!r}, {dataset} has {' and '.join(SPLITS_BY[dataset])}")
    folder = annotations / dataset
    choices = [folder / f"refs({split_by}).{suffix}" for suffix in ("p", "json")]
    refs = read_refs(next((path for path in choices if path.exists()), choices[0]))
    path = folder / "instances.json"
    records, objects, names = read_instances(path)
    in_image: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for record in objects.values():
        in_image[record["image_id"]].append(record | {"category": names[record["category_id"]]})
    of_image: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for ref in refs:
        if ref["image_id"] not in records or ref["ann_id"] not in objects:
            raise DatasetError(
                f"{path} lacks image {ref['image_id']} or annotation {ref['ann_id']} of ref {ref['ref_id']}"
            )
        of_image[ref["image_id"]].append(ref)
    pictures = [
        Picture(inside(images, records[i]["file_name"], DatasetError), records[i], in_image[i], of_image[i])
        for i in sorted(of_image)
    ]
    return pictures, [names[i] for i in sorted(names)]


def write_slice(writer: DatasetWriter, unit: Slice, *, source: str) -> None:
    """Adds some images with their objects and references to a dataset.

    A missing or damaged image is recorded as a problem; objects without a usable mask, and references to them, are
    omitted and counted.
    """
    for picture in unit.pictures:
        height, width = picture.record["height"], picture.record["width"]
        fault = _fault(picture.file, height, width)
        if fault is not None:
            writer.problem(fault)
            continue
        masks = _masks(writer, picture.objects, height, width)
        objects = {thing["id"]: thing for thing in picture.objects if thing["id"] in masks}
        refs = [ref for ref in picture.refs if ref["ann_id"] in objects]
        if len(refs) < len(picture.refs):
            writer.count("references left out: their target has no usable mask", len(picture.refs) - len(refs))
        if not refs:
            continue
        image_id = writer.add_image_file(picture.file, height, width, scene=f"COCO {picture.record['id']}")
        ids = {
            i: writer.add_annotation(image_id, thing["category"], masks[i], iscrowd=thing.get("iscrowd", 0))
            for i, thing in objects.items()
        }
        for ref in refs:
            target = objects[ref["ann_id"]]
            distractors = sum(
                thing["category"] == target["category"] and not thing.get("iscrowd")
                for i, thing in objects.items()
                if i != ref["ann_id"]
            )
            share = float(masks[target["id"]].mean())
            for sentence in ref["sentences"]:
                text = sentence.get("raw", sentence.get("sent"))
                expressions = count_expressions(text)
                writer.add_instruction(
                    image_id,
                    [ids[target["id"]]],
                    " ".join(text.split()),
                    split=ref["split"],
                    source=source,
                    expressions=expressions,
                    distractors=distractors,
                    difficulty=difficulty(expressions, distractors, share, None),
                    origin=f"{ref['ref_id']}/{sentence['sent_id']}",
                )


def _fault(path: Path, height: int, width: int) -> str | None:
    """Returns why an image file cannot be used; None if it can."""
    try:
        with open_picture(path) as picture:
            size = picture.size
            if size == (width, height):  # otherwise it may have any size
                picture.load()
    except FileNotFoundError:
        return f"{path} is missing"
    except Exception as error:  # decoders of untrusted data fail in many ways
        return f"{path} is not a readable image: {error}"
    return None if size == (width, height) else f"{path} is {size[0]}x{size[1]} pixels, expected {width}x{height}"


def _masks(
    writer: DatasetWriter, objects: Sequence[Mapping[str, Any]], height: int, width: int
) -> dict[int, NDArray[np.bool_]]:
    """Returns the usable masks of an image's objects by id."""
    masks = {}
    for thing in objects:
        try:
            mask = decode(thing.get("segmentation"), height, width)
        except DatasetError:
            writer.count("objects left out: damaged mask")
            continue
        if mask.any():
            masks[thing["id"]] = mask
        else:
            writer.count("objects left out: mask without a pixel")
    return masks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--dataset", choices=sorted(SPLITS_BY), required=True)
    parser.add_argument("--split-by", choices=("unc", "google", "umd"), required=True, help="author of the split")
    parser.add_argument("--annotations", type=Path, required=True, help="folder of <dataset>/refs(...).p")
    parser.add_argument("--images", type=Path, required=True, help="folder of COCO's train2014 images")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--workers", type=int, default=1, help="processes")


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    pictures, categories = read_pictures(args.annotations, args.dataset, args.split_by, args.images)
    slices = [
        Slice(number, tuple(pictures[first : first + IMAGES_A_PART]))
        for number, first in enumerate(range(0, len(pictures), IMAGES_A_PART))
    ]
    plan = Plan(
        root=args.out,
        units=slices,
        name=lambda unit: f"{unit.number:05d}",
        make=partial(write_slice, source=args.dataset),
        categories=categories,
        info={
            "source": args.dataset,
            "recipe": {"split_by": args.split_by, "images": len(pictures)},
            "may_share": MAY_SHARE.get(args.split_by, []),
        },
    )
    outcome = build(plan, args.workers)
    for reason, number in sorted(outcome.counts.items()):
        print(f"{number:>7} {reason}")
    print(f"{args.out}: {outcome.images} images, {outcome.instructions} instructions")
    outcome.print_problems()
    return 0
