"""Carries a mask by optical flow."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.tracking.carrier import Drop
from mdsm_ros.inference.tracking.flow import LONGER_SIDE, OpticalFlow, Step, reduced
from mdsm_ros.inference.tracking.track import Track

KEPT = 60  # images whose flow is stored until an answer about one of them arrives: two seconds at 30 Hz, 52 MB


class FlowCarrier:
    """Keeps the flow between the last :data:`KEPT` images.

    See :class:`~mdsm_ros.inference.tracking.carrier.Carrier`.
    """

    least_side = LONGER_SIDE

    def __init__(self) -> None:
        self._flow = OpticalFlow()
        self._steps: deque[Step] = deque(maxlen=KEPT)
        self._track: Track | None = None

    def add(self, stamp: int, image: NDArray[np.uint8]) -> None:
        """Computes the flow from an image back to the one before."""
        gray = reduced(image)
        self._steps.append(self._flow.step(self._steps[-1].gray, gray, stamp) if self._steps else Step(stamp, gray))

    def begin(self, stamp: int, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Drop | None:
        """Carries an answer over the flow since its image; arguments as for the protocol."""
        newer = [step for step in self._steps if step.stamp > stamp]
        known = next((step for step in self._steps if step.stamp == stamp), None)
        gray = reduced(image) if known is None else known.gray
        if known is None and newer:  # it was never seen here, or is no longer stored
            newer[0] = self._flow.step(gray, newer[0].gray, newer[0].stamp)
        self._track = Track(mask, gray)
        return next((drop for step in newer if (drop := self._follow(step)) is not None), None)

    def carry(self) -> Drop | None:
        """Carries the mask to the newest image."""
        return self._follow(self._steps[-1])

    def mask(self) -> NDArray[np.bool_] | None:
        """The mask on the newest image."""
        return None if self._track is None else self._track.mask()

    def end(self) -> None:
        """Drops the mask."""
        self._track = None

    def restart(self) -> None:
        """Drops mask and flow."""
        self._steps.clear()
        self.end()

    def _follow(self, step: Step) -> Drop | None:
        if self._track is None:
            return None
        drop = self._track.follow(step)
        if drop is not None:
            self.end()
        return drop
