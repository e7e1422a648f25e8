"""The example programs as processes of their own, over DDS, with stand-ins for node and camera."""

from __future__ import annotations

import importlib.util
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import rclpy
from geometry_msgs.msg import PoseStamped, TransformStamped
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from sensor_msgs.msg import Image
from std_msgs.msg import String

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TIMEOUT = 60.0  # s
HALF = math.sqrt(0.5)


class StandIn:
    """A ROS node of the test, in the example's domain."""

    def __init__(self) -> None:
        self.context = Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("stand_in", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def until(self, condition: Callable[[], Any], act: Callable[[], None] = lambda: None) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline
            act()
            self.executor.spin_once(timeout_sec=0.2)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def stand_in(ros_domain: int) -> Iterator[StandIn]:
    made = StandIn()
    yield made
    made.close()


@pytest.fixture
def start(ros_domain: int) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []

    def run(name: str, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(EXAMPLES / f"{name}.py"), *options]
        processes.append(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
        return processes[-1]

    yield run
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=TIMEOUT)
            assert "Traceback" not in output, output
            assert process.returncode == 0, output
        finally:
            process.kill()


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_masks_become_files(stand_in: StandIn, start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    mask = np.zeros((4, 6), np.uint8)
    mask[1:3, 2:5] = 255
    rows = np.pad(mask, ((0, 0), (0, 2)), constant_values=7)  # rows that are longer than their pixels
    message = Image(height=4, width=6, step=8, encoding="mono8", data=rows.tobytes())
    message.header.stamp.sec, message.header.stamp.nanosec = 12, 34
    start("masks_to_files", "--out", str(tmp_path / "masks"), "--ros-args", "-r", "mask:=/mdsm/mask")
    publisher = stand_in.node.create_publisher(Image, "/mdsm/mask", 10)
    path = tmp_path / "masks" / "12_000000034.png"

    def publish() -> None:
        publisher.publish(message)  # until they have found each other
        if path.exists():
            message.header.stamp.sec = 13

    stand_in.until(path.with_name("13_000000034.png").exists, publish)  # by then the first file is whole and left alone
    assert np.array_equal(np.asarray(Picture.open(path)), mask)


def test_poses_come_out_in_the_robots_frame(stand_in: StandIn, start: Callable[..., subprocess.Popen[str]]) -> None:
    """A camera 1 m above the base that looks ahead: its z is the robot's x, its x the robot's -y."""
    heard: list[PoseStamped] = []
    stand_in.node.create_subscription(PoseStamped, "object_pose_in_base", heard.append, 10)
    publisher = stand_in.node.create_publisher(PoseStamped, "/mdsm/object_pose", 10)
    message = PoseStamped()
    message.header.frame_id = "camera_color_optical_frame"
    message.header.stamp.sec = 5
    message.pose.position.x, message.pose.position.z = 0.2, 2.0
    message.pose.orientation.w = 1.0
    place = ["0.1", "0", "1", "-1", "1", "-1", "1"]  # not normalised
    start("pose_to_base_link", "--static", *place, "--ros-args", "-r", "object_pose:=/mdsm/object_pose")
    stand_in.until(lambda: heard, lambda: publisher.publish(message))
    position, orientation = heard[0].pose.position, heard[0].pose.orientation
    assert (position.x, position.y, position.z) == pytest.approx((2.1, -0.2, 1.0))
    assert (orientation.x, orientation.y, orientation.z, orientation.w) == pytest.approx((-0.5, 0.5, -0.5, 0.5))
    assert (heard[0].header.frame_id, heard[0].header.stamp.sec) == ("base_link", 5)


def test_tf2_is_asked_at_the_stamp_of_the_image() -> None:
    asked = []

    class Buffer:
        def lookup_transform(self, target: str, source: str, when: Time) -> TransformStamped:
            asked.append((target, source, when.nanoseconds))
            found = TransformStamped()
            found.transform.translation.x = 1.0
            found.transform.rotation.z, found.transform.rotation.w = HALF, HALF  # a quarter to the left
            return found

    example = module("pose_to_base_link")
    message = PoseStamped()
    message.header.frame_id, message.header.stamp.sec = "camera", 3
    message.pose.position.x, message.pose.orientation.z, message.pose.orientation.w = 2.0, HALF, HALF
    moved = example.transformed(message, example.look_up_in(Buffer(), "map")(message))
    assert asked == [("map", "camera", 3 * 10**9)]
    assert (moved.pose.position.x, moved.pose.position.y) == pytest.approx((1.0, 2.0))
    assert (moved.pose.orientation.z, moved.pose.orientation.w) == pytest.approx((1.0, 0.0))


@pytest.mark.skipif(importlib.util.find_spec("tf2_ros") is not None, reason="tf2_ros is installed")
def test_without_tf2_the_static_transform_is_named() -> None:
    command = [sys.executable, str(EXAMPLES / "pose_to_base_link.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert result.returncode == 2
    assert "without tf2_ros, give the camera's pose with --static" in result.stderr
    assert "Traceback" not in result.stderr


def test_lines_become_instructions(stand_in: StandIn, start: Callable[..., subprocess.Popen[str]]) -> None:
    heard: list[str] = []
    stand_in.node.create_subscription(String, "instruction", lambda message: heard.append(message.data), LATCHED)
    speech = start("speech_to_instruction")
    assert speech.stdin is not None
    speech.stdin.write("take the  red cup\n\nhm\n")
    speech.stdin.flush()
    stand_in.until(lambda: heard)
    speech.stdin.write("now get the blue one\n")
    speech.stdin.flush()
    stand_in.until(lambda: len(heard) == 2)
    assert heard == ["take the red cup", "now get the blue one"]
    speech.stdin.close()
    speech.stdin = None
    assert speech.wait(TIMEOUT) == 0


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_is_short_and_in_the_list(path: Path) -> None:
    assert path.name in (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert len(path.read_text(encoding="utf-8").splitlines()) < 160
