"""The node's answers while a recording was played into it: a file of lines, and their assignment to images."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AHEAD = 30  # images by which an answer may arrive late


@dataclass(frozen=True)
class HeardMask:
    """A received mask.

    Attributes:
        number: Number of its image in the recording.
        stage: Stage: "initial", or "refined" for masks on the topic of final masks.
        mask: Mask in COCO run-length encoding.
    """

    number: int
    stage: str
    mask: dict[str, Any]


@dataclass(frozen=True)
class HeardStatus:
    """A received status line.

    Attributes:
        number: Number of its image in the recording.
        status: Status line of the node, unchanged.
        latency: Seconds from sending the image to receiving the status line.
    """

    number: int
    status: dict[str, Any]
    latency: float


@dataclass
class Heard:
    """All answers about one image: masks by stage, and status lines, each in order."""

    masks: dict[str, deque[dict[str, Any]]] = field(default_factory=dict)
    statuses: list[HeardStatus] = field(default_factory=list)


def read_heard(path: Path) -> Iterator[HeardMask | HeardStatus]:
    """The lines of a file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            values = json.loads(line)
            yield HeardMask(**values) if "mask" in values else HeardStatus(**values)


class HeardByImage:
    """Groups lines by image, in bounded memory: the node answers images in the order of sending."""

    def __init__(self, lines: Iterable[HeardMask | HeardStatus]) -> None:
        self._lines = iter(lines)
        self._waiting: dict[int, Heard] = {}
        self._read = -1  # number of the newest image with a line read so far

    def take(self, number: int) -> Heard:
        """The answers about an image; numbers must rise from call to call."""
        while self._read <= number + AHEAD and (line := next(self._lines, None)) is not None:
            self._read = max(self._read, line.number)
            heard = self._waiting.setdefault(line.number, Heard())
            if isinstance(line, HeardMask):
                heard.masks.setdefault(line.stage, deque()).append(line.mask)
            else:
                heard.statuses.append(line)
        return self._waiting.pop(number, Heard())
