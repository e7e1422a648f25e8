"""``mdsm-data refcoco``: RefCOCO, RefCOCO+ and RefCOCOg from their annotation files and COCO's train2014 images.

Expects the layout of github lichengunc/refer: ``<dataset>/refs(<split_by>).p`` (or the same content as ``.json``) and
``<dataset>/instances.json``. The pickles come from Python 2; they are read with an unpickler that knows no classes, so
that a file can hold nothing but lists, dictionaries, strings and numbers.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mdsm_ros.arguments import count
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import inside
from training.datasets.build import Plan, build
from training.datasets.foreign.pictures import Object, Sentence, expect_size, write_picture
from training.datasets.foreign.refer_files import read_instances, read_refs
from training.datasets.foreign.segmentation import decode

SPLITS_BY: dict[str, tuple[str, ...]] = {
    "refcoco": ("unc", "google"),
    "refcoco+": ("unc",),
    "refcocog": ("umd", "google"),
    "grefcoco": ("unc",),
}
"""The published divisions of each dataset."""
REFS = {"grefcoco": "grefs"}  # the name of the references' file, where it is not "refs"

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


@dataclass(frozen=True)
class Choices:
    """What is taken from the files.

    Attributes:
        text: Text of the sentences: "raw", as typed (LAVT), or "sent", as processed by REFER (VPD).
        overlaps: Pixels that several polygons of an object cover: "inside" its mask, or "outside" (LAVT and VPD).
        limit: Number of first references of each split; a split that is not named keeps all of its own.
    """

    text: str = "raw"
    overlaps: str = "inside"
    limit: Mapping[str, int] | None = None

    def recipe(self) -> dict[str, Any]:
        """The choices that differ from the defaults, for the dataset's recipe."""
        values = {"text": self.text, "overlaps": self.overlaps, "limit": dict(self.limit or {})}
        return {name: value for name, value in values.items() if value not in ("raw", "inside", {})}


def read_pictures(
    annotations: Path, dataset: str, split_by: str, images: Path, limit: Mapping[str, int] | None = None
) -> tuple[list[Picture], list[str]]:
    """Reads the images with references, and the names of all categories.

    Args:
        annotations: Folder of ``<dataset>/refs(<split_by>).p``.
        dataset: Name of the dataset.
        split_by: Author of the division.
        images: Folder of the images.
        limit: Number of first references of each split, see :class:`Choices`.

    Raises:
        DatasetError: There is no such split, a file is missing or damaged, or a reference names a missing record.
    """
    if split_by not in SPLITS_BY[dataset]:
        raise DatasetError(f"--split-by is {split_by!r}, {dataset} has {' and '.join(SPLITS_BY[dataset])}")
    folder = annotations / dataset
    choices = [folder / f"{REFS.get(dataset, 'refs')}({split_by}).{suffix}" for suffix in ("p", "json")]
    refs = _first(read_refs(next((path for path in choices if path.exists()), choices[0])), limit or {})
    path = folder / "instances.json"
    records, objects, names = read_instances(path)
    in_image: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for record in objects.values():
        in_image[record["image_id"]].append(record | {"category": names[record["category_id"]]})
    of_image: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for ref in refs:
        missing = [i for i in ref["ann_ids"] if i not in objects or objects[i]["image_id"] != ref["image_id"]]
        if ref["image_id"] not in records or missing:
            lacks = f"annotation {missing[0]}" if missing else f"image {ref['image_id']}"
            raise DatasetError(f"{path} lacks {lacks} of ref {ref['ref_id']} in image {ref['image_id']}")
        of_image[ref["image_id"]].append(ref)
    pictures = [
        Picture(inside(images, records[i]["file_name"], DatasetError), records[i], in_image[i], of_image[i])
        for i in sorted(of_image)
    ]
    return pictures, [names[i] for i in sorted(names)]


def _first(refs: Sequence[dict[str, Any]], limit: Mapping[str, int]) -> list[dict[str, Any]]:
    """The first references of each split, in the order of the file.

    Raises:
        DatasetError: A split of the limit has no reference.
    """
    splits = {ref["split"] for ref in refs}
    unknown = sorted(limit.keys() - splits)
    if unknown:
        raise DatasetError(f"--limit names the split {unknown[0]!r}, expected one of {', '.join(sorted(splits))}")
    taken: Counter[str] = Counter()
    chosen = []
    for ref in refs:
        taken[ref["split"]] += 1
        if taken[ref["split"]] <= limit.get(ref["split"], len(refs)):
            chosen.append(ref)
    return chosen


