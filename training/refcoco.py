"""``mdsm-data refcoco``: RefCOCO, RefCOCO+ and RefCOCOg from their annotation files and COCO's train2014 images.

Expects the layout of github lichengunc/refer: ``<dataset>/refs(<split_by>).p`` (or the same content as ``.json``) and
``<dataset>/instances.json``. The pickles come from Python 2; they are read with an unpickler that knows no classes, so
that a file can hold nothing but lists, dictionaries, strings and numbers.
"""

from __future__ import annotations

import argparse
import io
import json
import pickle
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from mdsm_ros.annotation_writer import DatasetWriter
from mdsm_ros.annotations import DatasetError, difficulty
from training.build import Plan, build
from training.text import count_expressions

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


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise DatasetError(f"the pickle asks for {module}.{name}, expected plain lists, dictionaries and numbers")


def read_refs(path: Path) -> list[dict[str, Any]]:
    """The references of a ``refs(...)`` file, pickle or JSON.

    Raises:
        DatasetError: the file is missing or damaged, asks for a class, or is no list of references.
    """
    try:
        content = path.read_bytes()
        refs = json.loads(content) if path.suffix == ".json" else _unpickle(content)
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing, expected a refs file") from error
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    except (json.JSONDecodeError, pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError) as error:
        raise DatasetError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    wanted = {"ref_id", "ann_id", "image_id", "split", "sentences"}
    if not isinstance(refs, list) or not all(isinstance(ref, dict) and wanted <= set(ref) for ref in refs):
        raise DatasetError(f"{path} does not hold a list of references with {sorted(wanted)}")
    return refs


def _unpickle(content: bytes) -> Any:
    return _PlainUnpickler(io.BytesIO(content), encoding="latin1").load()


def read_pictures(annotations: Path, dataset: str, split_by: str, images: Path) -> tuple[list[Picture], list[str]]:
    """The images that references speak of, and the names of all categories.

    Raises:
        DatasetError: there is no such split, a file is missing or damaged, or a reference names what is not there.
    """
    if split_by not in SPLITS_BY[dataset]:
        raise DatasetError(f"--split-by is {split_by!r}, {dataset} has {' and '.join(SPLITS_BY[dataset])}")
    folder = annotations / dataset
    choices = [folder / f"refs({split_by}).{suffix}" for suffix in ("p", "json")]
    refs = read_refs(next((path for path in choices if path.exists()), choices[0]))
    path = folder / "instances.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        records = {record["id"]: record for record in content["images"]}
        objects = {record["id"]: record for record in content["annotations"]}
        names = {record["id"]: record["name"] for record in content["categories"]}
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is missing") from error
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} does not have COCO's form: {type(error).__name__}: {error}") from error
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
        Picture(images / records[i]["file_name"], records[i], in_image[i], of_image[i]) for i in sorted(of_image)
    ]
    return pictures, [names[i] for i in sorted(names)]


def write_slice(writer: DatasetWriter, unit: Slice, *, source: str) -> None:
    """Adds some images with their objects and references to a dataset; a missing image is noted as a problem."""
    for picture in unit.pictures:
        if not picture.file.exists():
            writer.problem(f"{picture.file} is missing")
            continue
        height, width = picture.record["height"], picture.record["width"]
        masks = {thing["id"]: decode(thing["segmentation"], height, width) for thing in picture.objects}
        image_id = writer.add_image_file(picture.file, height, width, scene=f"COCO {picture.record['id']}")
        ids = {}
        for thing in picture.objects:
            ids[thing["id"]] = writer.add_annotation(image_id, thing["category"], masks[thing["id"]])
        for ref in picture.refs:
            target = next(thing for thing in picture.objects if thing["id"] == ref["ann_id"])
            distractors = sum(thing["category"] == target["category"] for thing in picture.objects) - 1
            share = float(masks[target["id"]].mean())
            for sentence in ref["sentences"]:
                expressions = count_expressions(sentence["sent"])
                writer.add_instruction(
                    image_id,
                    [ids[target["id"]]],
                    " ".join(sentence["sent"].split()),
                    split=ref["split"],
                    source=source,
                    expressions=expressions,
                    distractors=distractors,
                    difficulty=difficulty(expressions, distractors, share, None),
                    origin=f"{ref['ref_id']}/{sentence['sent_id']}",
                )


def decode(segmentation: Any, height: int, width: int) -> NDArray[np.bool_]:
    """The mask (H, W) of polygons, of uncompressed or of compressed RLE.

    Raises:
        DatasetError: it is none of these, or of another size.
    """
    try:
        if isinstance(segmentation, list):
            rles = coco_mask.frPyObjects(segmentation, height, width)
            return coco_mask.decode(coco_mask.merge(rles)).astype(bool)
        counts = segmentation["counts"]
        if isinstance(counts, list):
            rle = coco_mask.frPyObjects(segmentation, height, width)
        else:
            rle = {"size": segmentation["size"], "counts": counts.encode("ascii")}
        mask = coco_mask.decode(rle).astype(bool)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise DatasetError(f"a segmentation is no polygons and no RLE: {type(error).__name__}: {error}") from error
    if mask.shape != (height, width):
        raise DatasetError(f"a segmentation is for {mask.shape[1]}x{mask.shape[0]} pixels, expected {width}x{height}")
    return mask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--dataset", choices=sorted(SPLITS_BY), required=True)
    parser.add_argument("--split-by", choices=("unc", "google", "umd"), required=True, help="whose division")
    parser.add_argument("--annotations", type=Path, required=True, help="folder of <dataset>/refs(...).p")
    parser.add_argument("--images", type=Path, required=True, help="COCO's train2014")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--workers", type=int, default=1, help="processes")


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or goes on with one that was interrupted; returns the exit status."""
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
    print(f"{args.out}: {outcome.images} images, {outcome.instructions} instructions")
    outcome.print_problems()
    return 0
