"""Builds a dataset from public images in parts, with the options that all these commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from mdsm_ros.arguments import count
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from training.datasets.build import Plan, build

PICTURES_A_PART = 500

PictureT = TypeVar("PictureT")


@dataclass(frozen=True)
class Part(Generic[PictureT]):
    """A unit of work: some of the images."""

    number: int
    pictures: tuple[PictureT, ...]


@dataclass(frozen=True)
class Published(Generic[PictureT]):
    """The content of a public dataset.

    Attributes:
        source: Name of the dataset.
        pictures: Records of the images, picklable.
        write: Function that writes one image; it runs in worker processes.
        categories: Names of all categories.
        recipe: Options that determine the content, beside the number of images.
        may_share: Pairs of splits that show the same images on purpose.
    """

    source: str
    pictures: Sequence[PictureT]
    write: Callable[[DatasetWriter, PictureT], None]
    categories: Sequence[str]
    recipe: Mapping[str, Any]
    may_share: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class _Make(Generic[PictureT]):
    write: Callable[[DatasetWriter, PictureT], None]

    def __call__(self, writer: DatasetWriter, part: Part[PictureT]) -> None:
        for picture in part.pictures:
            try:
                self.write(writer, picture)
            except DatasetError as error:
                writer.problem(str(error))


def add_build_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of every build."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--workers", type=count, default=1, help="processes")


def build_published(published: Published[PictureT], out: Path, workers: int) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status.

    An image that cannot be used is listed, and the rest is built.

    Raises:
        DatasetError: The folder holds something else, or nothing could be built.
    """
    pictures = published.pictures
    parts = [
        Part(number, tuple(pictures[first : first + PICTURES_A_PART]))
        for number, first in enumerate(range(0, len(pictures), PICTURES_A_PART))
    ]
    plan = Plan(
        root=out,
        units=parts,
        name=lambda part: f"{part.number:05d}",
        make=_Make(published.write),
        categories=published.categories,
        info={
            "source": published.source,
            "recipe": {"images": len(pictures), **published.recipe},
            "may_share": [list(pair) for pair in published.may_share],
        },
    )
    build(plan, workers).print_table(out)
    return 0
