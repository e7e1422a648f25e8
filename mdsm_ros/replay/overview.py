"""The content of a replay's report, collected in one pass over the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from typing_extensions import Self

from mdsm_ros.replay.answers import FrameAnswer
from mdsm_ros.replay.summary import Tally

T = TypeVar("T")
MOST_INSTRUCTIONS = 60  # in the gallery


class Overview:
    """The metrics of every answer, without masks, so that an hour of video fits into memory.

    Attributes:
        latencies: Milliseconds until the last mask of each answer.
    """

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self._everything = Tally()
        self._by_instruction: dict[str, Tally] = {}
        self._timeline: dict[str, list[float | None]] = {
            "score": [],
            "IoU with the truth": [],
            "IoU from frame to frame": [],
        }
        self._candidates: dict[str, list[tuple[float, float, int]]] = defaultdict(list)  # quality, change, number

    @classmethod
    def of(cls, answers: Iterable[FrameAnswer]) -> Self:
        """The overview of a whole run."""
        result = cls()
        for answer in answers:
            result.add(answer)
        return result

    def add(self, answer: FrameAnswer) -> None:
        """Adds one answer."""
        self._everything.add(answer)
        if answer.instruction:
            self._by_instruction.setdefault(answer.instruction, Tally()).add(answer)
        found = answer.iou(answer.stage)
        values = (None if answer.fault else answer.score, found, answer.steady)
        for line, value in zip(self._timeline.values(), values, strict=True):
            line.append(value)
        if answer.fault is None:
            self.latencies.append(1000 * answer.seconds[answer.stage])
            quality = answer.score if found is None else found
            self._candidates[answer.instruction].append((quality, change_of(answer) or 0.0, answer.number))

    def summary(self) -> dict[str, Any]:
        """The metrics of "all", of "stages", of "instructions" by text, and the frames "unanswered" by reason."""
        return {
            "all": self._everything.figures(),
            "stages": self._everything.stages(),
            "instructions": {text: tally.short() for text, tally in self._by_instruction.items()},
            "unanswered": dict(self._everything.faults),
        }

    def timeline(self) -> dict[str, list[float | None]]:
        """The values of every frame by name; only those known for some frame."""
        return {name: line for name, line in self._timeline.items() if any(value is not None for value in line)}

    def pictures(self) -> set[int]:
        """The numbers of the frames to show: best, median and worst of each instruction, and losses by refinement."""
        chosen: set[int] = set()
        for candidates in spread(list(self._candidates.values())):
            ranked = sorted(candidates)
            chosen |= {ranked[i][2] for i in (0, len(ranked) // 2, -1)}
            chosen.add(min(candidates, key=lambda candidate: candidate[1])[2])
        return chosen


def spread(instructions: Sequence[T]) -> Sequence[T]:
    """At most :data:`MOST_INSTRUCTIONS`, from the whole recording."""
    return instructions[:: -(-len(instructions) // MOST_INSTRUCTIONS) or 1]


def change_of(answer: FrameAnswer) -> float | None:
    """The change of the IoU by refinement; None if unknown."""
    before, after = answer.iou("initial"), answer.iou("refined")
    return None if before is None or after is None else after - before
