"""Metrics of a replay, with and without ground truth."""

from __future__ import annotations

from collections import Counter

import numpy as np

from mdsm_ros.dataset.metrics import Figures, summarize
from mdsm_ros.replay.answers import FrameAnswer


class Tally:
    """The data of the answers needed for the metrics; small, so that an hour of video fits into memory."""

    def __init__(self) -> None:
        self.frames = 0
        self.faults: Counter[str] = Counter()  # frames without an answer, by reason
        self.answered = 0
        self.present = 0
        self.counts: dict[str, list[tuple[int, int]]] = {}
        self.rejected: list[bool] = []  # of frames without the target
        self.accepted: list[bool] = []  # of frames with it
        self.seconds: dict[str, list[float]] = {}
        self.steady: list[float] = []
        self.latencies: list[float] = []

    def add(self, answer: FrameAnswer) -> None:
        """Counts one answer."""
        self.frames += 1
        if answer.fault is not None:
            field, wrong, _ = answer.fault.partition(" is ")  # "image data is 12 bytes long, expected ..."
            self.faults[f"{field} cannot be used" if wrong else field] += 1
            return
        self.answered += 1
        self.present += answer.present
        for stage, value in answer.seconds.items():
            self.seconds.setdefault(stage, []).append(value)
        if answer.steady is not None:
            self.steady.append(answer.steady)
        if answer.latency is not None:
            self.latencies.append(answer.latency)
        if answer.in_view:
            self.accepted.append(answer.present)
            for stage, pair in answer.counts.items():
                self.counts.setdefault(stage, []).append(pair)
        elif answer.in_view is not None:
            self.rejected.append(not answer.present)

    def figures(self) -> Figures:
        """The metrics of all answers."""
        result: Figures = {"frames": self.frames, "answered": self.answered}
        if self.answered:
            result["said to be in view"] = self.present / self.answered
        for name, values in (("target accuracy", self.accepted), ("no-target accuracy", self.rejected)):
            if values:
                result[name] = float(np.mean(values))
        if self.steady:
            result["IoU from frame to frame"] = float(np.mean(self.steady))
        if self.latencies:
            result |= {f"latency p{q} seconds": float(np.percentile(self.latencies, q)) for q in (50, 95)}
        return result

    def stages(self) -> dict[str, Figures]:
        """Metrics and times of each stage's masks."""
        result: dict[str, Figures] = {}
        for stage, seconds in self.seconds.items():
            result[stage] = summarize(self.counts.get(stage, []))
            result[stage] |= {f"p{q} seconds": float(np.percentile(seconds, q)) for q in (50, 95)}
        return result

    def short(self) -> Figures:
        """The metrics that differ between instructions."""
        stages = self.stages()
        ious = {f"{stage} mIoU": figures["mIoU"] for stage, figures in stages.items() if "mIoU" in figures}
        return self.figures() | ious
