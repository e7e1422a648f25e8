"""The node as a process of its own, started the way users start it, with a real model."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import rclpy
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.srv import GetState
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String

from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.node import main

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parent.parent
NODE = [sys.executable, "-m", "mdsm_ros.ros.node"]
START_TIMEOUT = 120.0  # s; importing torch takes long on a busy machine
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def ros_arguments(**parameters: object) -> list[str]:
    return ["--ros-args", *(part for name, value in parameters.items() for part in ("-p", f"{name}:={value}"))]


class Process:
    """A command whose output is kept."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
            )

    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while text not in self.output():
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def wait(self) -> int:
        return self._process.wait(START_TIMEOUT)

    def send(self, kind: signal.Signals) -> None:
        self._process.send_signal(kind)

    def end(self, kind: signal.Signals) -> int:
        self.send(kind)
        return self.wait()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def start(tmp_path: Path, ros_domain: int) -> Iterator[Callable[..., Process]]:
    processes: list[Process] = []

    def run(command: list[str], **environment: str) -> Process:
        processes.append(Process(command, tmp_path / f"{len(processes)}.log", **environment))
        return processes[-1]

    yield run
    for process in processes:
        process.close()


@pytest.fixture
def client(ros_domain: int) -> Iterator[Any]:
    """An rclpy node that spins."""
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("client", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin)
    thread.start()
    yield node
    executor.shutdown()
    thread.join()
    node.destroy_node()
    context.try_shutdown()


def call(service: Any, request: Any) -> Any:
    """Asks until there is an answer: Fast DDS may lose the first one while the two sides still discover each other."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        future = service.call_async(request)
        again = time.monotonic() + 3.0
        while time.monotonic() < again:
            if future.done():
                return future.result()
            time.sleep(0.02)
    raise AssertionError("the service does not answer")


def answer(client: Any, topic: str, name: str) -> tuple[Image, dict[str, Any]]:
    """Shows an image on ``topic`` until node ``name`` has answered it."""
    masks: list[Image] = []
    statuses: list[String] = []
    client.create_subscription(Image, f"{name}/mask", masks.append, RELIABLE)
    client.create_subscription(String, f"{name}/status", statuses.append, RELIABLE)
    camera = client.create_publisher(Image, topic, RELIABLE)
    header = Header(frame_id="camera")
    header.stamp.sec = 12
    message = numpy_to_image(np.full((48, 64, 3), 90, np.uint8), "rgb8", header)
    deadline = time.monotonic() + START_TIMEOUT
    while not (masks and statuses):
        assert time.monotonic() < deadline, "no answer"
        if camera.get_subscription_count():
            camera.publish(message)
        time.sleep(0.2)
    assert masks[-1].header == header
    return masks[-1], json.loads(statuses[-1].data)


def test_the_node_answers_and_ends_when_told(
    start: Callable[..., Process], client: Any, untrained_weights: Path
) -> None:
    parameters = {"model": untrained_weights, "device": "cpu", "instruction": "get the red cup"}
    node = start([*NODE, *ros_arguments(**parameters, image_reliability="reliable")])
    mask, status = answer(client, "image", "mdsm")
    assert image_to_numpy(mask).shape == (48, 64)
    assert status["instruction"] == "get the red cup"
    assert status["error"] is None
    assert {"text", "initial", "total"} <= set(status["timings"])
    assert node.end(signal.SIGINT) == 0, node.output()
    assert "Traceback" not in node.output()


def test_being_told_to_end_twice_is_as_good_as_once(
    start: Callable[..., Process], client: Any, untrained_weights: Path
) -> None:
    node = start([*NODE, *ros_arguments(model=untrained_weights, instruction="'get the red cup'")])
    node.wait_for("active on")
    answer(client, "image", "mdsm")
    node.send(signal.SIGINT)  # from the terminal
    time.sleep(0.02)
    assert node.end(signal.SIGINT) == 0, node.output()  # and from ros2 launch
    assert "Traceback" not in node.output()


def test_without_autostart_the_node_waits_for_a_manager(start: Callable[..., Process], client: Any) -> None:
    node = start([*NODE, *ros_arguments(autostart="false", model="/nowhere/weights")])
    state = client.create_client(GetState, "mdsm/get_state")
    assert state.wait_for_service(START_TIMEOUT), node.output()
    assert call(state, GetState.Request()).current_state.label == "unconfigured"
    assert node.end(signal.SIGTERM) == 0
    assert "Traceback" not in node.output()


@pytest.mark.parametrize(
    ("parameters", "expectation"),
    [
        ({"model": "/nowhere/weights"}, "cannot load model '/nowhere/weights' on device 'auto': "),
        ({"device": "toaster", "model": None}, "on device 'toaster': device is 'toaster', expected "),
        ({"image_transport": "theora"}, "parameter image_transport is 'theora', expected raw or compressed"),
        ({"mask_threshold": 2.0}, "mask_threshold"),
        ({"seed": "many"}, "seed"),
        ({"instruction": "a" * 1001}, "instruction has 1001 characters, expected at most 1000"),
    ],
)
def test_a_node_that_cannot_start_says_why(
    ros_domain: int,
    untrained_weights: Path,
    parameters: dict[str, object],
    expectation: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    given = {name: untrained_weights if value is None else value for name, value in parameters.items()}
    assert main(ros_arguments(**given)) == 1
    log = capfd.readouterr().err
    assert expectation in log
    assert "Traceback" not in log


def launch_file(start: Callable[..., Process], folder: Path, name: str, arguments: dict[str, str]) -> Process:
    """Runs a launch file with the real launch, in a prefix that has the package's executables."""
    for executable, module in (("mdsm_node", "mdsm_ros.ros.node"), ("mdsm_sim", "mdsm_ros.ros.sim")):
        script = folder / "lib" / "mdsm_ros" / executable
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f'#!/bin/sh\nenv >{folder / executable}.env\nexec {sys.executable} -m {module} "$@"\n')
        script.chmod(0o755)
    marker = folder / "share" / "ament_index" / "resource_index" / "packages" / "mdsm_ros"
    marker.parent.mkdir(parents=True)
    marker.touch()
    code = (
        "from launch import LaunchService\n"
        "from launch.actions import IncludeLaunchDescription\n"
        "from launch.launch_description_sources import PythonLaunchDescriptionSource\n"
        "service = LaunchService()\n"
        f"source = PythonLaunchDescriptionSource({str(ROOT / 'launch' / name)!r})\n"
        f"arguments = {list(arguments.items())!r}\n"
        "service.include_launch_description(IncludeLaunchDescription(source, launch_arguments=arguments))\n"
        "service.run()\n"
    )
    prefixes = os.pathsep.join(filter(None, (str(folder), os.environ.get("AMENT_PREFIX_PATH"))))
    return start([sys.executable, "-c", code], AMENT_PREFIX_PATH=prefixes)


