"""How long refinement steps take on this device, how many fit into a time, and how many have run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from statistics import median

from mdsm_ros.inference.clock import Clock


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
