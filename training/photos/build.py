"""``mdsm-data photos``: photographs with instance masks in COCO's form, and instructions about them.

Takes what labelme, CVAT, Label Studio, Roboflow and COCO export: polygons, compressed and uncompressed RLE. Rules
speak about the objects: kind, colour, size, place in the picture, relations. A sentence is kept only if it means one
object clearly. Sentences that the file has (captions, expressions) and sentences by eye are added.

Fields beside COCO's that are understood: an image's "annotated" (coco80: every object of the file's categories is
labelled; voc20: every object of VOC's 20; person_only: one person and nothing else), an annotation's "reliable" (0:
only the region of a class), "instruction", "phrase", "caption" and "sentences".
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from mdsm_ros.arguments import count, natural, share
from mdsm_ros.errors import DatasetError
from training.datasets.build import Plan, build
from training.photos.by_eye import EyeSentence, digest, read_sentences
from training.photos.coco import Collection, read_collection
from training.photos.faults import Faults
from training.photos.speech.speaker import ABSENT_SHARE
from training.photos.write import SOURCE, Options, Slice, exhaustive_groups, write_slice

PICTURES_A_PART = 100
PER_PICTURE = 8


def add_split_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the splits."""
    parser.add_argument("--val", type=share, default=0.1, help="fraction of the images for validation")
    parser.add_argument("--test", type=share, default=0.0, help="fraction of the images for testing")
    parser.add_argument(
        "--test-exhaustive",
        type=share,
        help="fraction for testing among images in which everything is labelled (default: as --test)",
    )
    parser.add_argument(
        "--exhaustive",
        action="store_true",
        help='assume that every object of the categories is labelled, unless an image says otherwise ("annotated")',
    )


def options_of(args: argparse.Namespace) -> Options:
    """Returns the options of the command line.

    Raises:
        DatasetError: The splits take more than all images.
    """
    rest = args.test if args.test_exhaustive is None else args.test_exhaustive
    if max(args.test, rest) + args.val > 1:
        raise DatasetError(f"--test and --val are {max(args.test, rest)} and {args.val}, expected at most 1 together")
    per_picture, absent, seed = (getattr(args, name, 0) for name in ("per_picture", "absent", "seed"))
    return Options(args.test, args.val, rest, per_picture, absent, seed, getattr(args, "several", 0.0))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--coco", type=Path, required=True, help="JSON file of annotations in COCO's form")
    parser.add_argument("--images", type=Path, required=True, help="folder of the images")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    add_split_arguments(parser)
    parser.add_argument(
        "--sentences", type=Path, nargs="+", default=[], help="JSON-lines file of sentences written by people"
    )
    parser.add_argument(
        "--per-picture",
        type=natural,
        default=PER_PICTURE,
        help="largest number of generated sentences per image (default: %(default)s)",
    )
    parser.add_argument("--absent", type=share, default=ABSENT_SHARE, help="fraction of them about absent objects")
    parser.add_argument(
        "--several",
        type=share,
        default=0.0,
        help="fraction of them that ask for several objects (default: %(default)s)",
    )
    parser.add_argument("--seed", type=natural, default=0, help="random seed of the sentences")
    parser.add_argument("--workers", type=count, default=1, help="processes")


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    options, faults = options_of(args), Faults()
    collection = read_collection(args.coco, args.images, faults, exhaustive=args.exhaustive)
    by_eye = read_sentences(args.sentences, collection.pictures, options.split, faults)
    plan = Plan(
        root=args.out,
        units=_slices(collection, by_eye),
        name=lambda unit: f"{unit.number:05d}",
        make=partial(write_slice, options=options),
        categories=collection.kinds,
        info={
            "source": SOURCE,
            "recipe": _recipe(args, options, collection),
            "may_share": [],
            "exhaustive": exhaustive_groups(collection.pictures),
        },
    )
    outcome = build(plan, args.workers)
    others = faults.add_counts(outcome.counts)
    for line in faults.lines():
        print(line)
    for reason, number in sorted(others.items()):
        print(f"{number:>7} {reason}")
    print(f"{args.out}: {outcome.images} images, {outcome.instructions} instructions")
    outcome.print_problems()
    return 0


def _recipe(args: argparse.Namespace, options: Options, collection: Collection) -> dict[str, object]:
    return {
        "coco": collection.digest,
        "sentences": digest(args.sentences),
        "exhaustive": args.exhaustive,
        **options.recipe,
    }


def _slices(collection: Collection, by_eye: dict[str, list[EyeSentence]]) -> list[Slice]:
    slices = []
    for number, first in enumerate(range(0, len(collection.pictures), PICTURES_A_PART)):
        pictures = tuple(collection.pictures[first : first + PICTURES_A_PART])
        slices.append(Slice(number, pictures, tuple(tuple(by_eye.get(p.name, ())) for p in pictures)))
    return slices
