"""What the demo exchanges with the node, without ROS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Frame:
    """An image that is sent."""

    stamp: int  # ns
    frame_id: str
    instruction: int  # index of the instruction in force, -1 before the first one


@dataclass(frozen=True)
class Outgoing:
    """One message on its way to the node."""

    topic: str
    due: float  # s after the start of the replay
    data: bytes  # CDR
    frame: Frame | None = None  # where the message is an image


class Source(Protocol):
    """Something that can be replayed."""

    topics: dict[str, str]  # message type by topic name
    image_topic: str
    instruction_topic: str
    instructions: list[str]  # in the order they are sent
    duration: float  # s

    def messages(self, start: int) -> Iterator[Outgoing]:
        """The messages in the order they are due; ``start`` (ns) is the time at which the replay starts."""
        ...

    def truth(self, frame: Frame) -> np.ndarray | None:
        """The mask (H, W) bool that is right for a frame, all False if its target is not in view; None if unknown."""
        ...


@dataclass(frozen=True)
class MaskMessage:
    """A mask that came back."""

    stamp: int  # ns
    frame_id: str
    mask: np.ndarray  # bool (H, W)


@dataclass(frozen=True)
class Status:
    """An answer as the node reports it."""

    stamp: int  # ns
    frame_id: str
    instruction: str
    stage: str  # "initial" or "refined"; empty where there is an error
    present: bool
    seconds: float  # that the model worked
    latency: float  # s from sending the image to receiving this
    age: float  # s from sending the image to the model's start on it
    error: str | None


@dataclass(frozen=True)
class Replay:
    """Everything that was sent and came back."""

    frames: dict[int, Frame]  # by stamp
    statuses: list[Status]
    masks: dict[str, list[MaskMessage]]  # "initial" and "final"
    overlays: dict[int, np.ndarray]  # uint8 (H, W, 3) by stamp, the newest one of each
