"""Masks of two threads on one topic, none of them older than one before it."""

from __future__ import annotations

import threading
from collections.abc import Callable


class StampOrder:
    """Publishes what is not older than the newest that was published. Safe in all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: int | None = None

    def publish(self, stamp: int, publish: Callable[[], object]) -> bool:
        """Calls ``publish`` unless a mask of a newer image is out; returns whether it was called.

        Args:
            stamp: Stamp of the image, ns. A second mask of the newest image is in order.
            publish: Publishes the mask.
        """
        with self._lock:
            if self._newest is not None and stamp < self._newest:
                return False
            self._newest = stamp
            publish()
        return True

    def restart(self) -> None:
        """The stamps begin anew, as where a recording is played again."""
        with self._lock:
            self._newest = None
