"""Which frames are worth a label: spread in time, and those that the model finds hardest."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from mdsm_ros.dataset.listed import LIST_FILE
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.errors import AnswerError, DatasetError
from mdsm_ros.files import whole_folder, write_json
from mdsm_ros.foreign import check_keys, read_json
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.segmenter import Segmenter
from training.learn.frames import Frames, Place

FRAMES_FILE = "frames.json"
IMAGES = "images"
ASKED = 4  # frames that the model answers, for each one that is picked
QUALITY = 95  # of JPEG


@dataclass(frozen=True)
class Frame:
    """A frame that is worth a label.

    Attributes:
        name: Stem of its image in ``frames/images``.
        instruction: In force when it was taken; "" where that is not known.
        stop: Number of the run of frames under the same instruction; frames of one stop look alike.
        height, width: Size in pixels.
        score: Of the model's answer, 0 to 1; None where there was no instruction.
        uncertainty: Mean of 4 p (1 - p) over the pixels that the answer is about, 0 to 1; None likewise.
        flip: 1 minus the IoU with the mask of the frame before; None where there is none under this instruction.
    """

    name: str
    instruction: str
    stop: int
    height: int
    width: int
    score: float | None = None
    uncertainty: float | None = None
    flip: float | None = None

    @property
    def hardness(self) -> float:
        """Higher for frames that say more: a low score, much uncertainty, a flip."""
        return 0.0 if self.score is None else 1 - self.score + (self.uncertainty or 0.0) + (self.flip or 0.0)


def write_frames(folder: Path, frames: Frames, segmenter: Segmenter, most: int, among: Collection[str] | None) -> int:
    """Picks frames and writes their images, ``images.csv`` and ``frames.json``; returns their number.

    Args:
        folder: Folder to write, whole or not at all.
        frames: Frames to pick from.
        segmenter: Model that answers them.
        most: Most frames.
        among: Names of the frames that may be picked, those that have labels; None: all.

    Raises:
        DatasetError: Not one frame can be used.
        OSError: The folder cannot be written.
    """
    places = [place for place in frames.places() if among is None or place.name in among]
    if not places:
        labelled = "" if among is None else ", among the labelled ones,"
        raise DatasetError(f"{frames.mark} holds 0 frames{labelled} expected at least one")
    asked = spread(places, ASKED * most)
    stops = dict(zip((place.name for place in places), runs([place.instruction for place in places]), strict=True))
    picked = choose(list(_judge(segmenter, frames, asked, stops)), most)
    if not picked:
        raise DatasetError(f"{frames.mark} holds no frame that can be read")
    with whole_folder(folder) as partial:
        (partial / IMAGES).mkdir()
        for name, image in frames.images({frame.name for frame in picked}):
            Image.fromarray(image).save(partial / IMAGES / f"{name}.jpg", quality=QUALITY)
        with (partial / IMAGES / LIST_FILE).open("w", encoding="utf-8", newline="") as file:
            rows = [(f"{frame.name}.jpg", frame.instruction) for frame in picked]
            csv.writer(file).writerows([("image", "instruction"), *rows])
        write_json(partial / FRAMES_FILE, [asdict(frame) for frame in picked], indent=1)
    return len(picked)


def read_frames(folder: Path) -> list[Frame]:
    """The frames that were picked, in the order in which they were taken.

    Raises:
        DatasetError: They are missing or damaged.
    """
    path = folder / FRAMES_FILE
    records = read_json(path, DatasetError, "the frames that were picked")
    if not isinstance(records, list):
        raise DatasetError(f"{path} holds {type(records).__name__}, expected a list")
    names = ("name", "instruction", "stop", "height", "width")
    try:
        return [Frame(**check_keys(record, names, str(path), DatasetError)) for record in records]
    except TypeError as error:
        raise DatasetError(f"{path}: {error}") from error


def spread(places: Sequence[Place], most: int) -> list[Place]:
    """At most so many, evenly from first to last."""
    if len(places) <= most:
        return list(places)
    return [places[round(i)] for i in np.linspace(0, len(places) - 1, most)]


def runs(values: Sequence[str]) -> list[int]:
    """The number of the run of equal values that each belongs to, from 0; "" is a run of its own."""
    found: list[int] = []
    for i, value in enumerate(values):
        found.append(0 if i == 0 else found[-1] + (not value or value != values[i - 1]))
    return found


def choose(frames: Sequence[Frame], most: int) -> list[Frame]:
    """The hardest frame of each of ``most`` stretches of equal length."""
    edges = np.linspace(0, len(frames), min(most, len(frames)) + 1).round().astype(int)
    stretches = (frames[low:high] for low, high in pairwise(edges))
    return [max(stretch, key=lambda frame: frame.hardness) for stretch in stretches]


def _judge(segmenter: Segmenter, frames: Frames, places: Sequence[Place], stops: dict[str, int]) -> Iterator[Frame]:
    """The frames that can be read, with what the model's initial answer says of them."""
    said = {place.name: place.instruction for place in places}
    before: tuple[int, NDArray[np.bool_]] | None = None
    for name, image in tqdm(frames.images(said), total=len(said), desc="picking", unit="frame", disable=None):
        frame = Frame(name, said[name], stops[name], *image.shape[:2])
        if not frame.instruction:
            yield frame
            continue
        try:
            answer = segmenter.segment(image, frame.instruction, num_inference_steps=0)
        except AnswerError:
            continue
        same = before is not None and before[0] == frame.stop and before[1].shape == answer.mask.shape
        flip = _flip(before[1], answer.mask) if before is not None and same else None
        before = (frame.stop, answer.mask)
        yield Frame(
            **{name: getattr(frame, name) for name in ("name", "instruction", "stop", "height", "width")},
            score=round(answer.score, 4),
            uncertainty=round(_uncertainty(answer), 4),
            flip=None if flip is None else round(flip, 4),
        )


def _uncertainty(answer: Segmentation) -> float:
    p = answer.probability.astype(np.float64)
    return float((4 * p * (1 - p)).sum() / max(1.0, np.maximum(p, 4 * p * (1 - p)).sum()))


def _flip(before: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    return 1 - iou(before, mask) if before.any() or mask.any() else 0.0
