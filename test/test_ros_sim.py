"""The simulated camera and the node together, over real DDS, as `mdsm sim` and `mdsm_node` run them."""

from __future__ import annotations

import contextlib
import ctypes.util
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("mujoco", reason="needs the extra [sim]")
if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
    pytest.skip("rendering needs libegl1 and libgl1-mesa-dri", allow_module_level=True)

import rclpy
from geometry_msgs.msg import PoseStamped
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import String

from mdsm_ros.commands.interrupt import INTERRUPTED
from mdsm_ros.commands.main import main
from mdsm_ros.recordings.cameras.info import camera_of
from mdsm_ros.recordings.images.depth import depth_to_metres
from mdsm_ros.recordings.images.layouts import image_to_numpy

pytestmark = pytest.mark.ros

RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 120.0  # s; importing torch takes long on a busy machine
SIM = [sys.executable, "-m", "mdsm_ros.commands.main", "sim", "--size", "160x120", "--rate", "5"]
NODE = [
    sys.executable,
    "-m",
    "mdsm_ros.ros.node",
    "--ros-args",
    "-p",
    "image_reliability:=reliable",
    "-p",
    "depth:=true",
]


class Listener:
    """Hears everything on some topics."""

    def __init__(self, topics: dict[str, tuple[type, QoSProfile]]) -> None:
        self.context = Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("listener", context=self.context)
        self.heard: dict[str, list[Any]] = {topic: [] for topic in topics}
        for topic, (kind, qos) in topics.items():
            self.node.create_subscription(kind, topic, self.heard[topic].append, qos)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.thread = threading.Thread(target=self._spin)
        self.thread.start()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self.executor.spin()

    def wait(self, condition: Callable[[], Any], *processes: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            for process in processes:
                assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, {topic: len(heard) for topic, heard in self.heard.items()}
            time.sleep(0.05)

    def close(self) -> None:
        self.executor.shutdown()
        self.thread.join()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def start(ros_domain: int) -> Iterator[Callable[[list[str]], subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []

    def run(command: list[str]) -> subprocess.Popen[str]:
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return processes[-1]

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def listen(ros_domain: int) -> Iterator[Callable[..., Listener]]:
    listeners: list[Listener] = []

    def make(**topics: tuple[type, QoSProfile]) -> Listener:
        listeners.append(Listener({name.replace("__", "/"): about for name, about in topics.items()}))
        return listeners[-1]

    yield make
    for listener in listeners:
        listener.close()


def stamp(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def test_a_home_is_a_camera_that_walks_and_speaks(
    start: Callable[[list[str]], subprocess.Popen[str]], listen: Callable[..., Listener]
) -> None:
    eye = listen(
        image=(Image, RELIABLE),
        depth=(Image, RELIABLE),
        camera_info=(CameraInfo, RELIABLE),
        instruction=(String, LATCHED),
        ground_truth__mask=(Image, RELIABLE),
    )
    sim = start([*SIM, "--speak", "2", "--camera", "ideal"])
    topics = ("image", "depth", "camera_info", "ground_truth/mask")

    def complete() -> list[int]:
        """The stamps of what has come on all topics: DDS discovers them one after the other."""
        return sorted(set.intersection(*({stamp(message) for message in eye.heard[topic]} for topic in topics)))

    eye.wait(lambda: len(complete()) >= 15 and len(eye.heard["instruction"]) >= 2, sim)
    together, truth = complete(), list(eye.heard["ground_truth/mask"])
    sim.send_signal(signal.SIGINT)
    assert sim.wait(TIMEOUT) == INTERRUPTED
    images, depths = ({stamp(m): m for m in eye.heard[topic]} for topic in ("image", "depth"))
    first, last = images[together[0]], images[together[-1]]
    assert (first.encoding, first.width, first.height) == ("rgb8", 160, 120)
    assert first.header.frame_id == "camera_color_optical_frame"
    assert np.abs(image_to_numpy(first).astype(int) - image_to_numpy(last)).mean() > 1  # it moves
    metres = depth_to_metres(depths[together[0]])
    assert 0.1 < np.median(metres) < 10
    camera = camera_of(eye.heard["camera_info"][0], 160, 120)
    assert (camera.cx, camera.cy) == (80, 60)
    assert {message.encoding for message in truth} == {"mono8"}
    assert all(stamp(message) in images for message in truth if together[0] <= stamp(message) <= together[-1])
    assert any(image_to_numpy(message).any() for message in truth)


def test_the_node_answers_what_the_simulation_says_in_two_and_three_dimensions(
    start: Callable[[list[str]], subprocess.Popen[str]], listen: Callable[..., Listener]
) -> None:
    eye = listen(
        image=(Image, RELIABLE),
        mdsm__mask=(Image, RELIABLE),
        mdsm__status=(String, RELIABLE),
        mdsm__object_pose=(PoseStamped, RELIABLE),
        mdsm__object_points=(PointCloud2, RELIABLE),
    )
    node = start(NODE)
    sim = start([*SIM, "--speak", "5"])
    eye.wait(lambda: len(eye.heard["mdsm/object_points"]) >= 3 and eye.heard["mdsm/status"], node, sim)
    statuses = [json.loads(message.data) for message in eye.heard["mdsm/status"]]
    assert {status["error"] for status in statuses} == {None}

    def is_of_an_image(masks: set[int]) -> bool:
        """But for those of before: the node may have discovered the camera earlier than the listener has."""
        images = {stamp(message) for message in eye.heard["image"]}
        return bool(images) and {mask for mask in masks if mask >= min(images)} <= images

    masks = {stamp(message) for message in eye.heard["mdsm/mask"]}
    eye.wait(lambda: is_of_an_image(masks), node, sim)
    for pose in eye.heard["mdsm/object_pose"]:
        assert pose.header.frame_id == "camera_color_optical_frame"
        assert 0.1 < pose.pose.position.z < 10


def test_a_home_that_is_not_there(ros_domain: int, capfd: pytest.CaptureFixture[str]) -> None:
    from mdsm_ros.ros.sim import main as run_sim

    assert run_sim(["--ros-args", "-p", "home:=-1"]) == 1
    assert "Parameter home out of range" in capfd.readouterr().err


def test_a_library_that_is_not_there(ros_domain: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--library", str(tmp_path)]) == 1
    assert str(tmp_path) in capfd.readouterr().err


def test_a_camera_that_is_not_there(ros_domain: int, capfd: pytest.CaptureFixture[str]) -> None:
    from mdsm_ros.ros.sim import main as run_sim

    assert run_sim(["--ros-args", "-p", "camera:=box"]) == 1
    assert "camera is 'box', expected one of ['real', 'ideal']" in capfd.readouterr().err


def test_without_mujoco_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "mujoco", None)
    assert main(["sim"]) == 2
    error = capsys.readouterr().err
    assert "mdsm sim needs mujoco, of the extra sim, which is not installed" in error
    assert f"{ROOT}[sim]" in error
    assert "mdsm_ros[sim]" not in error.replace(str(ROOT), "")
