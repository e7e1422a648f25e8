"""What the node said while a recording was played into it: a file, line by line, and its way back to the images."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AHEAD = 30  # images by which something may be heard too late


@dataclass(frozen=True)
class HeardMask:
    """A mask came back.

    Attributes:
        number: of its image in the recording.
        stage: "initial", or "refined" for what came on the topic of final masks.
        mask: COCO run-length encoding.
    """

    number: int
    stage: str
    mask: dict[str, Any]


@dataclass(frozen=True)
class HeardStatus:
    """A status came back.

    Attributes:
        number: of its image in the recording.
        status: as the node wrote it.
        latency: Seconds from sending the image to hearing of it.
    """

    number: int
    status: dict[str, Any]
    latency: float


@dataclass
class Heard:
    """Everything about one image: masks by stage, and statuses, each in order."""

    masks: dict[str, deque[dict[str, Any]]] = field(default_factory=dict)
    statuses: list[HeardStatus] = field(default_factory=list)


def read_heard(path: Path) -> Iterator[HeardMask | HeardStatus]:
    """The lines of a file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            values = json.loads(line)
            yield HeardMask(**values) if "mask" in values else HeardStatus(**values)


class HeardByImage:
    """Puts lines together by image, in bounded memory: the node answers images in the order in which they are sent."""

    def __init__(self, lines: Iterable[HeardMask | HeardStatus]) -> None:
        self._lines = iter(lines)
        self._waiting: dict[int, Heard] = {}
        self._read = -1  # number of the newest image of which something was read

    def take(self, number: int) -> Heard:
        """What was said about an image; numbers must rise from call to call."""
        while self._read <= number + AHEAD and (line := next(self._lines, None)) is not None:
            self._read = max(self._read, line.number)
            heard = self._waiting.setdefault(line.number, Heard())
            if isinstance(line, HeardMask):
                heard.masks.setdefault(line.stage, deque()).append(line.mask)
            else:
                heard.statuses.append(line)
        return self._waiting.pop(number, Heard())
