"""Time: what an answer has taken so far, what is left of its budget, and what a refinement step takes here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from statistics import median

import torch


class Pace:
    """How long a refinement step takes on this device, by the number of samples in it."""

    REMEMBERED = 20  # refinements

    def __init__(self) -> None:
        self._seconds: dict[int, deque[float]] = {}

    def note(self, seconds: float, samples: int) -> None:
        """Records the time of one step, including its part of what comes before and after all steps."""
        self._seconds.setdefault(samples, deque(maxlen=self.REMEMBERED)).append(seconds)

    def affordable(self, steps: int, seconds: float, samples: int) -> int:
        """As many of ``steps`` as fit into a time; all of them as long as nothing was measured."""
        known = self._seconds.get(samples)
        if not known or seconds == float("inf"):
            return steps
        fitting = min(steps, max(0, int(seconds / median(known))))
        if fitting == 0:
            known.popleft()  # else one slow moment would be remembered for ever, as nothing is measured any more
        return fitting


class Clock:
    """Adds up laps in seconds, waiting for the GPU so that they mean something.

    Args:
        device: Device on which the model runs.
        budget: Time limit in seconds from now on; 0 sets no limit.
    """

    def __init__(self, device: torch.device, budget: float = 0.0) -> None:
        self._device = device
        self._limited = budget > 0.0
        self._laps: dict[str, float] = {}
        self.restart()
        self._deadline = self._start + budget if self._limited else float("inf")

    def restart(self) -> None:
        """Begins a lap; the time since the last one is not counted."""
        self._start = time.perf_counter()

    def lap(self, name: str) -> float:
        """Ends a lap and begins the next one; returns the sum of the laps of this name."""
        self._synchronize()
        now = time.perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + now - self._start
        self._start = now
        return self._laps[name]

    def timings(self) -> dict[str, float]:
        """The sums by name, and "total"."""
        return self._laps | {"total": sum(self._laps.values())}

    def time_left(self) -> float:
        """Seconds until the limit; infinite without one."""
        return self._deadline - time.perf_counter()

    def in_time(self) -> bool:
        """Whether the limit is still ahead, once the GPU has done what was asked of it."""
        if self._limited:
            self._synchronize()
        return self.time_left() > 0.0

    def _synchronize(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


class StepCounter:
    """Called between refinement steps: whether to run another one. Counts them.

    Attributes:
        steps: Number of steps that were begun.
    """

    def __init__(self, clock: Clock, keep_on: Callable[[], bool]) -> None:
        self._clock, self._keep_on = clock, keep_on
        self.steps = 1

    def __call__(self) -> bool:
        """True begins another step."""
        if not self._keep_on() or not self._clock.in_time():
            return False
        self.steps += 1
        return True
