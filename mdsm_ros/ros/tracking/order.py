"""Masks of two threads on one topic, none of them older than one before it."""

from __future__ import annotations

import threading
from collections.abc import Callable

LATE = 1.0  # s; an image that is older than the one before by less than that has been overtaken


class StampOrder:
    """Publishes what is not older than the newest that was published. Safe in all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: int | None = None
        self._arrived: int | None = None  # stamp of the newest image of the stream, ns

    def arrived(self, stamp: int) -> None:
        """Takes note of an image, in the order of arrival; a stamp from long before begins a new stream.

        That is so where a recording is played again, or simulated time starts anew.
        """
        with self._lock:
            if self._arrived is None or stamp > self._arrived:
                self._arrived = stamp
            elif self._arrived - stamp >= LATE * 1e9:
                self._arrived, self._newest = stamp, None

    def publish(self, stamp: int, publish: Callable[[], object]) -> bool:
        """Calls ``publish`` unless a mask of a newer image is out; returns whether it was called.

        A mask of an image that is newer than all that arrived is of a stream that has ended, and is left out, too.

        Args:
            stamp: Stamp of the image, ns. A second mask of the newest image is in order.
            publish: Publishes the mask.
        """
        with self._lock:
            if self._newest is not None and stamp < self._newest:
                return False
            if self._arrived is not None and stamp > self._arrived:
                return False
            self._newest = stamp
            publish()
        return True
