"""The newest answer on every image: what the node runs beside the model, and the replay in its place."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.answer import TRACKED, Segmentation
from mdsm_ros.inference.tracking.flow import OpticalFlow, Step, reduced
from mdsm_ros.inference.tracking.track import Drop, Track

KEPT = 60  # images whose flow is kept for an answer about one of them: two seconds at 30 Hz, 52 MB


@dataclass(frozen=True)
class TrackedMask:
    """The newest answer's mask on a newer image.

    Attributes:
        mask: bool (H, W), at least one pixel.
        age: Seconds between the stamps of this image and of the answered one.
        answer: The answer behind it.
    """

    mask: NDArray[np.bool_]
    age: float
    answer: Segmentation

    def segmentation(self) -> Segmentation:
        """The mask as an answer to its own image, of stage "tracked"; its probabilities are 0 and 1."""
        probability = self.mask.astype(np.float32)
        return replace(self.answer, mask=self.mask, probability=probability, uncertainty=None, stage=TRACKED)


@dataclass(frozen=True)
class _Answered:
    """An answer, and the image that it is about."""

    stamp: int  # ns
    image: NDArray[np.uint8]
    answer: Segmentation


class Tracker:
    """Carries the mask of the newest answer to each image that comes after it.

    An answer is about an older image than the newest one: it replaces the mask once it has been carried over the images
    in between, whose flow is kept for that. For one thread.

    Attributes:
        drop: Why the last ``advance`` gave the mask up, or None.
    """

    def __init__(self) -> None:
        self.drop: Drop | None = None
        self._flow = OpticalFlow()
        self._steps: deque[Step] = deque(maxlen=KEPT)
        self._shape: tuple[int, ...] = ()
        self._waiting: _Answered | None = None  # for an image that is not older
        self._track: Track | None = None
        self._behind: _Answered | None = None  # the answer of the track

    def answer(self, stamp: int, image: NDArray[np.uint8], answer: Segmentation) -> None:
        """Takes an answer, which counts from the next image on; it ends the track of the answer before.

        Args:
            stamp: Stamp of the answered image, ns.
            image: The answered image, uint8 (H, W, 3) RGB.
            answer: The answer; where its mask is empty, nothing is tracked until the next one.
        """
        if answer.present:
            self._waiting = _Answered(stamp, image, answer)
        else:
            self.release()

    def advance(self, stamp: int, image: NDArray[np.uint8]) -> TrackedMask | None:
        """Takes the next image.

        Args:
            stamp: Its stamp, ns. An image that is not newer than the one before it begins a new stream.
            image: uint8 (H, W, 3) RGB.

        Returns:
            The newest answer's mask on it; None where there is no such answer, or its mask cannot be carried here.
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
        """The step to an image, which joins the ones that are kept."""
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
        if known is None and newer:  # it was never seen here, or is kept no more
            newer[0] = self._flow.step(gray, newer[0].gray, newer[0].stamp)
        self._track, self._behind = Track(answered.answer.mask, gray), answered
        for step in newer:
            self._carry(step)

    def _carry(self, step: Step) -> None:
        if self._track is not None:
            self.drop = self._track.follow(step)
            if self.drop is not None:
                self._track = None