def write_slice(writer: DatasetWriter, unit: Slice, *, source: str, choices: Choices) -> None:
    """Adds some images with their objects and references to a dataset.

    A missing or damaged image is recorded as a problem; objects without a usable mask, and references to them, are
    omitted and counted.
    """
    for picture in unit.pictures:
        height, width = picture.record["height"], picture.record["width"]
        try:
            expect_size(picture.file, height, width)
        except DatasetError as error:
            writer.problem(str(error))
            continue
        objects = _objects(writer, picture.objects, height, width, choices)
        refs = [ref for ref in picture.refs if all(str(i) in objects for i in ref["ann_ids"])]
        if len(refs) < len(picture.refs):
            writer.count("references left out: their target has no usable mask", len(picture.refs) - len(refs))
        write_picture(
            writer,
            picture.file,
            objects,
            [sentence for ref in refs for sentence in _sentences(ref, objects, choices.text)],
            scene=f"COCO {picture.record['id']}",
            source=source,
            size=(height, width),
        )


def _sentences(ref: Mapping[str, Any], objects: Mapping[str, Object], text: str) -> list[Sentence]:
    """The sentences of a reference; of several targets, regions of several objects are none (as in gRefCOCO's code)."""
    targets = [str(i) for i in ref["ann_ids"]]
    single = [key for key in targets if not objects[key].crowd]
    return [
        Sentence(
            sentence.get(text, sentence.get("raw", sentence.get("sent"))),
            ref["split"],
            tuple(single or targets),
            f"{ref['ref_id']}/{sentence['sent_id']}",
        )
        for sentence in ref["sentences"]
    ]


def _objects(
    writer: DatasetWriter, records: Sequence[Mapping[str, Any]], height: int, width: int, choices: Choices
) -> dict[str, Object]:
    """Returns an image's objects with usable masks, by id."""
    found = {}
    for record in records:
        try:
            mask = decode(record.get("segmentation"), height, width, once=choices.overlaps == "outside")
        except DatasetError:
            writer.count("objects left out: damaged mask")
            continue
        if mask.any():
            found[str(record["id"])] = Object(record["category"], mask, bool(record.get("iscrowd", 0)))
        else:
            writer.count("objects left out: mask without a pixel")
    return found


def read_limit(values: Sequence[str]) -> dict[str, int]:
    """The limits of ``--limit``: "train=5000 val=500".

    Raises:
        DatasetError: A value has another form, or a split is named twice.
    """
    limits: dict[str, int] = {}
    for value in values:
        split, _, number = value.partition("=")
        if not split or not number.isdecimal() or int(number) == 0 or split in limits:
            raise DatasetError(f"--limit is {value!r}, expected SPLIT=NUMBER for each split once, such as train=5000")
        limits[split] = int(number)
    return limits


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Declares the options of :class:`Choices`, and those of every build."""
    parser.add_argument("--annotations", type=Path, required=True, help="folder of <dataset>/refs(...).p")
    parser.add_argument("--images", type=Path, required=True, help="folder of COCO's train2014 images")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument(
        "--text",
        choices=("raw", "sent"),
        default="raw",
        help="raw: sentences as typed (LAVT); sent: as processed by REFER (VPD) (default: %(default)s)",
    )
    parser.add_argument(
        "--overlaps",
        choices=("inside", "outside"),
        default="inside",
        help="pixels that several polygons of an object cover; outside its mask in the code of LAVT and VPD "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--limit",
        nargs="+",
        default=[],
        metavar="SPLIT=N",
        help="take the first N references of a split, in the order of the file",
    )
    parser.add_argument("--workers", type=count, default=1, help="processes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    names = [name for name in sorted(SPLITS_BY) if name not in REFS]
    parser.add_argument("--dataset", choices=names, required=True)
    parser.add_argument("--split-by", choices=("unc", "google", "umd"), required=True, help="author of the split")
    add_choices(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    return convert(args, args.dataset, args.split_by)


def convert(args: argparse.Namespace, dataset: str, split_by: str) -> int:
    """Builds a dataset of references to COCO's objects, or resumes; returns the exit status.

    Args:
        args: Options of :func:`add_choices`.
        dataset: Name of the dataset, a key of :data:`SPLITS_BY`.
        split_by: Author of the division.

    Raises:
        DatasetError: As for :func:`read_pictures` and :func:`read_limit`.
    """
    choices = Choices(args.text, args.overlaps, read_limit(args.limit))
    pictures, categories = read_pictures(args.annotations, dataset, split_by, args.images, choices.limit)
    slices = [
        Slice(number, tuple(pictures[first : first + IMAGES_A_PART]))
        for number, first in enumerate(range(0, len(pictures), IMAGES_A_PART))
    ]
    plan = Plan(
        root=args.out,
        units=slices,
        name=lambda unit: f"{unit.number:05d}",
        make=partial(write_slice, source=dataset, choices=choices),
        categories=categories,
        info={
            "source": dataset,
            "recipe": {"split_by": split_by, "images": len(pictures)} | choices.recipe(),
            "may_share": MAY_SHARE.get(split_by, []),
        },
    )
    build(plan, args.workers).print_table(args.out)
    return 0
