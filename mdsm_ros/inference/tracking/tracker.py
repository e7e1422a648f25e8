"""Tracks the newest answer on every image. The node runs this in parallel with the model; the replay simulates it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.answer import TRACKED, Segmentation
from mdsm_ros.inference.tracking.carrier import Carrier, Drop


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
        return replace(carried, stage=TRACKED, zoom=None, dropped=None)


@dataclass(frozen=True)
class _Answered:
    """An answer and its image."""

    stamp: int  # ns
    image: NDArray[np.uint8]
    answer: Segmentation


class Tracker:
    """Carries the mask of the newest answer to each later image.

    An answer always belongs to an image older than the newest one. It replaces the mask once it has been carried over
    the images in between, which are remembered for this. Not thread-safe.

    Args:
        carrier: What carries the mask: optical flow or a video model.

    Attributes:
        drop: Why the last ``advance`` dropped the mask, or None.
    """

    def __init__(self, carrier: Carrier) -> None:
        self.drop: Drop | None = None
        self._carrier = carrier
        self._newest: tuple[int, tuple[int, ...]] | None = None  # stamp and shape of the newest image
        self._waiting: _Answered | None = None  # for an image that is at least as new
        self._behind: _Answered | None = None  # the answer that is tracked

    @property
    def least_side(self) -> int:
        """Shorter side, in pixels, down to which images may be reduced before they are given to it."""
        return self._carrier.least_side

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
        self._add(stamp, image)
        due = None
        if self._waiting is not None and self._waiting.stamp <= stamp:
            due, self._waiting = self._waiting, None
        if due is not None and due.image.shape == image.shape:
            self._behind = due
            self.drop = self._carrier.begin(due.stamp, due.image, due.answer.mask)
        else:
            self.drop = self._carrier.carry()
        mask = self._carrier.mask()
        if mask is None or self._behind is None:
            return None
        return TrackedMask(mask, (stamp - self._behind.stamp) / 1e9, self._behind.answer)

    def release(self) -> None:
        """Drops mask and answer: there is no mask until the next answer."""
        self._waiting = self._behind = None
        self._carrier.end()

    def _add(self, stamp: int, image: NDArray[np.uint8]) -> None:
        """Gives an image to the carrier, which begins anew with another stream."""
        if self._newest is not None and (image.shape != self._newest[1] or stamp <= self._newest[0]):
            self._carrier.restart()
            self.release()
        self._newest = stamp, image.shape
        self._carrier.add(stamp, image)
