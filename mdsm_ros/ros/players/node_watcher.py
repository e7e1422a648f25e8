"""Watches a running node from another process, like ``ros2 topic echo``, and sends instructions to it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from mdsm_ros.errors import ConversionError, RosError
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.recordings.images.colors import image_to_rgb
from mdsm_ros.recordings.images.compressed import compressed_image_to_rgb
from mdsm_ros.ros.process.start import init_ros

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
IMAGE, COMPRESSED, STRING = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "std_msgs/msg/String"
OVERLAY, STATUS, QUESTION, REPLY = "overlay", "status", "question", "reply"


@dataclass(frozen=True)
class Ends:
    """Topics of a node by their full names; None if it has no such topic.

    Attributes:
        camera: Topic of its images.
        compressed: Whether they are CompressedImage messages.
        instruction: Topic of instructions.
        question: Topic of its questions.
        reply: Topic of replies to its questions.
    """

    camera: str | None
    compressed: bool
    instruction: str | None
    question: str | None
    reply: str | None


@dataclass(frozen=True)
class View:
    """What a node shows and says now.

    Attributes:
        camera: Its newest camera image, uint8 (H, W, 3) RGB; None where none has come.
        overlay: Its newest overlay, likewise.
        status: Its newest status.
        question: Its newest question, which is not settled yet.
        age: Seconds since the newest status; None where none has come.
        fault: Why the camera's image cannot be shown.
    """

    camera: NDArray[np.uint8] | None
    overlay: NDArray[np.uint8] | None
    status: dict[str, Any] | None
    question: str | None
    age: float | None
    fault: str | None


class NodeWatcher:
    """A ROS node of its own that listens to one ``mdsm`` node at a time. Use it as a context manager.

    Raises:
        RosError: ROS cannot start here.
    """

    def __init__(self) -> None:
        self._context = Context()
        init_ros([], self._context)
        self._node = rclpy.create_node("mdsm_web", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._lock = threading.Lock()
        self._changing = threading.RLock()  # two windows of the page may choose a node at once
        self._newest: dict[str, Any] = {}  # newest message of each sort
        self._heard = 0.0  # s, time.monotonic() of the newest status
        self._subscriptions: list[Any] = []
        self._publishers: dict[str, Publisher] = {}
        self.watched: str | None = None
        self.ends: Ends | None = None
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def __enter__(self) -> NodeWatcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the ROS node."""
        self._executor.shutdown()
        self._context.try_shutdown()
        self._thread.join()

    def nodes(self) -> list[str]:
        """Full names of the running nodes that publish masks and a status."""
        found = []
        for name, namespace in self._node.get_node_names_and_namespaces():
            full = f"{namespace.rstrip('/')}/{name}"
            published = self._topics(self._node.get_publisher_names_and_types_by_node, name, namespace)
            if published.get(f"{full}/{STATUS}") == STRING and published.get(f"{full}/mask") == IMAGE:
                found.append(full)
        return sorted(set(found))

    def watch(self, full_name: str) -> Ends:
        """Listens to a node instead of the previous one.

        The overlay is drawn only while somebody listens to it, so this costs the node time.

        Args:
            full_name: One of :meth:`nodes`.

        Raises:
            RosError: There is no such node.
        """
        if full_name not in self.nodes():
            raise RosError(f"node is {full_name!r}, expected one that runs: {', '.join(self.nodes()) or 'none does'}")
        with self._changing:
            self.leave()
            return self._listen(full_name)

    def _listen(self, full_name: str) -> Ends:
        ends = self._ends(full_name)
        heard: list[tuple[str | None, type, str, QoSProfile]] = [
            (ends.camera, CompressedImage if ends.compressed else Image, "camera", BEST_EFFORT),
            (f"{full_name}/{OVERLAY}", Image, OVERLAY, BEST_EFFORT),
            (f"{full_name}/{STATUS}", String, STATUS, RELIABLE),
            (ends.question, String, QUESTION, self._qos_of(ends.question)),
        ]
        for topic, kind, what, qos in heard:
            if topic is not None:
                self._subscriptions.append(self._node.create_subscription(kind, topic, self._keeper(what), qos))
        for what, said in (("instruction", ends.instruction), (REPLY, ends.reply)):
            if said is not None:
                qos = LATCHED if what == "instruction" else RELIABLE
                self._publishers[what] = self._node.create_publisher(String, said, qos)
        self.watched, self.ends = full_name, ends
        return ends

    def leave(self) -> None:
        """Stops listening to the node."""
        with self._changing:
            for subscription in self._subscriptions:
                self._node.destroy_subscription(subscription)
            for publisher in self._publishers.values():
                self._node.destroy_publisher(publisher)
            self._subscriptions, self._publishers = [], {}
            self.watched = self.ends = None
        with self._lock:
            self._newest.clear()

    def view(self) -> View:
        """What the node shows and says now."""
        with self._lock:
            newest, age = dict(self._newest), time.monotonic() - self._heard
        camera, fault = _rgb(newest.get("camera"))
        overlay, _ = _rgb(newest.get(OVERLAY))
        status, question = newest.get(STATUS), newest.get(QUESTION)
        return View(
            camera,
            overlay,
            None if status is None else _parsed(status.data),
            None if question is None else _asked(question.data),
            None if status is None else age,
            fault,
        )

    def say(self, text: str) -> str:
        """Publishes an instruction; returns it as the node will read it.

        Raises:
            InstructionError: It cannot be used.
            RosError: No node is watched, or it listens to no instructions.
        """
        instruction = validate_instruction(text)
        self._publish("instruction", instruction)
        with self._lock:
            self._newest.pop(QUESTION, None)  # the one that was asked about the instruction before
        return instruction

    def reply(self, text: str) -> None:
        """Publishes an answer to the node's question; errors are those of :meth:`say`."""
        self._publish(REPLY, validate_instruction(text))

    def _publish(self, what: str, text: str) -> None:
        with self._changing:
            if what not in self._publishers:
                raise RosError(f"node is {self.watched!r}, expected one that listens to topics of the type {STRING}")
            self._publishers[what].publish(String(data=text))

    def _keeper(self, what: str) -> Callable[[Any], None]:
        def keep(message: Any) -> None:
            with self._lock:
                self._newest[what] = message
                if what == STATUS:
                    self._heard = time.monotonic()

        return keep

    def _qos_of(self, topic: str | None) -> QoSProfile:
        """With history where the publisher keeps it: a question may have been asked before this node listened."""
        offers = [] if topic is None else self._node.get_publishers_info_by_topic(topic)
        kept = [offer.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers]
        return LATCHED if kept and all(kept) else RELIABLE

    def _ends(self, full_name: str) -> Ends:
        namespace, _, name = full_name.rpartition("/")
        heard = self._topics(self._node.get_subscriber_names_and_types_by_node, name, namespace or "/")
        published = self._topics(self._node.get_publisher_names_and_types_by_node, name, namespace or "/")
        reply = f"{full_name}/{REPLY}"
        cameras = [topic for topic, kind in heard.items() if kind in (IMAGE, COMPRESSED) and "depth" not in topic]
        instructions = [topic for topic, kind in heard.items() if kind == STRING and topic != reply]
        camera = _first(cameras)
        return Ends(
            camera,
            camera is not None and heard[camera] == COMPRESSED,
            _first(instructions),
            f"{full_name}/{QUESTION}" if published.get(f"{full_name}/{QUESTION}") == STRING else None,
            reply if heard.get(reply) == STRING else None,
        )

    @staticmethod
    def _topics(of_node: Callable[[str, str], Any], name: str, namespace: str) -> dict[str, str]:
        """Type by topic; nothing where the node has just ended."""
        try:
            return {topic: kinds[0] for topic, kinds in of_node(name, namespace)}
        except Exception:  # NodeNameNonExistentError, whose class depends on the ROS version
            return {}

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()


def _first(topics: Iterable[str]) -> str | None:
    return min(topics, default=None)


def _rgb(message: Any) -> tuple[NDArray[np.uint8] | None, str | None]:
    if message is None:
        return None, None
    try:
        return (compressed_image_to_rgb if isinstance(message, CompressedImage) else image_to_rgb)(message), None
    except ConversionError as error:
        return None, str(error)


def _asked(text: str) -> str | None:
    """The question of a message: a line of JSON with ``question``, null once it is settled, or the question itself."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = {"question": text}
    asked = content.get("question") if isinstance(content, dict) else text
    return asked if isinstance(asked, str) and asked.strip() else None


def _parsed(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {"error": "the node's status is no JSON object"}
