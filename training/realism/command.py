"""``mdsm-data realism``: whether a network that learned from photographs knows the models of the homes.

Single things on a plain ground, taken with the camera of the homes, are classified by EfficientNet-Lite0, which was
trained on ImageNet. It prints the fraction of pictures whose five best classes hold one that fits, for the library's
models and for the procedural shapes; also for objects of photographs, and for what a diffusion model draws. Which
classes fit a kind is the column ``imagenet`` of mdsm_ros/library/kinds.csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from mdsm_ros.arguments import count, natural
from mdsm_ros.checkpoints.imagenet import ImageNetClassifier, class_names
from mdsm_ros.commands.options import check_picture_name
from mdsm_ros.errors import DatasetError, WeightsError
from mdsm_ros.files import write_json
from mdsm_ros.library import Library
from mdsm_ros.pictures.files import write_picture
from mdsm_ros.pictures.sheet import contact_sheet, labelled
from training.latent.generate import open_pipeline
from training.realism.drawn import drawings
from training.realism.photographs import crops, kinds_by_name
from training.realism.score import BEST, Judged, fitting_classes, report
from training.realism.studio import Studio
from training.realism.subjects import Subject, library_subjects, procedural_subjects

SIDE = 256  # pixels
SHEET_TILES, SHEET_COLUMNS = 48, 8

Shown = tuple[str, str, NDArray[np.uint8]]
"""Name, kind and picture."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--library", type=Path, help="folder of the library (default: the one that mdsm-data library writes)"
    )
    parser.add_argument("--views", type=count, default=2, help="number of images of each model (default: %(default)s)")
    parser.add_argument(
        "--shapes",
        type=count,
        default=8,
        help="number of procedural shapes per category, with one image each (default: 8)",
    )
    parser.add_argument(
        "--every",
        type=count,
        default=1,
        metavar="N",
        help="only every N-th model or category",
    )
    parser.add_argument(
        "--seed", type=natural, default=0, help="random seed of views, lights and cameras (default: %(default)s)"
    )
    parser.add_argument(
        "--photographs", type=Path, help="folder with annotations.json in COCO's format, whose objects are added"
    )
    parser.add_argument(
        "--drawn",
        metavar="CHECKPOINT",
        help="Stable Diffusion checkpoint that draws each category --views times, to be judged as well",
    )
    parser.add_argument("--sheet", type=Path, help="write some of the images with their classes to this file")
    parser.add_argument("--out", type=Path, help="write the classes of every image to this JSON file")


def run(args: argparse.Namespace) -> int:
    """Renders, classifies and prints; returns the exit status."""
    check_picture_name(args.sheet)
    library = Library.open(args.library)
    names = class_names()
    fitting = fitting_classes({kind.kind: kind.imagenet for kind in library.kinds.values()}, names)
    try:
        classifier = ImageNetClassifier.load()
    except WeightsError as error:
        raise DatasetError(str(error)) from error
    pipeline = None if args.drawn is None else open_pipeline(args.drawn)
    subjects = {
        "library": (library_subjects(library, fitting)[:: args.every], args.views),
        "procedural": (procedural_subjects(fitting, args.shapes), 1),
    }
    shown: dict[str, Iterator[Shown]] = {
        group: _rendered(things, views, args.seed) for group, (things, views) in subjects.items()
    }
    if args.photographs is not None:
        synonyms = {name: kind.synonyms for name, kind in library.kinds.items() if name in fitting}
        shown["photographs"] = crops(args.photographs, kinds_by_name(synonyms), SIDE)
    if pipeline is not None:
        shown["drawn"] = drawings(pipeline, sorted(fitting)[:: args.every], args.views, args.seed, SIDE)
    judged: list[Judged] = []
    tiles: list[Image.Image] = []
    for group, pictures in shown.items():
        found, kept = judge(group, pictures, classifier, fitting, names)
        judged += found
        tiles += [_tile(picture, kept[index]) for picture, index in _spread(found)]
    print(report(judged))
    if args.sheet is not None:
        write_picture(args.sheet, np.asarray(contact_sheet(tiles, SHEET_COLUMNS)))
    if args.out is not None:
        write_json(args.out, [asdict(picture) for picture in judged])
    return 0


def _rendered(subjects: Sequence[Subject], views: int, seed: int) -> Iterator[Shown]:
    with Studio(SIDE) as studio:
        for subject in tqdm(subjects, unit="thing", disable=None):
            rng = np.random.default_rng((seed, crc32(subject.name.encode())))  # whatever else is shown
            for pixels in studio.photographs(subject.parts(rng), views, rng):
                yield subject.name, subject.kind, pixels


def judge(
    group: str,
    shown: Iterator[Shown],
    classifier: ImageNetClassifier,
    fitting: Mapping[str, frozenset[int]],
    names: Sequence[str],
) -> tuple[list[Judged], list[NDArray[np.uint8]]]:
    """Classifies pictures; gives the pictures back as well."""
    judged, pictures = [], []
    for name, kind, pixels in shown:
        best = classifier.best(pixels[np.newaxis], BEST)[0].tolist()
        fits = not fitting[kind].isdisjoint(best)
        judged.append(Judged(group, name, kind, tuple(names[number] for number in best), fits))
        pictures.append(pixels)
    return judged, pictures


def _spread(judged: Sequence[Judged]) -> Iterator[tuple[Judged, int]]:
    """Some of them, evenly over all, with their places."""
    for index in np.unique(np.linspace(0, len(judged) - 1, SHEET_TILES).round().astype(int)) if judged else ():
        yield judged[index], int(index)


def _tile(picture: Judged, pixels: NDArray[np.uint8]) -> Image.Image:
    best = ", ".join(name.split(",")[0] for name in picture.classes[:3])
    return labelled(pixels, f"{'+' if picture.fits else '-'} {picture.kind} ({picture.group}): {best}")
