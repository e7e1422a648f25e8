"""``mdsm-data compose``: pictures made of photographs, with objects of other photographs pasted into them.

Objects are cut out along their masks and pasted in plausible sizes and places. The masks, what is hidden and the
sentences are exact, because it is known what was pasted where.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from mdsm_ros.annotation_writer import DatasetWriter
from mdsm_ros.annotations import ANNOTATIONS_FILE, DatasetError, difficulty
from mdsm_ros.arguments import count, share
from mdsm_ros.library import Library, LibraryMissing
from mdsm_ros.library.store import default_folder
from training.build import Plan, build
from training.compose.bank import Bank
from training.compose.picture import Composed, Composer
from training.compose.rendered import LIBRARY_ORIGIN, Shelf
from training.compose.sentences import scene_of_picture, target_fraction
from training.photos.speech.speaker import Speaker

SOURCE = "compose"
PICTURES_A_PART = 8
ATTEMPTS = 20  # for each picture
MOST_OBJECTS = 12
SIZES = (128, 1024)
WITHOUT = "none"
RENDERED = 0.3


@dataclass(frozen=True)
class Options:
    """What decides the content of a composed dataset.

    Attributes:
        data: folders of the datasets that the photographs come from.
        split: whose photographs are used, and the split of the sentences.
        longer_side: of the pictures, in pixels.
        objects: fewest and most objects that are pasted.
        sentences: the most about one picture.
        absent_fraction: of them about objects that are not in the picture.
        seed: decides everything else.
        library: folder of the library's cache; "none": no models.
        rendered: fraction of the objects that are models of the library.
    """

    data: tuple[Path, ...]
    split: str
    longer_side: int
    objects: tuple[int, int]
    sentences: int
    absent_fraction: float
    seed: int
    library: Path | str
    rendered: float


@lru_cache(maxsize=1)
def _composer(options: Options) -> Composer:
    """The photographs, read once in each process."""
    cv2.setNumThreads(1)  # the processes share the cores
    bank = Bank(options.data, options.split, options.longer_side)
    shelf = None if options.library == WITHOUT else Shelf(Path(options.library), options.split)
    return Composer(bank, options.objects, shelf, options.rendered)


def write_part(writer: DatasetWriter, numbers: Sequence[int], *, options: Options) -> None:
    """Adds the pictures of some numbers to a dataset.

    Raises:
        DatasetError: no object fits into any photograph that was tried, or nothing can be said about it.
    """
    composer = _composer(options)
    for number in numbers:
        if not any(
            _write(writer, composer, np.random.default_rng((options.seed, number, attempt)), options)
            for attempt in range(ATTEMPTS)
        ):
            raise DatasetError(f"picture {number}: no object fits into any of the photographs that were tried")


def _write(writer: DatasetWriter, composer: Composer, rng: np.random.Generator, options: Options) -> bool:
    """Adds one picture; False where there is none, or nothing to say about it."""
    picture = composer.compose(rng)
    if picture is None:
        return False
    sentences = Speaker(scene_of_picture(picture), rng).sentences(options.sentences, options.absent_fraction)
    if not any(sentence.target is not None for sentence in sentences):
        return False
    image_id = writer.add_image(picture.rgb, scene=picture.scene)
    ids = _add_objects(writer, image_id, picture)
    for sentence in sentences:
        targets = [] if sentence.target is None else [ids[sentence.target]]
        fraction, occlusion = target_fraction(picture, sentence.target)
        writer.add_instruction(
            image_id,
            targets,
            sentence.text,
            split=options.split,
            source=SOURCE,
            expressions=sentence.expressions,
            distractors=sentence.distractors,
            difficulty=difficulty(sentence.expressions, sentence.distractors, fraction, occlusion),
            origin=picture.origin,
        )
    pasted = [thing for thing in picture.objects if thing.pasted]
    writer.count("objects pasted", len(pasted))
    writer.count("of them models of the library", sum(thing.origin.startswith(LIBRARY_ORIGIN) for thing in pasted))
    writer.count("sentences about objects that are not in the picture", sum(s.target is None for s in sentences))
    return True


def _add_objects(writer: DatasetWriter, image_id: int, picture: Composed) -> list[int]:
    """Adds the annotations of a picture; returns their ids in the order of its objects."""
    return [
        writer.add_annotation(
            image_id,
            thing.category,
            thing.mask,
            {"pasted_from": thing.origin} if thing.pasted else {},
            iscrowd=int(not thing.certain),
            occlusion=thing.occlusion,
        )
        for thing in picture.objects
    ]


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
    """Parses the longer side of a picture in pixels."""
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
        help="only photographs of this split are used, as backgrounds and to cut from (default: %(default)s)",
    )
    parser.add_argument("--images", type=count, required=True, help="number of pictures")
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--seed", type=int, default=0, help="which pictures are made (default: %(default)s)")
    parser.add_argument(
        "--objects", type=objects_range, default=(1, 6), help="objects pasted into a picture (default: 1-6)"
    )
    parser.add_argument("--size", type=side, default=400, help="longer side in pixels (default: %(default)s)")
    parser.add_argument("--sentences", type=count, default=6, help="most sentences a picture (default: %(default)s)")
    parser.add_argument(
        "--absent-fraction",
        type=share,
        default=0.2,
        help="fraction of sentences about objects that are not in the picture (default: %(default)s)",
    )
    parser.add_argument(
        "--library",
        help='folder of the library of models, or "none" (default: the library in the cache, where there is one)',
    )
    parser.add_argument(
        "--rendered-fraction",
        type=share,
        default=RENDERED,
        help="fraction of the objects that are models of the library (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes")


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    options = Options(
        data=tuple(args.data),
        split=args.split,
        longer_side=args.size,
        objects=args.objects,
        sentences=args.sentences,
        absent_fraction=args.absent_fraction,
        seed=args.seed,
        library=_library(args.library),
        rendered=args.rendered_fraction,
    )
    composer = _composer(options)
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
    outcome = build(plan, args.workers)
    for reason, number in sorted(outcome.counts.items()):
        print(f"{number:>7} {reason}")
    outcome.print_problems()
    print(f"{args.out}: {outcome.images} pictures, {outcome.instructions} sentences")
    return 0


def _library(option: str | None) -> str:
    """The folder of the library, or "none"; without the option, the cache where there is one.

    Raises:
        LibraryMissing: the folder that the user names has no library.
    """
    if option == WITHOUT:
        return WITHOUT
    folder = default_folder() if option is None else Path(option)
    try:
        Library.open(folder)
    except LibraryMissing as error:
        if option is not None:
            raise
        print(f"only objects of photographs are pasted: {error}", file=sys.stderr)
        return WITHOUT
    return str(folder)


def _recipe(options: Options, images: int, composer: Composer) -> dict[str, object]:
    """What decides the content, for the dataset's ``info``."""
    digests = [hashlib.sha256((root / ANNOTATIONS_FILE).read_bytes()).hexdigest() for root in options.data]
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
