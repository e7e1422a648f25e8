"""A camera for benchmarks: sends images to a running node at a steady rate and prints its reports as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String

from mdsm_ros.files import to_json
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.process.start import init_ros

RELIABLE = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
CAMERA = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)  # as in camera drivers
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SETTLE = 3.0  # s from the last image to the last report
LAST_ANSWER = 60.0  # s, at most, from then until the last image is answered


class BenchCamera:
    """Publishes ``frames`` noise images and collects status lines and diagnostics."""

    def __init__(self, width: int, height: int, best_effort: bool) -> None:
        self._node = rclpy.create_node("mdsm_bench")
        self._images = self._node.create_publisher(Image, "image", BEST_EFFORT if best_effort else CAMERA)
        self._instructions = self._node.create_publisher(String, "instruction", LATCHED)
        self.answers: list[dict[str, float]] = []
        self.reports: list[dict[str, str]] = []
        self._node.create_subscription(String, "mdsm/status", self._on_status, RELIABLE)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, RELIABLE)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        self._message = numpy_to_image(pixels, "rgb8", Header(frame_id="camera"))

    def wait_for_node(self, instruction: str, timeout: float) -> bool:
        """Whether the node subscribes and reports the instruction within ``timeout`` seconds.

        An image that came before the instruction would be neither answered nor counted as dropped.
        """
        self._instructions.publish(String(data=instruction))
        return self._spin_while(
            lambda: not self._images.get_subscription_count() or self._last("instruction") != instruction, timeout
        )

    def show(self, frames: int, rate: float) -> None:
        """Publishes ``rate`` images per second, stamped with the time at which they are sent."""
        start = time.monotonic()
        for number in range(frames):
            self._spin_until(start + number / rate)
            self._message.header.stamp = self._node.get_clock().now().to_msg()
            self._images.publish(self._message)
        self._spin_until(time.monotonic() + SETTLE)
        if not self._is_done():  # a slow model works on the last image
            self._spin_while(lambda: not self._is_done(), LAST_ANSWER)
            self._spin_until(time.monotonic() + SETTLE)

    def _is_done(self) -> bool:
        """Whether the last report knows what became of each image."""
        done = (self._last(name) for name in ("images answered", "images dropped (superseded)"))
        return sum(int(count or 0) for count in done) >= int(self._last("images received") or 0)

    def _last(self, name: str) -> str | None:
        return self.reports[-1].get(name) if self.reports else None

    def _spin_while(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Whether the condition has ended within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while condition():
            self._executor.spin_once(0.1)
            if time.monotonic() > deadline:
                return False
        return True

    def _spin_until(self, due: float) -> None:
        while (left := due - time.monotonic()) > 0:
            self._executor.spin_once(left)

    def _on_status(self, message: String) -> None:
        status: dict[str, Any] = json.loads(message.data)
        if status["error"] is None:
            self.answers.append(
                {
                    "final": status["stage"] == "refined",
                    "latency": status["latency"],
                    "model": status["timings"]["total"],
                }
            )

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.reports.append({value.key: value.value for value in status.values})


def main(argv: Sequence[str] | None = None) -> int:
    """Prints one JSON object: the number of frames sent, the answers, and the values of the diagnostics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--size", type=int, nargs=2, required=True, metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--instruction", required=True)
    parser.add_argument("--best-effort", action="store_true")
    parser.add_argument("--timeout", type=float, required=True, help="time limit for the node's start in seconds")
    args = parser.parse_args(argv)
    init_ros([])
    width, height = args.size
    camera = BenchCamera(width, height, args.best_effort)
    if not camera.wait_for_node(args.instruction, args.timeout):
        print(f"the node did not report the instruction within {args.timeout:.0f} s", file=sys.stderr)
        return 1
    camera.show(args.frames, args.rate)
    print(to_json({"sent": args.frames, "answers": camera.answers, "reports": camera.reports}))
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
