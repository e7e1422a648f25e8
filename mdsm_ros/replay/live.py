"""Plays a recording over DDS into the running node, as on a robot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mdsm_ros.dataset.metrics import intersection_union
from mdsm_ros.errors import BagError
from mdsm_ros.files import to_json, whole_file
from mdsm_ros.inference.answer import TRACKED
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.exchange import Frame, Outgoing
from mdsm_ros.recordings.node_log import Heard, HeardByImage, HeardMask, HeardStatus
from mdsm_ros.replay.answers import FrameAnswer, steadiness
from mdsm_ros.replay.frames import ReplayFrame, Topics
from mdsm_ros.ros.node_process import NodeProcess

HEARD = "heard.jsonl"
DISCOVERY = 2.0  # s; nodes on one machine find each other within one
START_TIMEOUT = 300.0  # s; a cold machine takes a while to import torch
LAST_ANSWER_TIMEOUT = 20.0  # s
SUPERSEDED = "a newer image came before the model was free"


class LiveSource:
    """A recording as :class:`mdsm_ros.recordings.exchange.Source`, read as a stream."""

    instructions: list[str] = []  # noqa: RUF012, not needed: every frame is judged afterwards

    def __init__(self, bag: Bag, topics: Topics) -> None:
        assert topics.instruction is not None
        self._bag = bag
        self.image_topic, self.instruction_topic = topics.image, topics.instruction
        self.topics = {name: bag.topics[name] for name in (topics.image, topics.instruction)}
        self.duration = bag.duration

    def messages(self, start: int) -> Iterator[Outgoing]:
        """The messages at the pace of their recording, with the stamps of their recording whatever ``start`` is."""
        first: int | None = None
        with suppress(BagError):  # reading the frames meets and reports the same damage
            for message in self._bag.messages(list(self.topics)):
                first = message.time if first is None else first
                try:
                    header = self._bag.decode(message).header if message.topic == self.image_topic else None
                except BagError:
                    continue  # not an image message; :class:`FrameReader` gives it no number either
                frame = None
                if header is not None:
                    stamp = int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)
                    frame = Frame(stamp, header.frame_id, 0)
                yield Outgoing(message.topic, (message.time - first) / 1e9, message.data, frame)

    def truth(self, frame: Frame) -> np.ndarray | None:
        """Returns None: the ground truth is not stored here."""
        return None


def play(bag: Bag, topics: Topics, parameters: dict[str, Any], out: Path, rate: float) -> None:
    """Starts the node, plays the recording into it, and writes its answers to a file at once.

    Args:
        bag: Recording.
        topics: Topics of the recording.
        parameters: Parameters of the node.
        out: Folder for the node's log and for :data:`HEARD`, which is replaced.
        rate: Speed relative to the recording.

    Raises:
        DemoError: The node did not start or has ended, or another one is running.
    """
    from mdsm_ros.ros.players.live_player import LivePlayer

    source = LiveSource(bag, topics)
    compressed = bag.topics[topics.image].endswith("CompressedImage")
    remappings = {"image/compressed" if compressed else "image": topics.image, "instruction": topics.instruction or ""}
    settings = {"image_transport": "compressed" if compressed else "raw", "image_reliability": "reliable"}
    with (out / HEARD).open("w", encoding="utf-8") as heard, LivePlayer(source, heard) as player:
        player.check_alone(DISCOVERY)
        with NodeProcess(out / "node.log", {**parameters, **settings}, remappings) as node:
            player.wait_until_ready(node.check, START_TIMEOUT)
            player.play(node.check, rate)
            player.wait_for_last_answer(node.check, LAST_ANSWER_TIMEOUT)


def judge(lines: Iterable[HeardMask | HeardStatus], frames: Iterable[ReplayFrame]) -> Iterator[FrameAnswer]:
    """The answers to the frames for the current instruction; the other frames have a fault."""
    before: FrameAnswer | None = None
    heard = HeardByImage(lines)
    for frame in frames:
        about = {key: getattr(frame, key) for key in ("number", "stamp", "recorded", "instruction")}
        answer = _answer(heard.take(frame.number), frame, about)
        if answer is None:
            yield FrameAnswer(**about, fault=SUPERSEDED if frame.instruction else "no instruction yet")
            continue
        if answer.fault is None:
            answer = replace(answer, steady=steadiness(answer, before))
            before = answer
        yield answer


def _answer(heard: Heard, frame: ReplayFrame, about: dict[str, Any]) -> FrameAnswer | None:
    masks: dict[str, dict[str, Any]] = {}
    seconds: dict[str, float] = {}
    last, latency = None, None
    for said in heard.statuses:
        status = said.status
        if status["error"] is not None:
            return FrameAnswer(**about, fault=status["error"])
        waiting = heard.masks.get("refined" if status["stage"] == TRACKED else status["stage"])  # both come on ~/mask
        mask = waiting.popleft() if waiting else None
        if mask is not None and status["instruction"] == frame.instruction:
            masks[status["stage"]], seconds[status["stage"]] = mask, status["timings"]["total"]
            last, latency = status, said.latency
    if last is None:
        return None
    answer = FrameAnswer(
        **about, masks=masks, seconds=seconds, score=last["score"], present=last["present"], latency=latency
    )
    if frame.truth is None:
        return answer
    counts = {stage: intersection_union(answer.mask(stage), frame.truth) for stage in masks}
    return replace(answer, in_view=bool(frame.truth.any()), counts=counts)


def write_live(path: Path, answers: Iterable[FrameAnswer]) -> None:
    """Writes answers line by line, as the offline replay does."""
    with whole_file(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.writelines(to_json(asdict(answer)) + "\n" for answer in answers)
