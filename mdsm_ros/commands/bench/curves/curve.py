"""Costs at growing sizes, as a table of ratios to the smallest size."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

QUADRATIC = 1.5  # power of the size from which a cost counts as growing like its square
UNEXPLAINED = "no reason is known"


@dataclass(frozen=True)
class Curve:
    """What some work costs at each of several sizes.

    Attributes:
        title: What grows.
        labels: Name of each size.
        sizes: The sizes as numbers, ascending.
        costs: Cost at each size, by what was measured.
        unit: Unit of the costs.
        reasons: Why a cost grows faster than linearly, by what was measured.
        is_rate: Whether the values are rates, such as samples a second, that have no power of growth.
    """

    title: str
    labels: Sequence[str]
    sizes: Sequence[float]
    costs: Mapping[str, Sequence[float]]
    unit: str
    reasons: Mapping[str, str] = field(default_factory=dict)
    is_rate: bool = False

    def power(self, name: str) -> float:
        """The power of the size with which a cost grows between the last two sizes: 1 is linear, 2 quadratic."""
        (before, last), (smaller, larger) = self.costs[name][-2:], self.sizes[-2:]
        return math.log(last / before) / math.log(larger / smaller)

    def markdown(self) -> str:
        """The table, and a sentence for each cost that grows like the square of the size."""
        heads = [f"{name} ({self.unit}) | ratio" for name in self.costs]
        lines = [self.title, "", f"| | {' | '.join(heads)} |", "|---" * (1 + 2 * len(heads)) + "|"]
        for i, label in enumerate(self.labels):
            cells = [f"{values[i]:.4g} | {values[i] / values[0]:.2f}" for values in self.costs.values()]
            lines.append(f"| {label} | {' | '.join(cells)} |")
        if self.is_rate:
            return "\n".join(lines)
        powers = {name: self.power(name) for name in self.costs}
        cells = [f"{power:.2f} |" for power in powers.values()]
        lines.append(f"| power of the size at the end | {' | '.join(cells)} |")
        steep = [name for name, power in powers.items() if power > QUADRATIC]
        lines += [
            f"\n{name} grows with power {powers[name]:.2f}: {self.reasons.get(name, UNEXPLAINED)}." for name in steep
        ]
        return "\n".join(lines)


def cpu_milliseconds(call: Callable[[], object], runs: int = 3) -> float:
    """The least CPU time of some runs in milliseconds, over all threads: it does not depend on other processes."""
    return 1000 * min(_seconds(call, time.process_time) for _ in range(runs))


def milliseconds(call: Callable[[], object], device: str, runs: int = 3) -> float:
    """The cost of a call: CPU time on a CPU; on a GPU the time until its work is done."""
    if not device.startswith("cuda"):
        return cpu_milliseconds(call, runs)
    import torch

    def whole() -> None:
        call()
        torch.cuda.synchronize(device)

    return 1000 * min(_seconds(whole, time.perf_counter) for _ in range(runs))


def _seconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    begun = clock()
    call()
    return clock() - begun
