"""Keeps masks of two threads on one topic in the order of their stamps."""

from __future__ import annotations

import threading
from collections.abc import Callable

LATE = 1.0  # s; an image older than the previous one by less than this arrived late


class StampOrder:
    """Publishes only masks that are not older than the newest published one. Thread-safe."""

    def __init__(self) -> None:
        self._publishing = threading.Lock()  # large masks and overlays take a while, and new images must not wait
        self._lock = threading.Lock()
        self._newest: int | None = None
        self._arrived: int | None = None  # stamp of the newest image of the stream, ns

    def arrived(self, stamp: int) -> None:
        """Records the arrival of an image, in order; a much older stamp begins a new stream.

        This happens if a recording is played again, or if simulated time restarts.
        """
        with self._lock:
            if self._arrived is None or stamp > self._arrived:
                self._arrived = stamp
            elif self._arrived - stamp >= LATE * 1e9:
                self._arrived, self._newest = stamp, None

    def publish(self, stamp: int, publish: Callable[[], object], *, again: bool = True) -> bool:
        """Calls ``publish`` unless a mask of a newer image was published; returns whether it was called.

        A mask of an image newer than all that arrived belongs to a stream that has ended, and is skipped, too.

        Args:
            stamp: Stamp of the image, ns.
            publish: Function that publishes the mask.
            again: Whether it may be the second mask of the newest image: an answer replaces a tracked mask, but no
                tracked mask replaces an answer.
        """
        with self._publishing:
            with self._lock:
                if self._newest is not None and (stamp < self._newest or (stamp == self._newest and not again)):
                    return False
                if self._arrived is not None and stamp > self._arrived:
                    return False
                self._newest = stamp
            publish()
        return True
