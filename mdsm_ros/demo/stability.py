"""How steady masks are on a recording, each refinement starting anew or from the mask of the frame before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

import numpy as np

from mdsm_ros.bags import Bag
from mdsm_ros.demo.messages import Frame
from mdsm_ros.demo.recording import RecordingSource
from mdsm_ros.metrics import iou
from mdsm_ros.ros.conversions import compressed_image_to_rgb, image_to_rgb
from mdsm_ros.segmenter import Segmenter


@dataclass
class Steadiness:
    """What was measured on a recording.

    Attributes:
        between: IoU of the masks of each two frames in a row, under the same instruction; 1 where both are empty.
        truth: IoU with the recorded mask, where the target is in view.
        seconds: of the model, per frame.
    """

    between: list[float] = field(default_factory=list)
    truth: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def images(source: RecordingSource) -> Iterator[tuple[Frame, np.ndarray]]:
    """The frames of a recording with their pixels, uint8 (H, W, 3) RGB."""
    with Bag(source.path) as bag:
        to_rgb = (
            compressed_image_to_rgb if source.topics[source.image_topic].endswith("CompressedImage") else image_to_rgb
        )
        frames = (message.frame for message in source.messages(0) if message.frame is not None)
        for frame, message in zip(frames, bag.messages([source.image_topic]), strict=True):
            yield frame, to_rgb(bag.decode(message))


def measure(segmenter: Segmenter, source: RecordingSource) -> Steadiness:
    """Answers every frame of a recording in turn."""
    result = Steadiness()
    last: tuple[int, np.ndarray] | None = None
    for frame, image in images(source):
        if frame.instruction < 0:
            continue
        answer = segmenter.segment(image, source.instructions[frame.instruction])
        result.seconds.append(answer.timings["total"])
        truth = source.truth(frame)
        if truth is not None and truth.any():
            result.truth.append(iou(answer.mask, truth))
        if last is not None and last[0] == frame.instruction:
            empty = not (answer.mask.any() or last[1].any())
            result.between.append(1.0 if empty else iou(answer.mask, last[1]))
        last = frame.instruction, answer.mask
    return result


def stability_table(segmenter: Segmenter, path: Path) -> str:
    """Markdown: without and with ``warm_start``.

    Raises:
        BagError: it is no readable bag, or lacks images or instructions.
    """
    source = RecordingSource(path)
    lines = [
        f"{segmenter.name} on {segmenter.device}, bag {path.name}",
        "",
        "| refinement starts from | frames | IoU from frame to frame | mIoU with the truth | p50 (ms) |",
        "|---" * 5 + "|",
    ]
    for name, warm in (("the initial mask", False), ("the mask of the frame before", True)):
        segmenter.warm_start = warm
        found = measure(segmenter, source)
        cells = [f"{fmean(values):.3f}" if values else "" for values in (found.between, found.truth)]
        lines.append(f"| {name} | {len(found.seconds)} | {' | '.join(cells)} | {1000 * median(found.seconds):.0f} |")
    return "\n".join(lines)
