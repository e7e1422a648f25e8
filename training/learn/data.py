"""Makes the data for training and evaluation: labels split by time, augmented views, and rehearsal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import link_or_copy, whole_folder, write_json
from mdsm_ros.foreign import read_json
from training.augment.command import make_views
from training.datasets.merge import merge_datasets
from training.learn.pick import Frame
from training.learn.rehearsal import write_rehearsal

LAB, REHEARSAL = "lab", "rehearsal"  # datasets, also the sources of instructions in the mixture
TRAIN = "train"  # the dataset to train on
VIEWS, SENTENCES = 6, 10  # augmented views of each frame, and instructions for each
VALIDATION = 0.15  # fraction of the frames that are not held out
LEAST_VALIDATED = 12  # least number of frames not held out from which some are reserved for the calibration


@dataclass(frozen=True)
class Mixing:
    """Settings of the data.

    Attributes:
        held_out: Fraction of the frames for evaluation.
        side: Side of the model's input, pixels.
        mix: Dataset for rehearsal; None: a stand-in is made.
        seed: Random seed.
    """

    held_out: float
    side: int
    mix: Path | None
    seed: int


def write_data(folder: Path, labels: Path, frames: Sequence[Frame], mixing: Mixing) -> dict[str, int]:
    """Writes the datasets "lab" (all labels, split by time), "rehearsal", and "train" to learn from.

    Returns:
        Number of frames in each split, and of images and instructions for training.

    Raises:
        DatasetError: The labels leave nothing for training or evaluation, or the mixture cannot be read.
        OSError: The folder cannot be written.
    """
    with whole_folder(folder) as partial:
        splits = _write_lab(partial / LAB, labels, frames, mixing.held_out)
        recipe = {"split": "train", "views": VIEWS, "sentences": SENTENCES, "size": mixing.side, "seed": mixing.seed}
        make_views(partial / LAB, partial / "views", recipe)
        rehearsed = write_rehearsal(partial / REHEARSAL, mixing.mix, mixing.side, mixing.seed)
        images, instructions = merge_datasets([partial / "views", partial / REHEARSAL], partial / TRAIN)
    counts = Counter(splits.values())
    return {
        "frames to learn from": counts["train"],
        "frames to calibrate on": counts["val"],
        "frames to measure on": counts["test"],
        "images with views and rehearsal": images,
        "instructions": instructions,
        "images of the rehearsal": rehearsed,
    }


def split_by_time(frames: Sequence[Frame], held_out: float) -> dict[str, str]:
    """The split of each frame by its name: "train" is the beginning of the recording, "val" follows, "test" is the end.

    With more than one stop, the cuts are between stops, because frames of one stop look alike.

    Args:
        frames: Frames with labels, in the order in which they were taken.
        held_out: Least fraction of the frames in "test".

    Raises:
        DatasetError: Nothing would be left for training.
    """
    test = _end(frames, held_out)
    rest = frames[: len(frames) - test]
    val = _end(rest, VALIDATION) if len(rest) >= LEAST_VALIDATED else 0
    if not len(rest) - val:
        raise DatasetError(f"held-out is {held_out:g}, which leaves none of {len(frames)} frames to learn from")
    names = ["train"] * (len(rest) - val) + ["val"] * val + ["test"] * test
    return {frame.name: name for frame, name in zip(frames, names, strict=True)}


def _end(frames: Sequence[Frame], fraction: float) -> int:
    """Counts the last frames that make up at least this fraction; whole stops if that leaves half of the frames."""
    number = max(1, round(fraction * len(frames)))
    whole = number
    while whole < len(frames) and frames[-whole].stop == frames[-whole - 1].stop:
        whole += 1
    return whole if whole <= len(frames) / 2 else number


def _write_lab(folder: Path, labels: Path, frames: Sequence[Frame], held_out: float) -> dict[str, str]:
    content = read_json(labels / ANNOTATIONS_FILE, DatasetError, "labels")
    name_of = {record["id"]: record["scene"] for record in content["images"]}
    labelled = set(name_of.values())
    splits = split_by_time([frame for frame in frames if frame.name in labelled], held_out)
    instructions = [
        record | {"split": splits[name_of[record["image_id"]]], "source": LAB} for record in content["instructions"]
    ]
    (folder / "images").mkdir(parents=True)
    for record in content["images"]:
        link_or_copy(labels / record["file_name"], folder / record["file_name"])
    write_json(folder / ANNOTATIONS_FILE, {**content, "instructions": instructions})
    _expect_targets(Dataset(folder))
    return splits


def _expect_targets(data: Dataset) -> None:
    seen = Counter(instruction.split for instruction in data.instructions if instruction.annotation_ids)
    words: Mapping[str, str] = {"train": "to learn from", "test": "to measure on"}
    for split, purpose in words.items():
        if not seen[split]:
            raise DatasetError(f"labels show 0 targets in the frames {purpose}, expected at least one")
