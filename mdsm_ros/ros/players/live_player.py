"""The player of ``mdsm replay --live``: like the demo's, but it writes answers to disk at once."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from typing import TextIO

from sensor_msgs.msg import Image
from std_msgs.msg import String

from mdsm_ros.errors import DemoError
from mdsm_ros.files import to_json
from mdsm_ros.recordings.exchange import Frame, Source
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.recordings.node_log import HeardMask, HeardStatus
from mdsm_ros.recordings.rle import encode
from mdsm_ros.ros.players.demo_player import NODE, DemoPlayer, Listeners, nanoseconds

SETTLE = 0.2  # s; a status comes after its mask
REMEMBERED = 1000  # images; answers about older ones are ignored


class LivePlayer(DemoPlayer):
    """Plays a recording and writes the node's answers, line by line, with run-length encoded masks.

    It does not subscribe to overlays, because drawing them would slow the node down.

    Args:
        source: Recording to play.
        heard: File to write, see :mod:`mdsm_ros.recordings.node_log`.
    """

    def __init__(self, source: Source, heard: TextIO) -> None:
        super().__init__(source)
        self._heard = heard
        self._lock = threading.Lock()  # guards the fields below: one thread sends, another one receives
        self._on_the_way: OrderedDict[int, tuple[int, int]] = OrderedDict()  # number and ns by stamp
        self._last = -1  # number of the newest image that was sent
        self._finished = -1  # number of the newest image that has its final answer

    def _listeners(self) -> Listeners:
        return (
            ("initial_mask", Image, lambda message: self._keep_mask("initial", message)),
            ("mask", Image, lambda message: self._keep_mask("refined", message)),
            ("status", String, self._keep_status),
        )

    def check_alone(self, seconds: float) -> None:
        """Checks for ``seconds`` that no other node would answer as well; call it before the node starts.

        Raises:
            DemoError: There is another node, such as one left by a run that was killed.
        """
        topic = f"{NODE}/status"
        if self._wait(lambda: self._node.count_publishers(topic) > 0, lambda: None, seconds):
            raise DemoError(f"another node publishes {topic}; end it, or choose another ROS_DOMAIN_ID")

    def wait_for_last_answer(self, check: Callable[[], None], timeout: float) -> None:
        """Waits until the newest frame is answered, at most ``timeout`` seconds."""
        self._wait(lambda: self._finished >= self._last, check, timeout)
        time.sleep(SETTLE)

    def _note_sent(self, frame: Frame) -> None:
        with self._lock:
            self._last += 1
            self._on_the_way[frame.stamp] = (self._last, time.time_ns())
            if len(self._on_the_way) > REMEMBERED:
                self._on_the_way.popitem(last=False)

    def _sent_as(self, stamp: int) -> tuple[int, int] | None:
        """The number of an image and the time at which it was sent (ns); None if it was not sent by this player."""
        with self._lock:
            return self._on_the_way.get(stamp)

    def _keep_mask(self, stage: str, message: Image) -> None:
        sent = self._sent_as(nanoseconds(message))
        if sent is None:
            return
        self._write(HeardMask(sent[0], stage, encode(image_to_numpy(message) > 127)))
        if stage == "refined":
            self._finished = max(self._finished, sent[0])

    def _keep_status(self, message: String) -> None:
        received = time.time_ns()
        status = json.loads(message.data)
        sent = self._sent_as(status["stamp"]["sec"] * 10**9 + status["stamp"]["nanosec"])
        if sent is None:
            return
        self._write(HeardStatus(sent[0], status, (received - sent[1]) / 1e9))
        if status["error"] is not None:
            self._finished = max(self._finished, sent[0])

    def _write(self, line: HeardMask | HeardStatus) -> None:
        self._heard.write(to_json(asdict(line)) + "\n")
