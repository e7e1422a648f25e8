"""Two models on the same recording: paired differences with confidence intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.metrics import Figures
from mdsm_ros.replay.answers import FrameAnswer

RESAMPLES = 2000
CONFIDENCE = 0.95


class Pair(NamedTuple):
    """A frame with its target in view, and the IoU of both models' final masks."""

    number: int
    instruction: str
    first: float
    second: float

    @property
    def change(self) -> float:
        """The IoU of the second model minus that of the first."""
        return self.second - self.first


def paired_ious(first: Iterable[FrameAnswer], second: Iterable[FrameAnswer]) -> Iterator[Pair]:
    """All frames with the target in view that both models have answered."""
    for a, b in zip(first, second, strict=False):  # a recording may be damaged further on
        assert a.number == b.number, "both have answered the same recording from its first image on"
        one, other = a.iou(a.stage), b.iou(b.stage)
        if one is not None and other is not None:
            yield Pair(a.number, a.instruction, one, other)


def difference(pairs: Sequence[Sequence[Pair]], seed: int = 0) -> Figures:
    """Second minus first: mean IoU of both, difference, and its confidence interval.

    Args:
        pairs: Pairs of each instruction.
        seed: Random seed of the bootstrap.

    The frames of an instruction resemble each other, so whole instructions are drawn anew (cluster bootstrap,
    percentile interval of 95 %). With a single instruction there is nothing to draw, and no interval.
    """
    sums = np.array([np.sum([(p.first, p.second) for p in group], axis=0) for group in pairs])  # (instructions, 2)
    sizes = np.array([len(group) for group in pairs])
    first, second = sums.sum(axis=0) / sizes.sum()
    result = {"first": float(first), "second": float(second), "difference": float(second - first)}
    if len(pairs) > 1:
        low, high = np.quantile(_resampled(sums[:, 1] - sums[:, 0], sizes, seed), _tails())
        result |= {"95 % from": float(low), "95 % to": float(high)}
    return result | {"instructions": len(pairs), "frames": int(sizes.sum())}


def _resampled(sums: NDArray[np.float64], sizes: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    drawn = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLES, len(sums)))
    means: NDArray[np.float64] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return means


def _tails() -> tuple[float, float]:
    return (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
