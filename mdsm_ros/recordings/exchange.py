"""The data that the demo exchanges with the node, without ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Frame:
    """An image to send."""

    stamp: int  # ns
    frame_id: str
    instruction: int  # index of the current instruction, -1 before the first one


@dataclass(frozen=True)
class Outgoing:
    """One message to the node."""

    topic: str
    due: float  # s after the start of the replay
    data: bytes  # CDR
    frame: Frame | None = None  # if the message is an image


class Source(Protocol):
    """The interface of a source that can be replayed."""

    topics: dict[str, str]  # message type by topic name
    image_topic: str
    instruction_topic: str
    instructions: list[str]  # in the order of sending
    duration: float  # s

    def messages(self, start: int) -> Iterator[Outgoing]:
        """The messages in the order of their times; ``start`` (ns) is the time at which the replay starts."""
        ...

    def truth(self, frame: Frame) -> np.ndarray | None:
        """The ground-truth mask of a frame, bool (H, W), all False if its target is not in view; None if unknown."""
        ...


@dataclass(frozen=True)
class MaskMessage:
    """A received mask."""

    stamp: int  # ns
    frame_id: str
    mask: np.ndarray  # bool (H, W)


@dataclass(frozen=True)
class Status:
    """The node's report of an answer."""

    stamp: int  # ns
    frame_id: str
    instruction: str
    stage: str  # "initial" or "refined"; empty if there is an error
    present: bool
    seconds: float  # computing time of the model
    latency: float  # s from sending the image to receiving this
    age: float  # s from sending the image to the model's start on it
    error: str | None


@dataclass(frozen=True)
class Replay:
    """All images sent and all answers received."""

    frames: dict[int, Frame]  # by stamp
    statuses: list[Status]
    masks: dict[str, list[MaskMessage]]  # "initial" and "final"
    overlays: dict[int, np.ndarray]  # uint8 (H, W, 3) by stamp, the newest one of each
