"""Comparison of the node's answers with the ground truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean, median

import numpy as np

from mdsm_ros.dataset.metrics import iou
from mdsm_ros.inference.answer import Stage
from mdsm_ros.recordings.exchange import Frame, Replay, Source, Status

REQUIRED_SHARE = 0.95  # fraction of the instructions that must be answered
FOUND_IOU = 0.5  # lowest IoU of a mask that counts as found


@dataclass
class Row:
    """One instruction of a replay."""

    instruction: str
    frames: int = 0  # images sent while it was current
    answers: int = 0  # final ones
    present: int = 0  # final answers that say that the target is in view
    masks: int = 0  # final answers with a mask that is not empty
    judged: int = 0  # answered frames with known ground truth
    in_view: int = 0  # of these, frames that show the target
    found: int = 0  # of these, final masks whose IoU with the truth is FOUND_IOU or more
    false_masks: int = 0  # judged frames that do not show the target, and have a mask all the same
    latencies: list[float] = field(default_factory=list)  # s from sending the image to receiving the final answer
    iou: dict[str, list[float]] = field(default_factory=dict)  # by stage, targets in view only

    @property
    def latency(self) -> float | None:
        """Median in seconds."""
        return median(self.latencies) if self.latencies else None

    def mean_iou(self, stage: str) -> float | None:
        """The mean over the answered frames that show the target."""
        return fmean(self.iou[stage]) if self.iou.get(stage) else None


@dataclass(frozen=True)
class Score:
    """A replay as a whole."""

    rows: list[Row]
    frames: int
    answered_frames: int
    inference: float  # s, the longest
    age: float  # s, of the oldest frame when the model took it
    faults: list[str]  # faults; empty if there are none

    @property
    def answered(self) -> int:
        """Instructions with at least one final answer."""
        return sum(row.answers > 0 for row in self.rows)


def score_replay(source: Source, replay: Replay) -> Score:
    """Judges every answer; pairs masks and statuses by stamp, stage and order of arrival."""
    rows = [Row(text) for text in source.instructions]
    for frame in replay.frames.values():
        if frame.instruction >= 0:
            rows[frame.instruction].frames += 1
    final = final_stage(replay)
    for frame, status, mask in _pairs(replay):
        row = rows[frame.instruction]
        if status.instruction != row.instruction:
            continue  # the newest frame, already there when the next instruction came
        if status.stage == final:
            row.answers += 1
            row.present += status.present
            row.masks += bool(mask.any())
            row.latencies.append(status.latency)
        truth = source.truth(frame)
        if truth is None:
            continue
        if truth.any():
            row.iou.setdefault(status.stage, []).append(iou(mask, truth))
        if status.stage == final:
            row.judged += 1
            row.in_view += bool(truth.any())
            row.found += bool(truth.any()) and iou(mask, truth) >= FOUND_IOU
            row.false_masks += bool(mask.any()) and not truth.any()
    finals = [status for status in replay.statuses if status.stage == final]
    score = Score(
        rows,
        frames=len(replay.frames),
        answered_frames=len({status.stamp for status in finals}),
        inference=max((status.seconds for status in finals), default=0.0),
        age=max((status.age for status in finals), default=0.0),
        faults=list(_faults(replay)),
    )
    share = score.answered / max(len(rows), 1)
    if share < REQUIRED_SHARE:
        score.faults.append(f"only {score.answered} of {len(rows)} instructions were answered")
    return score


def final_stage(replay: Replay) -> Stage:
    """The stage of final answers: "initial" if refinement is switched off."""
    return "refined" if any(status.stage == "refined" for status in replay.statuses) else "initial"


def _pairs(replay: Replay) -> Iterator[tuple[Frame, Status, np.ndarray]]:
    final = final_stage(replay)
    waiting: dict[tuple[str, int], list[np.ndarray]] = defaultdict(list)
    for kind, masks in replay.masks.items():
        for mask in masks:
            waiting[kind, mask.stamp].append(mask.mask)
    for status in replay.statuses:
        candidates = waiting["final" if status.stage == final else "initial", status.stamp]
        frame = replay.frames.get(status.stamp)
        if status.error is None and candidates and frame is not None and frame.instruction >= 0:
            yield frame, status, candidates.pop(0)


def _faults(replay: Replay) -> Iterator[str]:
    for status in replay.statuses:
        if status.error is not None:
            yield f"the node reports an error: {status.error}"
    for kind, masks in replay.masks.items():
        for mask in masks:
            frame = replay.frames.get(mask.stamp)
            if frame is None:
                yield f"the {kind} mask of stamp {mask.stamp} belongs to no image that was sent"
            elif mask.frame_id != frame.frame_id:
                where = f"the {kind} mask of stamp {mask.stamp}"
                yield f"{where} has frame_id {mask.frame_id!r}, its image {frame.frame_id!r}"
