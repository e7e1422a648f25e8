"""Tracks the newest answer on every image. The node runs this in parallel with the model; the replay simulates it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.answer import TRACKED, Segmentation
from mdsm_ros.inference.tracking.flow import OpticalFlow, Step, reduced
from mdsm_ros.inference.tracking.track import Drop, Track

KEPT = 60  # images whose flow is stored until an answer about one of them arrives: two seconds at 30 Hz, 52 MB


@dataclass(frozen=True)
class TrackedMask:
    """The newest answer's mask on a newer image.

    Attributes:
        mask: bool (H, W), at least one pixel.
        age: Seconds between the stamps of this image and of the answered one.
        answer: The answer that was tracked.
    """

    mask: NDArray[np.bool_]
    age: float
    answer: Segmentation

    def segmentation(self) -> Segmentation:
        """Returns the mask as an answer of stage "tracked"; its probabilities are 0 and 1."""
        probability = self.mask.astype(np.float32)
        carried = replace(self.answer, mask=self.mask, probability=probability, uncertainty=None)
        return replace(carried, stage=TRACKED, zoom=None)


@dataclass(frozen=True)
class _Answered:
    """An answer and its image."""

    stamp: int  # ns
    image: NDArray[np.uint8]
    answer: Segmentation


class Tracker:
    """Carries the mask of the newest answer to each later image.

    An answer always belongs to an image older than the newest one. It replaces the mask once it has been carried over
    the images in between, whose flow is stored for this. Not thread-safe.

    Attributes:
        drop: Why the last ``advance`` dropped the mask, or None.
    """

    def __init__(self) -> None:
        self.drop: Drop | None = None
        self._flow = OpticalFlow()
        self._steps: deque[Step] = deque(maxlen=KEPT)
        self._shape: tuple[int, ...] = ()
        self._waiting: _Answered | None = None  # for an image that is at least as new
        self._track: Track | None = None
        self._behind: _Answered | None = None  # the answer that is tracked

    def answer(self, stamp: int, image: NDArray[np.uint8], answer: Segmentation) -> None:
        """Takes an answer, which is used from the next image on; it ends the track of the previous answer.

        Args:
            stamp: Stamp of the answered image, ns.
            image: The answered image, uint8 (H, W, 3) RGB.
            answer: The answer; if its mask is empty, there is no tracked mask until the next answer.
        """
        if answer.present:
            self._waiting = _Answered(stamp, image, answer)
        else:
            self.release()

    def advance(self, stamp: int, image: NDArray[np.uint8]) -> TrackedMask | None:
        """Takes the next image.

        Args:
            stamp: Its stamp, ns. An image that is not newer than the previous one begins a new stream.
            image: uint8 (H, W, 3) RGB.

        Returns:
            The newest answer's mask on this image; None if there is no answer, or its mask could not be carried to this
            image.
        """
        self.drop = None
        step = self._link(stamp, image)
        due = None
        if self._waiting is not None and self._waiting.stamp <= stamp:
            due, self._waiting = self._waiting, None
        if due is not None and due.image.shape == image.shape:
            self._catch_up(due)
        else:
            self._carry(step)
        if self._track is None or self._behind is None:
            return None
        return TrackedMask(self._track.mask(), (stamp - self._behind.stamp) / 1e9, self._behind.answer)

    def release(self) -> None:
        """Drops mask and answer: there is no mask until the next answer."""
        self._waiting = self._track = self._behind = None

    def _link(self, stamp: int, image: NDArray[np.uint8]) -> Step:
        """Computes the step to an image and stores it with the earlier ones."""
        gray = reduced(image)
        if self._steps and (image.shape != self._shape or stamp <= self._steps[-1].stamp):
            self._steps.clear()
            self.release()
        self._shape = image.shape
        step = self._flow.step(self._steps[-1].gray, gray, stamp) if self._steps else Step(stamp, gray)
        self._steps.append(step)
        return step

    def _catch_up(self, answered: _Answered) -> None:
        """Carries a new answer from its own image to the newest one."""
        newer = [step for step in self._steps if step.stamp > answered.stamp]
        known = next((step for step in self._steps if step.stamp == answered.stamp), None)
        gray = reduced(answered.image) if known is None else known.gray
        if known is None and newer:  # it was never seen here, or is no longer stored
            newer[0] = self._flow.step(gray, newer[0].gray, newer[0].stamp)
        self._track, self._behind = Track(answered.answer.mask, gray), answered
        for step in newer:
            self._carry(step)

    def _carry(self, step: Step) -> None:
        if self._track is not None:
            self.drop = self._track.follow(step)
            if self.drop is not None:
                self._track = None
