"""A camera for benchmarks that sends an image after each answer, and measures the CPU time of the node per answer."""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import rclpy
from PIL import Image as PillowImage
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String

from mdsm_ros.files import to_json
from mdsm_ros.pixels import open_picture, picture_to_rgb
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.players.bench_camera import CAMERA, LATCHED, RELIABLE
from mdsm_ros.ros.process.start import init_ros

QUALITY = 90  # of JPEG
WARM = 2  # answers that are not counted
IDLE = 3.0  # s over which the CPU time of the idle node is measured
INSTRUCTION = "get the red cup"


class StepCamera:
    """Sends images one by one to the node with a process id."""

    def __init__(self, pid: int, is_compressed: bool, timeout: float) -> None:
        self._process = psutil.Process(pid)
        self._timeout = timeout
        self._node = rclpy.create_node("mdsm_bench")
        kind, topic = (CompressedImage, "image/compressed") if is_compressed else (Image, "image")
        self._images = self._node.create_publisher(kind, topic, CAMERA)
        self._instructions = self._node.create_publisher(String, "instruction", LATCHED)
        self._answered = 0  # stamp of the newest final answer, s
        self._masks = 0
        self._node.create_subscription(String, "mdsm/status", self._on_status, RELIABLE)
        for topic in ("mdsm/mask", "mdsm/initial_mask"):
            self._node.create_subscription(Image, topic, self._on_mask, RELIABLE)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)

    def wait_for_node(self) -> float:
        """Waits until the node is active; returns the CPU time that it takes per second while it is idle."""
        self._instructions.publish(String(data=INSTRUCTION))
        self._wait(lambda: self._images.get_subscription_count() and self._instructions.get_subscription_count())
        before, begun = self._cpu(), time.monotonic()
        end = begun + IDLE
        self._wait(lambda: time.monotonic() > end)
        return (self._cpu() - before) / (time.monotonic() - begun)

    def measure(self, message: Image | CompressedImage, answers: int, idle: float) -> dict[str, float]:
        """CPU seconds of the node per answer, idle time left out, and the number of masks that came."""
        for number in range(WARM + answers):
            if number == WARM:
                before, begun, masks = self._cpu(), time.monotonic(), self._masks
            stamp = self._answered + 1
            message.header.stamp.sec = stamp
            self._images.publish(message)
            self._wait(lambda: self._answered == stamp)  # noqa: B023, called at once
        spent = self._cpu() - before - idle * (time.monotonic() - begun)
        self._wait(lambda: self._masks - masks >= 2 * answers - 1)  # the last may still be on its way
        return {"cpu": spent / answers, "masks": self._masks - masks}

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _wait(self, condition: Any) -> None:
        deadline = time.monotonic() + self._timeout
        while not condition():
            self._executor.spin_once(0.1)
            if time.monotonic() > deadline:
                raise TimeoutError(f"the node did not answer within {self._timeout:.0f} s")

    def _on_status(self, message: String) -> None:
        status: dict[str, Any] = json.loads(message.data)
        if status["stage"] == "refined":
            self._answered = status["stamp"]["sec"]

    def _on_mask(self, message: Image) -> None:
        self._masks += 1


def message_of(pixels: np.ndarray, is_compressed: bool) -> Image | CompressedImage:
    """An image message of pixels (H, W, 3) RGB; compressed as JPEG."""
    header = Header(frame_id="camera")
    if not is_compressed:
        return numpy_to_image(pixels, "rgb8", header)
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, "jpeg", quality=QUALITY)
    return CompressedImage(header=header, format="rgb8; jpeg compressed bgr8", data=stream.getvalue())


def main(argv: Sequence[str] | None = None) -> int:
    """Prints one JSON object: the CPU seconds of the node per answer, by size of the image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pid", type=int, required=True, help="process of the node")
    parser.add_argument("--photograph", type=Path, required=True)
    parser.add_argument("--sizes", nargs="+", required=True, metavar="WIDTHxHEIGHT")
    parser.add_argument("--answers", type=int, required=True)
    parser.add_argument("--compressed", action="store_true")
    parser.add_argument("--timeout", type=float, required=True, help="time limit for each answer in seconds")
    args = parser.parse_args(argv)
    init_ros([])
    with open_picture(args.photograph) as picture:
        pixels = picture_to_rgb(picture)
    camera = StepCamera(args.pid, args.compressed, args.timeout)
    measured = {}
    try:
        idle = camera.wait_for_node()
        for size in args.sizes:
            width, height = map(int, size.split("x"))
            scaled = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
            measured[size] = camera.measure(message_of(scaled, args.compressed), args.answers, idle)
    except TimeoutError as error:
        print(error, file=sys.stderr)
        return 1
    print(to_json(measured))
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
