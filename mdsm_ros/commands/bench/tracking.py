"""What carrying a mask to the next image costs, against the optical flow call in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import BagError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.tracking.flow import reduced
from mdsm_ros.inference.tracking.flow_carrier import FlowCarrier
from mdsm_ros.inference.tracking.tracker import Tracker
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.replay.frames import FrameReader, choose_topics

T = TypeVar("T")
IMAGES = 100
ANSWER_EVERY = 8  # images: half a second at 15 Hz


def tracking_table(path: Path) -> str:
    """Markdown: CPU time of the flow call alone and of the tracker, on the first images of a recording.

    Each answer is the recording's true mask, so that there is always one to carry.

    Raises:
        BagError: It is no readable bag, or has no true mask of an object.
    """
    tracker, flow = Tracker(FlowCarrier()), cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    alone: list[float] = []
    whole: list[float] = []
    before: NDArray[np.uint8] | None = None
    with Bag(path) as bag:
        for frame in FrameReader(bag, choose_topics(bag)).frames(lambda number: number < IMAGES):
            if frame.number >= IMAGES:
                break
            if frame.image is None or frame.truth is None:
                continue
            image, gray = frame.image, reduced(frame.image)
            if before is not None and before.shape == gray.shape:
                alone.append(_timed(partial(flow.calc, gray, before, None))[0])
            before = gray
            seconds, tracked = _timed(partial(tracker.advance, frame.stamp, image))
            if tracked is not None:
                whole.append(seconds)
            if frame.number % ANSWER_EVERY == 0:
                tracker.answer(frame.stamp, image, _answer(frame.truth))
    if not alone or not whole:
        raise BagError(f"bag {str(path)!r} has no image of an object with its true mask, expected some")
    lines = [
        f"tracking, bag {path.name}, {len(whole)} masks",
        "",
        "| | CPU time p50 (ms) | by the flow call |",
        "|---" * 3 + "|",
        f"| optical flow call alone | {1000 * median(alone):.1f} | 1.00 |",
        f"| tracker | {1000 * median(whole):.1f} | {median(whole) / median(alone):.2f} |",
    ]
    return "\n".join(lines)


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of this thread, and the result."""
    begun = time.thread_time()
    result = call()
    return time.thread_time() - begun, result


def _answer(mask: NDArray[np.bool_]) -> Segmentation:
    return Segmentation(mask, mask.astype(np.float32), None, 1.0, bool(mask.any()), "refined", {})
