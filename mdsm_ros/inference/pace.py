"""Timing: the time an answer has taken, the rest of its budget, and the duration of a refinement step."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from statistics import median


class Pace:
    """The measured duration of a refinement step, or of a second look, on this device, by number of masks."""

    REMEMBERED = 20  # refinements

    def __init__(self) -> None:
        self._seconds: dict[int, deque[float]] = {}

    def note(self, seconds: float, samples: int) -> None:
        """Records the duration of one step, including its part of the work before and after all steps."""
        self._seconds.setdefault(samples, deque(maxlen=self.REMEMBERED)).append(seconds)

    def forget(self) -> None:
        """Drops all durations."""
        self._seconds.clear()

    def typical(self, samples: int) -> float | None:
        """The median duration; None if nothing has been measured yet."""
        known = self._seconds.get(samples)
        return median(known) if known else None

    def affordable(self, steps: int, seconds: float, samples: int) -> int:
        """The number of steps that fit into a time, at most ``steps``; all of them if nothing has been measured yet."""
        known = self._seconds.get(samples)
        if not known or seconds == float("inf"):
            return steps
        step = median(known)
        fitting = steps if steps * step <= seconds else max(0, int(seconds / step)) if step else 0
        if fitting == 0:
            known.popleft()  # otherwise one slow step would count for ever, as no step would run again
        return fitting


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


class StepCounter:
    """Called between refinement steps: decides whether to run another step, and counts the steps.

    Attributes:
        steps: Number of steps begun so far.
    """

    def __init__(self, clock: Clock, keep_on: Callable[[], bool]) -> None:
        self._clock, self._keep_on = clock, keep_on
        self.steps = 1

    def __call__(self) -> bool:
        """Returns whether another step begins, and counts it."""
        if not self._keep_on() or not self._clock.in_time():
            return False
        self.steps += 1
        return True
