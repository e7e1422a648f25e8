"""``mdsm-data bag-labels``: from images of a recording, and masks drawn for them, to labels for ``mdsm replay``.

Run it, draw a mask for as many images as you like, and run it again: it writes ``images/STAMP.jpg`` and what was asked
for in each (``images.csv``), and makes labels of the masks it finds as ``masks/STAMP.png``, black where the target is
not. An image without a mask has no label; a black mask says that the target is not in view.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.arguments import count
from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import BagError, DatasetError, ImageError, InstructionError, ReplayError
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.replay.frames import FrameReader, choose_topics
from training.datasets.text import count_expressions

CATEGORY = "target"
SOURCE = "bag-labels"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("bag", type=Path, help="rosbag2 folder, .mcap or .db3 file")
    parser.add_argument("--out", type=Path, required=True, help="folder of the labels")
    parser.add_argument("--every", type=count, default=25, help="export every N-th image (default: %(default)s)")
    parser.add_argument("--image", metavar="TOPIC", help="topic of the camera (default: the only image topic)")
    said = parser.add_mutually_exclusive_group()
    said.add_argument(
        "--instruction-topic", metavar="TOPIC", help="topic of the instructions (default: the only String topic)"
    )
    said.add_argument(
        "--instruction", metavar="TEXT", help="instruction for the whole recording, instead of the recorded ones"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the labels; returns the exit status.

    Raises:
        DatasetError: The recording, an option, a mask or the folder cannot be used.
    """
    if (args.out / ANNOTATIONS_FILE).exists() and Dataset(args.out).info.get("source") != SOURCE:
        raise DatasetError(f"{args.out} holds a dataset of another origin, expected a new folder")
    try:
        said = None if args.instruction is None else validate_instruction(args.instruction)
        with Bag(args.bag, salvage=True) as bag:
            topics = choose_topics(
                bag, image=args.image, instruction=args.instruction_topic, said=args.instruction is not None
            )
            reader = FrameReader(bag, replace(topics, truth=None), said)
            labelled, images = _write(args.out, reader, args.every)
    except (BagError, ImageError, InstructionError, ReplayError) as error:
        raise DatasetError(str(error)) from error
    print(f"{images} images in {args.out / 'images'}, {labelled} of them with a mask in {args.out / 'masks'}")
    strangers = len(list((args.out / "masks").glob("*"))) - labelled
    if strangers:
        print(f"{strangers} files in {args.out / 'masks'} are named like none of these images")
    for fault, number in reader.faults.items():
        print(f"{fault}: {number}")
    return 0


def _write(out: Path, reader: FrameReader, every: int) -> tuple[int, int]:
    """Writes images and labels; returns the numbers of labels and of images."""
    rows: dict[int, tuple[str, str]] = {}  # by stamp, which can repeat in a recording that jumps back
    labelled = 0
    (out / "masks").mkdir(parents=True, exist_ok=True)
    with DatasetWriter(out, [CATEGORY], info={"source": SOURCE, "bag": reader.bag.path.name}) as writer:
        for frame in reader.frames(lambda number: number % every == 0):
            if frame.image is None or not frame.instruction or frame.stamp in rows:
                continue
            rows[frame.stamp] = (f"{frame.stamp}.jpg", frame.instruction)
            image_id = writer.add_image(frame.image, name=str(frame.stamp))
            drawn = out / "masks" / f"{frame.stamp}.png"
            if drawn.exists():
                _label(writer, image_id, frame.instruction, _read_mask(drawn, frame.image.shape[:2]))
                labelled += 1
    with (out / "images.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "instruction"), *rows.values()])
    return labelled, len(rows)


def _read_mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = read_picture(path).max(axis=2) > 0
    if mask.shape != shape:
        (height, width), (rows, columns) = mask.shape, shape
        raise DatasetError(f"{path} is {width}x{height} pixels, expected those of its image, {columns}x{rows}")
    return mask


def _label(writer: DatasetWriter, image_id: int, text: str, mask: NDArray[np.bool_]) -> None:
    ids = [writer.add_annotation(image_id, CATEGORY, mask)] if mask.any() else []
    writer.add_instruction(
        image_id,
        ids,
        text,
        split="test",
        source="bag-labels",
        expressions=count_expressions(text),
        distractors=0,  # unknown: they were not counted
    )
