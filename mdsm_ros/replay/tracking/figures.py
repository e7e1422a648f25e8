"""Metrics of masks that were carried between answers, beside those of answering every image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.metrics import Figures, iou
from mdsm_ros.replay.tracking.paced import PacedFrame


def tracking_figures(
    frames: Iterable[PacedFrame], seconds: float, video_model: str = ""
) -> tuple[dict[str, Figures], dict[str, int]]:
    """Two rows of metrics, and how often a mask was given up, by reason.

    Args:
        frames: Images with what the node publishes for them.
        seconds: Time that the model takes for an answer.
        video_model: Name of the video model that carried the masks; "" for optical flow.
    """
    every, tracked, drops = _Row(), _Row(), Counter[str]()
    for record in frames:
        every.add(record, record.own, waiting=False)
        tracked.add(record, record.published, waiting=record.waiting)
        if record.dropped is not None:
            drops[record.dropped] += 1
    by = f" by {video_model}" if video_model else ""
    name = f"an answer every {seconds:g} s, tracked between{by}"
    rows = {"every image answered": every.figures(), name: tracked.figures(costs=True)}
    return rows, {f"{reason}{by and f',{by}'}": count for reason, count in drops.items()}


class _Row:
    """The masks of a recording, made in one way."""

    def __init__(self) -> None:
        self._shown: list[float] = []  # IoU of the images that show the target, 0 without a mask
        self._masked: list[bool] = []  # whether they have one
        self._waiting: list[bool] = []  # whether they came before the first answer to their instruction
        self._own: list[float] = []  # IoU with the image's own answer, where both are there
        self._steady: list[float] = []
        self._beside = 0
        self._seconds: list[float] = []
        self._before: tuple[str, NDArray[np.bool_]] | None = None

    def add(self, record: PacedFrame, mask: NDArray[np.bool_] | None, *, waiting: bool) -> None:
        """Counts an image and its mask, if it has one."""
        self._seconds.append(record.seconds)
        truth, instruction, before = record.frame.truth, record.frame.instruction, self._before
        self._before = None if mask is None else (instruction, mask)
        if truth is not None and truth.any():
            self._shown.append(0.0 if mask is None else iou(mask, truth))
            self._masked.append(mask is not None)
            self._waiting.append(waiting)
        if mask is None:
            return
        if truth is not None and mask.any() and not (mask & truth).any():
            self._beside += 1
        if mask.any() and record.own.any():
            self._own.append(iou(mask, record.own))
        if before is not None and before[0] == instruction and before[1].shape == mask.shape:
            self._steady.append(iou(mask, before[1]) if mask.any() or before[1].any() else 1.0)

    def figures(self, *, costs: bool = False) -> Figures:
        """The metrics; those that need the truth only where it is known."""
        result: Figures = {}
        if self._shown:
            shown, masked = np.array(self._shown), np.array(self._masked)
            answered = ~np.array(self._waiting)
            result |= {
                "images with the target": len(shown),
                "with a mask": float(masked.mean()),
                "with a mask after the first answer": float(masked[answered].mean()) if answered.any() else 0.0,
                "mIoU (no mask: 0)": float(shown.mean()),
            }
            if masked.any():
                result["mIoU of the masks"] = float(shown[masked].mean())
            result["masks beside the target"] = self._beside
        if self._own:
            result["IoU with the image's own answer"] = float(np.mean(self._own))
        if self._steady:
            result["IoU from frame to frame"] = float(np.mean(self._steady))
        if costs and self._seconds:
            result["tracker p50 CPU seconds"] = float(np.median(self._seconds))
        return result
