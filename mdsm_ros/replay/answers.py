"""A model's answers to every frame of a recording, stored line by line."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from mdsm_ros.dataset.metrics import intersection_union, iou
from mdsm_ros.errors import AnswerError, ImageError
from mdsm_ros.files import to_json
from mdsm_ros.inference.answer import Stage
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.recordings.rle import encode
from mdsm_ros.replay.frames import ReplayFrame

if TYPE_CHECKING:
    from mdsm_ros.segmenter import Segmenter

FINAL_FIRST: tuple[Stage, ...] = ("refined", "tracked", "initial")  # by what counts as the mask of an image


@dataclass(frozen=True)
class FrameAnswer:
    """A frame and its answers, as JSON-compatible values.

    Attributes:
        number, stamp, recorded, instruction: Fields of the frame.
        fault: Reason why there is no answer, or None.
        masks: COCO run-length encoding of the mask, by stage.
        seconds: Seconds until the mask, by stage.
        score, present: Score and presence of the answer.
        in_view: Whether the target is in view by the ground truth; None if unknown.
        counts: Intersection and union with the ground truth in pixels, by stage, if known.
        latency: Seconds from sending the image to receiving the last mask; None if no image was sent.
        steady: IoU with the mask of the previous frame for the same instruction; 1 if both are empty.
    """

    number: int
    stamp: int
    recorded: int
    instruction: str
    fault: str | None = None
    masks: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    score: float = 0.0
    present: bool = False
    in_view: bool | None = None
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    latency: float | None = None
    steady: float | None = None

    @property
    def stage(self) -> str:
        """The stage of the last answer; "" if there is none."""
        return next((stage for stage in FINAL_FIRST if stage in self.masks), "")

    def mask(self, stage: str) -> NDArray[np.bool_]:
        """The mask (H, W) of a stage."""
        code = self.masks[stage]
        pixels = coco_mask.decode({"size": code["size"], "counts": code["counts"].encode()})
        mask: NDArray[np.bool_] = pixels.astype(bool)
        return mask

    def iou(self, stage: str) -> float | None:
        """The IoU with the ground truth; None if it is unknown or the target is not in view."""
        if not self.in_view or stage not in self.counts:
            return None
        intersection, union = self.counts[stage]
        return intersection / union if union else 0.0


def answer_frame(
    segmenter: Segmenter, settings: InferenceSettings, frame: ReplayFrame, before: FrameAnswer | None
) -> FrameAnswer:
    """Runs a model on one frame; ``before`` is the answer to the previous frame."""
    about = {key: getattr(frame, key) for key in ("number", "stamp", "recorded", "instruction")}
    if frame.image is None or not frame.instruction:
        return FrameAnswer(**about, fault=frame.fault or "no instruction yet")
    try:
        answers = list(segmenter.stream(frame.image, frame.instruction, settings))
    except (AnswerError, ImageError) as error:
        return FrameAnswer(**about, fault=str(error))
    last, truth = answers[-1], frame.truth
    answer = FrameAnswer(
        **about,
        masks={answer.stage: encode(answer.mask) for answer in answers},
        seconds={answer.stage: answer.timings["total"] for answer in answers},
        score=last.score,
        present=last.present,
        in_view=None if truth is None else bool(truth.any()),
        counts={} if truth is None else {answer.stage: intersection_union(answer.mask, truth) for answer in answers},
    )
    return replace(answer, steady=steadiness(answer, before))


def steadiness(answer: FrameAnswer, before: FrameAnswer | None) -> float | None:
    """The IoU of the last masks of two consecutive frames; None if instruction or size differ."""
    if before is None or not before.stage or before.instruction != answer.instruction:
        return None
    mask, earlier = answer.mask(answer.stage), before.mask(before.stage)
    if mask.shape != earlier.shape:
        return None
    return iou(mask, earlier) if mask.any() or earlier.any() else 1.0


def read_answers(path: Path) -> Iterator[FrameAnswer]:
    """The stored answers of a run, finished or not; an incomplete last line is ignored."""
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield _from_json(line)


def last_answer(path: Path) -> FrameAnswer | None:
    """The answer to the last frame that was answered, or None."""
    last = deque(read_answers(path), maxlen=1)
    return last[0] if last else None


def _from_json(line: str) -> FrameAnswer:
    values = json.loads(line)
    values["counts"] = {stage: tuple(pair) for stage, pair in values["counts"].items()}
    return FrameAnswer(**values)


def cut_half_a_line(path: Path) -> None:
    """Removes an incomplete last line, left by a killed run."""
    if path.exists():
        with path.open("rb+") as file:
            file.truncate(sum(len(line) for line in file if line.endswith(b"\n")))


def write_answers(
    path: Path,
    segmenter: Segmenter,
    settings: InferenceSettings,
    frames: Iterable[ReplayFrame],
    before: FrameAnswer | None = None,
) -> Iterator[FrameAnswer]:
    """Answers frames one by one; each is on disk before the next one begins.

    Args:
        path: File to which the answers are appended.
        segmenter: Segmenter to evaluate.
        settings: Settings of all answers.
        frames: Frames without an answer.
        before: Last answer in the file, if any.
    """
    with path.open("a", encoding="utf-8") as file:
        for frame in frames:
            before = answer_frame(segmenter, settings, frame, before)
            file.write(to_json(asdict(before)) + "\n")
            file.flush()
            yield before
