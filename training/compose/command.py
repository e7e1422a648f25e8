"""``mdsm-data compose``: pictures made of photographs, with objects of other photographs pasted into them.

Objects are cut out along their masks and pasted in plausible sizes and places. The masks, what is hidden and the
sentences are exact, because it is known what was pasted where.
"""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentTypeError
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mdsm_ros.arguments import count, natural, share
from mdsm_ros.dataset.format import ANNOTATIONS_FILE
from mdsm_ros.errors import CommandError
from mdsm_ros.files import file_sha256
from mdsm_ros.library import Library, LibraryMissing
from mdsm_ros.library.store import default_folder
from training.cluster import add_worker_arguments
from training.datasets.build import Plan, build

if TYPE_CHECKING:
    from training.compose.picture import Composer
    from training.compose.writing import Options

PICTURES_A_PART = 8
MOST_OBJECTS = 12
SIZES = (128, 1024)
WITHOUT = "none"
RENDERED = 0.3


def objects_range(text: str) -> tuple[int, int]:
    """Parses LOW-HIGH or one number."""
    low, _, high = text.partition("-")
    try:
        least, most = int(low), int(high or low)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not LOW-HIGH, such as 1-6") from error
    if not 1 <= least <= most <= MOST_OBJECTS:
        raise ArgumentTypeError(f"{text!r} is out of range, expected 1 to {MOST_OBJECTS} objects, the lower one first")
    return least, most


def side(text: str) -> int:
    """Parses the longer side of an image in pixels."""
    value = int(text)
    if not SIZES[0] <= value <= SIZES[1]:
        raise ArgumentTypeError(f"{text} is out of range, expected {SIZES[0]} to {SIZES[1]} pixels")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="dataset folders with photographs (mdsm-data photos)"
    )
    parser.add_argument(
        "--split",
        choices=("train", "val", "test"),
        default="train",
        help="use only photographs of this split, as backgrounds and for cut-outs (default: %(default)s)",
    )
    parser.add_argument("--images", type=count, required=True, help="number of images")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--seed", type=natural, default=0, help="random seed of the images (default: %(default)s)")
    parser.add_argument(
        "--objects", type=objects_range, default=(1, 6), help="number of objects pasted into an image (default: 1-6)"
    )
    parser.add_argument("--size", type=side, default=400, help="longer side in pixels (default: %(default)s)")
    parser.add_argument(
        "--sentences", type=count, default=6, help="largest number of sentences per image (default: %(default)s)"
    )
    parser.add_argument(
        "--absent-fraction",
        type=share,
        default=0.2,
        help="fraction of sentences about objects that are not in the image (default: %(default)s)",
    )
    parser.add_argument(
        "--library",
        help='folder of the library of models, or "none" (default: the library in the cache, if there is one)',
    )
    parser.add_argument(
        "--rendered-fraction",
        type=share,
        help=f"fraction of the objects that are models of the library (default: {RENDERED})",
    )
    add_worker_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    from training.compose.writing import SOURCE, Options, composer_of, write_part  # OpenCV is in an extra

    library = _library(args.library)
    if library is None and args.rendered_fraction is not None:
        raise CommandError(f"--rendered-fraction is {args.rendered_fraction}, expected none without a library")
    options = Options(
        data=tuple(args.data),
        split=args.split,
        longer_side=args.size,
        objects=args.objects,
        sentences=args.sentences,
        absent_fraction=args.absent_fraction,
        seed=args.seed,
        library=library,
        rendered=RENDERED if args.rendered_fraction is None else args.rendered_fraction,
    )
    composer = composer_of(options)
    plan = Plan(
        root=args.out,
        units=[
            tuple(range(first, min(first + PICTURES_A_PART, args.images)))
            for first in range(0, args.images, PICTURES_A_PART)
        ],
        name=lambda unit: f"{unit[0]:08d}",
        make=partial(write_part, options=options),
        categories=composer.bank.categories,
        info={"source": SOURCE, "recipe": _recipe(options, args.images, composer)},
        limit=args.images,
    )
    outcome = build(plan, args.workers, args.cluster)
    for reason, number in sorted(outcome.counts.items()):
        print(f"{number:>7} {reason}")
    outcome.print_problems()
    print(f"{args.out}: {outcome.images} pictures, {outcome.instructions} sentences")
    return 0


def _library(option: str | None) -> Path | None:
    """Returns the folder of the library; without the option, the cache if it exists; None for no library.

    Raises:
        LibraryMissing: The given folder contains no library.
    """
    if option == WITHOUT:
        return None
    folder = default_folder() if option is None else Path(option)
    try:
        Library.open(folder)
    except LibraryMissing as error:
        if option is not None:
            raise
        print(f"only objects of photographs are pasted: {error}", file=sys.stderr)
        return None
    return folder


def _recipe(options: Options, images: int, composer: Composer) -> dict[str, object]:
    """Returns the values that determine the content, for the dataset's ``info``."""
    digests = [file_sha256(root / ANNOTATIONS_FILE) for root in options.data]
    return {
        "annotations_sha256": digests,
        "split": options.split,
        "images": images,
        "size": options.longer_side,
        "objects": list(options.objects),
        "sentences": options.sentences,
        "absent_fraction": options.absent_fraction,
        "seed": options.seed,
        "library": None if composer.shelf is None else composer.shelf.version,
        "rendered_fraction": options.rendered if composer.shelf is not None else 0.0,
    }
