"""Simulates a model of a given speed with a tracker: the masks of ~/mask on a recording, without ROS."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.answer import Segmentation, Stage
from mdsm_ros.inference.tracking.tracker import Tracker
from mdsm_ros.replay.answers import FrameAnswer
from mdsm_ros.replay.frames import ReplayFrame


@dataclass
class PacedFrame:
    """An image, its own answer, and the mask that the node publishes for it.

    Attributes:
        frame: The image; its pixels are dropped.
        own: The mask of its own answer, bool (H, W).
        published: The mask on ~/mask, bool (H, W), or None.
        waiting: Whether no answer to its instruction existed yet.
        dropped: Why the mask was dropped on this image, or None.
        seconds: Time of the tracker.
    """

    frame: ReplayFrame
    own: NDArray[np.bool_]
    published: NDArray[np.bool_] | None
    waiting: bool
    dropped: str | None
    seconds: float


@dataclass(frozen=True)
class _Job:
    """An image that the model works on."""

    frame: ReplayFrame
    image: NDArray[np.uint8]
    answer: FrameAnswer
    ready: float  # ns, when the answer is there

    def segmentation(self) -> Segmentation:
        mask = self.answer.mask(self.answer.stage)
        stage: Stage = "refined" if self.answer.stage == "refined" else "initial"
        return Segmentation(mask, mask.astype(np.float32), None, self.answer.score, self.answer.present, stage, {})


class PacedNode:
    """Does what the node does with parameter track, where each answer takes the same time.

    The model takes the newest image whenever it is free, and a new instruction frees it. Every image goes to the
    tracker. An answer whose image is older than the newest mask corrects the tracker, but is not published.

    Args:
        seconds: Time that the model takes for an answer.
        tracker: What carries the masks.
    """

    def __init__(self, seconds: float, tracker: Tracker) -> None:
        self._period = seconds * 1e9
        self._tracker = tracker
        self._job: _Job | None = None
        self._newest: _Job | None = None  # the newest image, as if the model took it as soon as it came
        self._instruction = ""
        self._answered = False  # the instruction in force
        self._published = -1  # number of the newest image with a mask
        self._open: deque[PacedFrame] = deque()  # an answer that is under way may still give the first of them a mask

    def run(self, pairs: Iterable[tuple[ReplayFrame, FrameAnswer]]) -> Iterator[PacedFrame]:
        """Yields the images of a recording with their answers, in order; images without an answer are skipped."""
        for frame, answer in pairs:
            if answer.fault is None and frame.image is not None:
                self._take(frame, frame.image, answer)
                frame.image = None
                while self._open and (self._job is None or self._open[0].frame.number < self._job.frame.number):
                    yield self._open.popleft()
        yield from self._open

    def _take(self, frame: ReplayFrame, image: NDArray[np.uint8], answer: FrameAnswer) -> None:
        if frame.instruction != self._instruction:
            self._instruction, self._answered = frame.instruction, False
            self._job = self._newest = None
            self._tracker.release()
        self._finish_until(frame.recorded)
        self._newest = _Job(frame, image, answer, frame.recorded + self._period)
        if self._job is None:
            self._job = self._newest
        begun = time.thread_time()
        tracked = self._tracker.advance(frame.stamp, image)
        seconds = time.thread_time() - begun
        if tracked is not None:
            self._published = frame.number
        mask = None if tracked is None else tracked.mask
        own = answer.mask(answer.stage)
        self._open.append(PacedFrame(frame, own, mask, not self._answered, self._tracker.drop, seconds))

    def _finish_until(self, now: int) -> None:
        """Hands over the answers that are there by now; the model continues with the newest image before each."""
        while self._job is not None and self._job.ready <= now:
            done, newest = self._job, self._newest
            self._hand_over(done)
            if newest is None or newest.frame.number <= done.frame.number:
                self._job = None
            else:
                self._job = _Job(newest.frame, newest.image, newest.answer, done.ready + self._period)

    def _hand_over(self, job: _Job) -> None:
        self._answered = True
        answer = job.segmentation()
        if job.frame.number >= self._published:
            self._published = job.frame.number
            for record in self._open:
                if record.frame.number == job.frame.number:
                    record.published, record.waiting = answer.mask, False
        self._tracker.answer(job.frame.stamp, job.image, answer)
