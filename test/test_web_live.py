"""The page's way to a running node, over real DDS, and what it says without ROS."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from mdsm_ros.commands.web.live.link import Link
from mdsm_ros.commands.web.live.viewer import picture_html, status_text
from mdsm_ros.errors import InstructionError, MissingPackageError, RosError

TIMEOUT = 60.0  # s; the machine may be busy


def test_without_ros_the_page_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdsm_ros.extras.is_installed", lambda module: module != "rclpy")
    with pytest.raises(MissingPackageError, match="the Live page needs rclpy"):
        Link().watcher()


class Seen:
    """A view of a node, as the watcher gives it."""

    def __init__(self, status: dict[str, Any] | None, age: float | None = 0.1, fault: str | None = None) -> None:
        self.status, self.age, self.fault = status, age, fault


def test_a_status_is_shown_in_words_and_never_as_html() -> None:
    assert "has not answered" in status_text(Seen(None, None, "image encoding is x"))
    found = {
        "instruction": "get <img src=x> [a](b)", "present": True, "score": 0.9, "stage": "refined",
        "timings": {"total": 0.2}, "latency": 0.3, "error": None,
    }  # fmt: skip
    text = status_text(Seen(found, 9.0))
    assert "<img" not in text
    assert "[a](b)" not in text
    assert "**in view**, score 0.9" in text
    assert "silent for 9 s" in text
    assert "out of memory" in status_text(Seen({"error": "out of memory"}))
    assert "no overlay yet" in picture_html(None, "overlay")
    assert picture_html(np.zeros((4, 4, 3), np.uint8), "overlay").startswith("<img")


@pytest.fixture
def robot(ros_domain: int) -> Iterator[Any]:
    """A stand-in of the node with all its ends, and a camera; gives the stand-in."""
    rclpy = pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    from rclpy.context import Context
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from sensor_msgs.msg import Image
    from std_msgs.msg import String

    from mdsm_ros.ros.conversions import numpy_to_image

    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("mdsm", namespace="/arm", context=context)
    heard: dict[str, list[str]] = {"instruction": [], "reply": []}
    node.create_subscription(Image, "/camera/color", lambda _: None, 1)
    node.create_subscription(Image, "/camera/depth/image", lambda _: None, 1)
    node.create_subscription(String, "/instruction", lambda m: heard["instruction"].append(m.data), 10)
    node.create_subscription(String, "~/reply", lambda m: heard["reply"].append(m.data), 10)
    kinds = {"mask": Image, "overlay": Image, "status": String}
    publishers = {name: node.create_publisher(kind, f"~/{name}", 10) for name, kind in kinds.items()}
    camera = node.create_publisher(Image, "/camera/color", 1)

    def publish() -> None:
        from std_msgs.msg import Header

        picture = np.zeros((6, 8, 3), np.uint8)
        camera.publish(numpy_to_image(picture + 40, "rgb8", Header()))
        publishers["overlay"].publish(numpy_to_image(picture + 90, "rgb8", Header()))
        publishers["status"].publish(String(data=json.dumps({"instruction": "get it", "error": None})))

    node.create_timer(0.1, publish)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publishers["question"] = node.create_publisher(String, "~/question", latched)
    publishers["question"].publish(String(data="asked before anybody watches"))
    node.heard, node.ask = heard, lambda text: publishers["question"].publish(String(data=text))
    yield node
    executor.shutdown()
    context.try_shutdown()
    thread.join()


def test_windows_that_choose_a_node_at_once_leave_no_subscription_behind(
    ros_domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    from mdsm_ros.ros.players.node_watcher import Ends, NodeWatcher

    with NodeWatcher() as watcher:
        alive: list[object] = []

        def create(*_: object) -> object:
            time.sleep(0.01)  # the other window comes in between
            alive.append(object())
            return alive[-1]

        monkeypatch.setattr(watcher._node, "create_subscription", create)
        monkeypatch.setattr(watcher._node, "destroy_subscription", alive.remove)
        monkeypatch.setattr(watcher, "nodes", lambda: ["/mdsm"])
        monkeypatch.setattr(watcher, "_ends", lambda _: Ends("/image", False, None, None, None))
        with ThreadPoolExecutor(4) as windows:
            for watched in [windows.submit(watcher.watch, "/mdsm") for _ in range(4)]:
                watched.result()
        assert len(alive) == 3  # image, overlay and status, once
        watcher.leave()
        assert alive == []


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + TIMEOUT
    while not (found := condition()):
        assert time.monotonic() < deadline, "nothing came over DDS"
        time.sleep(0.05)
    return found


def test_a_running_node_is_found_watched_and_spoken_to(robot: Any) -> None:
    link = Link()
    assert until(link.nodes) == ["/arm/mdsm"]
    watcher = link.watcher()
    with pytest.raises(RosError, match="expected one that runs: /arm/mdsm"):
        watcher.watch("/no/such")
    with pytest.raises(RosError):
        watcher.say("get the cup")  # nobody is watched
    until(lambda: None not in dataclasses.astuple(watcher.watch("/arm/mdsm")))  # DDS tells one topic after the other
    ends = watcher.ends
    assert ends is not None
    assert (ends.camera, ends.compressed, ends.instruction) == ("/camera/color", False, "/instruction")
    view = until(lambda: (v := watcher.view()).status and v.overlay is not None and v.camera is not None and v)
    assert view.camera[0, 0, 0] == 40
    assert view.overlay[0, 0, 0] == 90
    assert view.status["instruction"] == "get it"
    until(lambda: watcher.view().question == "asked before anybody watches")
    with pytest.raises(InstructionError):
        watcher.say(" ")
    assert watcher.say(" get  the cup") == "get the cup"
    assert until(lambda: robot.heard["instruction"]) == ["get the cup"]
    until(lambda: robot.ask("the red or the blue one?") or watcher.view().question == "the red or the blue one?")
    watcher.reply("the red one")
    assert until(lambda: robot.heard["reply"]) == ["the red one"]
    until(lambda: robot.ask(json.dumps({"question": None, "settled": "the red one"})) or not watcher.view().question)
    until(lambda: robot.ask(json.dumps({"question": "which cup?"})) or watcher.view().question == "which cup?")
    watcher.leave()
    assert watcher.view().status is None
    link.close()