@pytest.mark.skipif(find_spec("launch_ros") is None, reason="launch_ros is not installed")
def test_the_launch_file(start: Callable[..., Process], client: Any, untrained_weights: Path, tmp_path: Path) -> None:
    arguments = {
        "namespace": "left",
        "model": str(untrained_weights),
        "device": "cpu",
        "image": "/front/image_raw",
        "instruction": "/task",
        "probability": "/front/likely",
    }
    launch = launch_file(start, tmp_path, "mdsm.launch.py", arguments)
    client.create_publisher(String, "/task", LATCHED).publish(String(data="get the red cup"))
    launch.wait_for("active on cpu; images: /front/image_raw (Image, best_effort), instructions: /task")
    assert answer(client, "/front/image_raw", "left/mdsm")[1]["instruction"] == "get the red cup"
    deadline = time.monotonic() + START_TIMEOUT
    while client.count_publishers("/front/likely") != 1:  # one topic may be discovered later than another
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "fastdds_large_images.xml" in (tmp_path / "mdsm_node.env").read_text()
    assert launch.end(signal.SIGINT) == 0


@pytest.mark.skipif(find_spec("launch_ros") is None, reason="launch_ros is not installed")
def test_the_launch_file_of_the_demo(start: Callable[..., Process], client: Any, tmp_path: Path) -> None:
    pytest.importorskip("mujoco", reason="needs the extra [sim]")
    arguments = {"speak": "3.0", "width": "160", "height": "120", "rate": "4.0", "camera": "ideal"}
    frame = "camera_color_optical_frame" if find_spec("tf2_ros") is None else "base_link"
    arguments["target_frame"] = "" if find_spec("tf2_ros") is None else frame
    poses: list[PoseStamped] = []
    client.create_subscription(PoseStamped, "/mdsm/object_pose", poses.append, RELIABLE)
    launch = launch_file(start, tmp_path, "demo.launch.py", arguments)
    launch.wait_for("active on")
    deadline = time.monotonic() + START_TIMEOUT
    while not poses:
        assert time.monotonic() < deadline, launch.output()
        time.sleep(0.1)
    assert poses[0].header.frame_id == frame
    assert launch.end(signal.SIGINT) == 0
