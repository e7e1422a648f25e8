"""Writes an image with the masks of its categories, and asks for each in the words of Grounded Diffusion's prompt."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mdsm_ros.arguments import natural
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.language.prompts import photograph_of
from training.datasets.foreign.pictures import Object, Sentence, write_picture

MASKS = ("class", "instance")


@dataclass(frozen=True)
class Asking:
    """How images become instructions.

    Attributes:
        masks: "class": one mask for all objects of a category; "instance": one for each.
        absent: Number of categories that are asked for though they are not in the image.
        seed: Random seed of their choice.
    """

    masks: str
    absent: int
    seed: int


def write_categories(
    writer: DatasetWriter,
    file: Path,
    objects: Mapping[str, Object],
    categories: Sequence[str],
    asking: Asking,
    *,
    name: str,
    split: str,
    source: str,
    size: tuple[int, int],
) -> None:
    """Adds an image and an instruction, "a photograph of a chair", for each category in it.

    Args:
        writer: Writer of the dataset.
        file: Image file.
        objects: All objects of all categories in the image, by key.
        categories: Names of the categories that are labelled completely; regions of others are not asked for.
        asking: Masks and absent categories.
        name: Name of the image, its scene.
        split: Split of the image.
        source: Name of the dataset.
        size: Height and width of the image.
    """
    seen = [c for c in categories if any(thing.category == c and thing.mask.any() for thing in objects.values())]
    if asking.masks == "class":
        objects = _merged(objects)
    sentences = []
    for category in seen:
        keys = tuple(key for key, thing in objects.items() if thing.category == category and thing.mask.any())
        sentences.append(Sentence(photograph_of([category]), split, keys, f"{name}/{category}"))
    rest = [c for c in categories if c not in seen]
    random = np.random.default_rng([asking.seed, *name.encode()])
    for place in sorted(random.permutation(len(rest))[: asking.absent]):
        sentences.append(Sentence(photograph_of([rest[place]]), split, (), f"{name}/{rest[place]}"))
    write_picture(writer, file, objects, sentences, scene=name, source=source, size=size)


def _merged(objects: Mapping[str, Object]) -> dict[str, Object]:
    """One object for each category; a crowd only where all of it is a region."""
    by_category: dict[str, list[Object]] = {}
    for thing in objects.values():
        by_category.setdefault(thing.category, []).append(thing)
    return {
        category: Object(
            category, np.logical_or.reduce([thing.mask for thing in things]), all(thing.crowd for thing in things)
        )
        for category, things in by_category.items()
    }


def add_asking_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of :class:`Asking`."""
    parser.add_argument(
        "--masks",
        choices=MASKS,
        default=MASKS[0],
        help="class: one mask for all objects of a category, a semantic mask; instance: one for each object "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--absent",
        type=natural,
        default=0,
        metavar="N",
        help="ask for N categories that are not in the image, too (default: %(default)s)",
    )
    parser.add_argument("--seed", type=natural, default=0, help="random seed of their choice (default: %(default)s)")


def asking_of(args: argparse.Namespace) -> Asking:
    """The options of the command line."""
    return Asking(args.masks, args.absent, args.seed)
