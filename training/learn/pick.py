"""Selects frames to label: spread over time, and hard for the model."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

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
from mdsm_ros.recordings.notes import read_note
from mdsm_ros.segmenter import Segmenter
from training.learn.frames import Frames, Place, composed
from training.learn.options import CORRECTIONS

FRAMES_FILE = "frames.json"
IMAGES = "images"
ASKED = 4  # frames that the model answers for each selected one
QUALITY = 95  # JPEG quality


@dataclass(frozen=True)
class Frame:
    """A frame selected for labelling.

    Attributes:
        name: Stem of its image in ``frames/images``.
        instruction: Instruction when the frame was taken; "" if unknown.
        stop: Number of the run of consecutive frames with the same instruction; frames of one stop look alike.
        height, width: Size in pixels.
        score: Score of the model's answer, 0 to 1; None without an instruction.
        uncertainty: Mean of 4 p (1 - p) over the pixels of the answer, 0 to 1; None without an instruction.
        flip: 1 minus the IoU with the mask of the previous frame; None if no previous frame has this instruction.
        corrected: Whether a person said on the robot what the instruction means in the frame.
    """

    name: str
    instruction: str
    stop: int
    height: int
    width: int
    score: float | None = None
    uncertainty: float | None = None
    flip: float | None = None
    corrected: bool = False

    @property
    def hardness(self) -> float:
        """Hardness, higher for a low score, high uncertainty, and a changed mask."""
        return 0.0 if self.score is None else 1 - self.score + (self.uncertainty or 0.0) + (self.flip or 0.0)


Found = TypeVar("Found", Place, Frame)


def write_frames(folder: Path, frames: Frames, segmenter: Segmenter, most: int, among: Collection[str] | None) -> int:
    """Selects frames and writes their images, ``images.csv``, corrections and ``frames.json``; returns their number.

    Args:
        folder: Folder, written completely or not at all.
        frames: Available frames.
        segmenter: Model that answers the frames.
        most: Largest number of frames.
        among: Composed names of the frames to select from, because they have labels; None: all.

    Raises:
        DatasetError: No frame can be used.
        OSError: The folder cannot be written.
    """
    places = [place for place in frames.places() if among is None or composed(place.name) in among]
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
        (partial / CORRECTIONS).mkdir()
        notes = {place.name: place.note for place in places}
        for frame in picked:
            if frame.corrected:
                write_json(note_path(partial, frame.name), notes[frame.name].content())
        write_json(partial / FRAMES_FILE, [asdict(frame) for frame in picked], indent=1)
    return len(picked)


def read_frames(folder: Path) -> list[Frame]:
    """Reads the selected frames, in the order in which they were taken.

    Raises:
        DatasetError: The frames are missing or damaged.
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


def note_path(folder: Path, name: str) -> Path:
    """Returns the path of the note of a selected frame; there is none if nobody corrected it."""
    return folder / CORRECTIONS / f"{name}.json"


def read_correction(folder: Path, frame: Frame) -> NDArray[np.bool_] | None:
    """Reads the mask that a person chose on the robot, bool (H, W), empty for none of the objects; None: nobody did.

    Args:
        folder: Folder that :func:`write_frames` wrote.
        frame: One of its frames.
    """
    return read_note(note_path(folder, frame.name)).chosen(frame.instruction, (frame.height, frame.width))


def spread(places: Sequence[Place], most: int) -> list[Place]:
    """Returns at most ``most`` places: the corrected ones, and others, each evenly spaced from first to last."""
    return _corrected_first(places, most, _evenly)


def _corrected_first(
    found: Sequence[Found], most: int, select: Callable[[Sequence[Found], int], list[Found]]
) -> list[Found]:
    """Selects among the corrected frames, then among the others; returns at most ``most``, in the old order."""
    first: list[Found] = select([one for one in found if one.corrected], most)
    rest: list[Found] = select([one for one in found if not one.corrected], most - len(first))
    chosen = {one.name for one in [*first, *rest]}
    return [one for one in found if one.name in chosen]


def _evenly(places: Sequence[Place], most: int) -> list[Place]:
    if len(places) <= most:
        return list(places)
    return [places[round(i)] for i in np.linspace(0, len(places) - 1, most)]


def runs(values: Sequence[str]) -> list[int]:
    """Returns the number of the run of equal values for each value, from 0; each "" is a separate run."""
    found: list[int] = []
    for i, value in enumerate(values):
        found.append(0 if i == 0 else found[-1] + (not value or value != values[i - 1]))
    return found


def choose(frames: Sequence[Frame], most: int) -> list[Frame]:
    """Returns the corrected frames, and of the others the hardest of each stretch of equal length; at most ``most``."""
    return _corrected_first(frames, most, _hardest)


def _hardest(frames: Sequence[Frame], most: int) -> list[Frame]:
    edges = np.linspace(0, len(frames), min(most, len(frames)) + 1).round().astype(int)
    stretches = (frames[low:high] for low, high in pairwise(edges))
    return [max(stretch, key=lambda frame: frame.hardness) for stretch in stretches]


def _judge(segmenter: Segmenter, frames: Frames, places: Sequence[Place], stops: dict[str, int]) -> Iterator[Frame]:
    """Yields the readable frames, rated by the model's initial answer."""
    said = {place.name: place.instruction for place in places}
    corrected = {place.name for place in places if place.corrected}
    before: tuple[int, NDArray[np.bool_]] | None = None
    for name, image in tqdm(frames.images(said), total=len(said), desc="picking", unit="frame", disable=None):
        frame = Frame(name, said[name], stops[name], image.shape[0], image.shape[1], corrected=name in corrected)
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
        yield replace(
            frame,
            score=round(answer.score, 4),
            uncertainty=round(_uncertainty(answer), 4),
            flip=None if flip is None else round(flip, 4),
        )


def _uncertainty(answer: Segmentation) -> float:
    p = answer.probability.astype(np.float64)
    return float((4 * p * (1 - p)).sum() / max(1.0, np.maximum(p, 4 * p * (1 - p)).sum()))


def _flip(before: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    return 1 - iou(before, mask) if before.any() or mask.any() else 0.0
