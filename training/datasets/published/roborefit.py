"""``mdsm-data roborefit``: RoboRefIt's instructions for a robot about objects in cluttered indoor scenes.

Expects the folder ``final_dataset`` with ``<split>/roborefit_<split>.json`` for the splits train, testA and testB, and
the images and masks beside them. The files name no categories, so every object is an "object". Depth is left out: its
unit is not stated.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import check_keys, inside, is_integer, read_json, shown
from mdsm_ros.pixels import open_picture
from training.datasets.foreign.pictures import UNNAMED, Object, Sentence, expect_size, size_of, write_picture
from training.datasets.published.parts import Published, add_build_arguments, build_published
from training.datasets.published.sources import where

SPLITS = ("train", "testA", "testB")
FOLDER = "final_dataset"  # with which paths in the files begin


@dataclass(frozen=True)
class Request:
    """An instruction and the mask of its target."""

    number: int
    text: str
    mask: Path


@dataclass(frozen=True)
class Picture:
    """An image with its instructions."""

    file: Path
    name: str
    split: str
    requests: tuple[Request, ...]


def read_pictures(root: Path, splits: Sequence[str]) -> list[Picture]:
    """Reads the images of some splits with their instructions.

    Raises:
        DatasetError: A file is missing or damaged, or a path leads out of the folder.
    """
    pictures = []
    for split in splits:
        path = root / split / f"roborefit_{split}.json"
        records = read_json(path, DatasetError, "RoboRefIt's instructions")
        if not isinstance(records, list):
            raise DatasetError(f"{path} holds {type(records).__name__}, expected a list of instructions")
        of_image: dict[str, list[Request]] = defaultdict(list)
        for number, record in enumerate(records):
            place = f"{path}: instruction number {number}"
            values = check_keys(record, ("num", "text", "rgb_path", "mask_path"), place, DatasetError)
            texts = [values[name] for name in ("text", "rgb_path", "mask_path")]
            if not all(isinstance(text, str) and text.strip() for text in texts) or not is_integer(values["num"]):
                raise DatasetError(f"{place} is {shown(record)}, expected a number 'num' and texts")
            mask = inside(root, _relative(values["mask_path"]), DatasetError)
            of_image[_relative(values["rgb_path"])].append(Request(values["num"], values["text"], mask))
        for name, requests in of_image.items():
            pictures.append(Picture(inside(root, name, DatasetError), name, split, tuple(requests)))
    return pictures


def _relative(name: str) -> str:
    """A path of the files relative to the folder; they come with the separators of two systems."""
    return name.replace("\\", "/").removeprefix(f"{FOLDER}/")


def read_mask(path: Path, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Reads a mask (H, W): pixels with any channel above 0, as in the authors' code.

    Raises:
        DatasetError: The file is missing, is not an image, or has another size.
    """
    expect_size(path, *size)
    with open_picture(path) as picture:
        pixels = np.asarray(picture.convert("RGB") if picture.mode in ("P", "RGBA", "LA") else picture)
    return np.asarray(pixels.reshape(*size, -1).any(axis=2), dtype=np.bool_)


def write(writer: DatasetWriter, picture: Picture) -> None:
    """Adds an image; instructions with the same mask file ask for one object."""
    size = size_of(picture.file)
    objects = {}
    for request in picture.requests:
        try:
            objects[request.mask.as_posix()] = Object(UNNAMED, read_mask(request.mask, size))
        except DatasetError as error:
            writer.count("objects left out: damaged mask")
            writer.problem(str(error))
    sentences = [
        Sentence(request.text, picture.split, (request.mask.as_posix(),), str(request.number))
        for request in picture.requests
    ]
    write_picture(writer, picture.file, objects, sentences, scene=picture.name, source="roborefit", size=size)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = where("roborefit")
    parser.add_argument("--root", type=Path, required=True, help="folder final_dataset")
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS, help="splits (default: all)")
    add_build_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    pictures = read_pictures(args.root, args.splits)
    published = Published("roborefit", pictures, write, [UNNAMED], {"splits": list(args.splits)})
    return build_published(published, args.out, args.workers)
