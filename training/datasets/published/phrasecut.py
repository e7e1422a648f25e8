"""``mdsm-data phrasecut``: PhraseCut's phrases about regions of Visual Genome's images.

Expects ``refer_<split>.json`` and ``image_data_split3000.json`` (or ``image_data_split.json``, as the authors' script
calls it), and the images as ``<image_id>.jpg``. Polygons are filled as the authors' code does: corners are cut to whole
pixels, and the border belongs to the region. Only what phrases name is annotated, so distractors are counted among
these. ``miniv`` is a part of the validation set.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import MAX_SIDE, check_keys, is_integer, read_json, shown
from training.datasets.foreign.pictures import Object, Sentence, expect_size, write_picture
from training.datasets.foreign.segmentation import sound_polygons
from training.datasets.published.parts import Published, add_build_arguments, build_published
from training.datasets.published.sources import where

SPLITS = ("train", "val", "test", "miniv")
IMAGE_FILES = ("image_data_split3000.json", "image_data_split.json")


@dataclass(frozen=True)
class Task:
    """A phrase and its region.

    Attributes:
        instances: Polygons of each object, in the file's form.
    """

    number: str
    phrase: str
    category: str
    instances: Sequence[Any]


@dataclass(frozen=True)
class Picture:
    """An image with its phrases."""

    image_id: int
    file: Path
    height: int
    width: int
    split: str
    tasks: tuple[Task, ...]


def phrase_mask(polygons: Any, height: int, width: int) -> NDArray[np.bool_]:
    """Fills the polygons of one object, each a list of [x, y], as PhraseCut's code does: (H, W).

    Raises:
        DatasetError: They are no polygons, or one extends far out of the image.
    """
    if not isinstance(polygons, list):
        raise DatasetError(f"polygons are {shown(polygons)}, expected a list of them")
    canvas = Image.new("L", (width, height))
    for flat in sound_polygons(polygons, width, height):
        corners = [int(value) for value in flat]
        ImageDraw.Draw(canvas).polygon(list(zip(corners[::2], corners[1::2], strict=True)), fill=1, outline=1)
    return np.asarray(canvas).astype(bool)


def read_images(folder: Path) -> dict[int, Mapping[str, Any]]:
    """Reads the sizes of the images by their ids.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    path = next((folder / name for name in IMAGE_FILES if (folder / name).exists()), folder / IMAGE_FILES[0])
    records = read_json(path, DatasetError, "PhraseCut's list of images")
    if not isinstance(records, list):
        raise DatasetError(f"{path} holds {type(records).__name__}, expected a list of images")
    images: dict[int, Mapping[str, Any]] = {}
    for number, record in enumerate(records):
        place = f"{path}: image number {number}"
        values = check_keys(record, ("image_id", "width", "height"), place, DatasetError)
        for name in ("width", "height"):
            if not is_integer(values[name], 1, MAX_SIDE):
                raise DatasetError(f"{place}: {name} is {shown(values[name])}, expected 1 to {MAX_SIDE} pixels")
        if not is_integer(values["image_id"]):
            raise DatasetError(f"{place}: image_id is {shown(values['image_id'])}, expected a whole number")
        images[values["image_id"]] = values
    return images


def read_tasks(path: Path) -> dict[int, list[Task]]:
    """Reads the phrases of a split, by image.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    records = read_json(path, DatasetError, "PhraseCut's phrases")
    if not isinstance(records, list):
        raise DatasetError(f"{path} holds {type(records).__name__}, expected a list of phrases")
    found: dict[int, list[Task]] = defaultdict(list)
    for number, record in enumerate(records):
        place = f"{path}: phrase number {number}"
        keys = ("task_id", "image_id", "phrase", "Polygons", "phrase_structure")
        values = check_keys(record, keys, place, DatasetError)
        structure = check_keys(values["phrase_structure"], ("name",), f"{place}: phrase_structure", DatasetError)
        texts = (values["task_id"], values["phrase"], structure["name"])
        if not all(isinstance(text, str) and text.strip() for text in texts) or not is_integer(values["image_id"]):
            raise DatasetError(f"{place}: {shown(texts)} of image {shown(values['image_id'])}, expected texts")
        if not isinstance(values["Polygons"], list):
            raise DatasetError(f"{place}: Polygons is {shown(values['Polygons'])}, expected a list of objects")
        task = Task(values["task_id"], values["phrase"], structure["name"], values["Polygons"])
        found[values["image_id"]].append(task)
    return found


def read_pictures(annotations: Path, folders: Sequence[Path], splits: Sequence[str]) -> list[Picture]:
    """Reads the images of some splits with their phrases.

    Raises:
        DatasetError: A file is missing or damaged, or a phrase is about an unknown image.
    """
    images = read_images(annotations)
    pictures = []
    for split in splits:
        for image_id, tasks in sorted(read_tasks(annotations / f"refer_{split}.json").items()):
            if image_id not in images:
                raise DatasetError(f"{annotations / IMAGE_FILES[0]} lacks image {image_id} of phrase {tasks[0].number}")
            files = [folder / f"{image_id}.jpg" for folder in folders]
            file = next((path for path in files if path.exists()), files[0])
            height, width = images[image_id]["height"], images[image_id]["width"]
            pictures.append(Picture(image_id, file, height, width, split, tuple(tasks)))
    return pictures


def write(writer: DatasetWriter, picture: Picture) -> None:
    """Adds an image; a region that several phrases name becomes one object."""
    expect_size(picture.file, picture.height, picture.width)
    objects: dict[str, Object] = {}
    sentences = []
    for task in picture.tasks:
        keys = [json.dumps([task.category, polygons]) for polygons in task.instances]
        sentences.append(Sentence(task.phrase, picture.split, tuple(dict.fromkeys(keys)), task.number))
        for key, polygons in zip(keys, task.instances, strict=True):
            try:
                mask = phrase_mask(polygons, picture.height, picture.width)
            except DatasetError:
                writer.count("objects left out: damaged mask")
                continue
            objects[key] = Object(task.category, mask)
    found = [sentence for sentence in sentences if sentence.targets]
    if len(found) < len(sentences):
        writer.count("sentences left out: without a region", len(sentences) - len(found))
    write_picture(
        writer,
        picture.file,
        objects,
        found,
        scene=f"Visual Genome {picture.image_id}",
        source="phrasecut",
        size=(picture.height, picture.width),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = where("phrasecut")
    parser.add_argument("--annotations", type=Path, required=True, help="folder of refer_<split>.json")
    parser.add_argument("--images", type=Path, nargs="+", required=True, help="folders of Visual Genome's images")
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS, help="splits (default: all)")
    add_build_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status."""
    pictures = read_pictures(args.annotations, args.images, args.splits)
    categories = sorted({task.category for picture in pictures for task in picture.tasks})
    published = Published("phrasecut", pictures, write, categories, {"splits": list(args.splits)})
    return build_published(published, args.out, args.workers)
