"""Keeps masks of two threads on one topic in the order of their stamps."""

from __future__ import annotations

import threading
from collections.abc import Callable


class StampOrder:
    """Publishes only masks that are not older than the newest published one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: int | None = None

    def publish(self, stamp: int, publish: Callable[[], object]) -> bool:
        """Calls ``publish`` unless a mask of a newer image was published; returns whether it was called.

        Args:
            stamp: Stamp of the image, ns. A second mask of the newest image is allowed.
            publish: Function that publishes the mask.
        """
        with self._lock:
            if self._newest is not None and stamp < self._newest:
                return False
            self._newest = stamp
            publish()
        return True

    def restart(self) -> None:
        """Restarts the order of stamps, for example if a recording is played again."""
        with self._lock:
            self._newest = None
