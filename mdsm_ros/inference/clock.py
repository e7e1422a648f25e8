"""The time that an answer has taken, by its parts, and the rest of its budget."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Adds up laps in seconds; waits for the GPU, so that the laps include its work.

    Args:
        synchronize: Function that waits until the device has finished its pending work.
        budget: Time limit in seconds from now on; 0 sets no limit.
    """

    def __init__(self, synchronize: Callable[[], None], budget: float = 0.0) -> None:
        self._synchronize = synchronize
        self._limited = budget > 0.0
        self._laps: dict[str, float] = {}
        self.restart()
        self._deadline = self._start + budget if self._limited else float("inf")

    def restart(self, name: str = "") -> float:
        """Begins a lap; the time since the last lap is not counted. Returns the sum of all laps with a name so far."""
        self._start = time.perf_counter()
        return self._laps.get(name, 0.0)

    def lap(self, name: str) -> float:
        """Ends a lap and begins the next one; returns the sum of all laps with this name."""
        self._synchronize()
        now = time.perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + now - self._start
        self._start = now
        return self._laps[name]

    def timings(self) -> dict[str, float]:
        """The sum of the laps by name, and "total"."""
        return self._laps | {"total": sum(self._laps.values())}

    def time_left(self) -> float:
        """Seconds until the limit; infinite without a limit."""
        return self._deadline - time.perf_counter()

    def in_time(self) -> bool:
        """Whether time is left after the GPU has finished its pending work."""
        if self._limited:
            self._synchronize()
        return self.time_left() > 0.0
