"""The demo's ROS side: sends a source to the node through DDS and collects the answers."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String
from tqdm import tqdm
from typing_extensions import Self

from mdsm_ros.errors import DemoError
from mdsm_ros.recordings.exchange import Frame, MaskMessage, Replay, Source, Status
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.ros.process.start import init_ros

RELIABLE = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TYPES = {
    "sensor_msgs/msg/CameraInfo": CameraInfo,
    "sensor_msgs/msg/CompressedImage": CompressedImage,
    "sensor_msgs/msg/Image": Image,
    "std_msgs/msg/String": String,
}
NODE = "mdsm"
Listeners = tuple[tuple[str, type, Callable[[Any], None]], ...]
POLL = 0.02  # s
OVERLAY_TIMEOUT = 10.0  # s from a mask to its overlay, which a busy computer takes long to draw


class DemoPlayer:
    """Publishes the messages of ``source`` and receives the node's answers. Use it as a context manager."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._frames: dict[int, Frame] = {}
        self._sent: dict[int, int] = {}  # ns, time.time_ns() by stamp
        self._replay = Replay(self._frames, [], {"initial": [], "final": []}, {})

    def __enter__(self) -> Self:
        self._context = Context()
        init_ros([], self._context)
        self._node = rclpy.create_node("mdsm_demo", context=self._context)
        self._publishers = {
            topic: self._node.create_publisher(
                TYPES[kind], topic, LATCHED if topic == self.source.instruction_topic else RELIABLE
            )
            for topic, kind in self.source.topics.items()
        }
        for topic, kind, callback in self._listeners():
            self._node.create_subscription(kind, f"{NODE}/{topic}", callback, RELIABLE)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        self._context.try_shutdown()
        self._thread.join()

    def _listeners(self) -> Listeners:
        """The subscriptions: topic of the node, type, callback."""
        return (
            ("initial_mask", Image, lambda message: self._on_mask("initial", message)),
            ("mask", Image, lambda message: self._on_mask("final", message)),
            ("overlay", Image, self._on_overlay),
            ("status", String, self._on_status),
        )

    def wait_until_ready(self, check: Callable[[], None], timeout: float) -> None:
        """Waits until the node and this player are connected; ``check`` raises if the node has ended.

        Raises:
            DemoError: They did not connect within ``timeout`` seconds.
        """
        needed = [self._publishers[topic] for topic in (self.source.image_topic, self.source.instruction_topic)]

        def ready() -> bool:
            listening = all(publisher.get_subscription_count() > 0 for publisher in needed)
            return listening and all(
                self._node.count_publishers(f"{NODE}/{topic}") > 0 for topic in ("mask", "initial_mask", "status")
            )

        if not self._wait(ready, check, timeout):
            raise DemoError(f"the node did not subscribe to {self.source.image_topic} within {timeout:.0f} s")

    def play(self, check: Callable[[], None], rate: float) -> None:
        """Sends every message at its time, ``rate`` times as fast as recorded."""
        start = time.monotonic()
        bar_format = "{desc}: {bar} {n:.0f}/{total:.0f} s of recording"
        with tqdm(total=self.source.duration, desc="replaying", bar_format=bar_format, disable=None) as bar:
            for message in self.source.messages(time.time_ns()):
                check()
                time.sleep(max(0.0, start + message.due / rate - time.monotonic()))
                if message.frame is not None:
                    self._note_sent(message.frame)
                self._publishers[message.topic].publish(message.data)
                bar.update(message.due - bar.n)

    def _note_sent(self, frame: Frame) -> None:
        self._frames[frame.stamp] = frame
        self._sent[frame.stamp] = time.time_ns()

    def wait_for_last_answer(self, check: Callable[[], None], timeout: float) -> None:
        """Waits until the newest frame is answered, at most ``timeout`` seconds, and then for its overlay."""
        newest = max(self._frames)
        if self._wait(lambda: any(mask.stamp == newest for mask in self._replay.masks["final"]), check, timeout):
            self._wait(lambda: newest in self._replay.overlays, check, OVERLAY_TIMEOUT)
        time.sleep(10 * POLL)  # the status is published between mask and overlay, but may arrive later

    def replay(self) -> Replay:
        """The images sent and the answers received; call it after the context is closed."""
        return self._replay

    def _wait(self, condition: Callable[[], bool], check: Callable[[], None], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while not condition():
            check()
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL)
        return True

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _on_mask(self, kind: str, message: Image) -> None:
        mask = image_to_numpy(message) > 127
        self._replay.masks[kind].append(MaskMessage(nanoseconds(message), message.header.frame_id, mask))

    def _on_overlay(self, message: Image) -> None:
        self._replay.overlays[nanoseconds(message)] = image_to_numpy(message)

    def _on_status(self, message: String) -> None:
        received = time.time_ns()
        values = json.loads(message.data)
        stamp = values["stamp"]["sec"] * 10**9 + values["stamp"]["nanosec"]
        sent = self._sent.get(stamp, received)
        seconds = values["timings"].get("total", 0.0)
        since_stamp = values["latency"] or 0.0  # s; the stamps of a recording lie far in the past
        self._replay.statuses.append(
            Status(
                stamp=stamp,
                frame_id=values["frame_id"],
                instruction=values["instruction"],
                stage=values["stage"] or "",
                present=bool(values["present"]),
                seconds=seconds,
                latency=(received - sent) / 1e9,
                age=since_stamp - (sent - stamp) / 1e9 - seconds,
                error=values["error"],
            )
        )


def nanoseconds(message: Image) -> int:
    """The stamp of an image."""
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)
