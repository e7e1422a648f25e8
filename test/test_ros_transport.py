"""Large best-effort images between two processes; `pytest -s` prints what arrives without and with our profile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import rclpy

pytestmark = pytest.mark.ros

PROFILE = Path(__file__).resolve().parent.parent / "config" / "fastdds_large_images.xml"
IMAGES = 30
COMMON = """
import time
from array import array
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

rclpy.init()
node = rclpy.create_node("camera_test")
qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
"""
CAMERA = f"""{COMMON}
camera = node.create_publisher(Image, "image", qos)
while not node.count_subscribers("heard"):  # until the listener has heard something
    camera.publish(Image(height=1, width=1, encoding="rgb8", step=3, data=array("B", bytes(3))))
    time.sleep(0.1)
image = Image(height=720, width=1280, encoding="rgb8", step=3840, data=array("B", bytes(720 * 3840)))
for _ in range({IMAGES}):
    camera.publish(image)
    time.sleep(0.1)
time.sleep(1)
"""
LISTENER = f"""{COMMON}
received = []
node.create_subscription(Image, "image", lambda image: received.append(image.height), qos)
while not received:
    rclpy.spin_once(node, timeout_sec=0.1)
node.create_subscription(Image, "heard", print, qos)
while node.count_publishers("image"):
    rclpy.spin_once(node, timeout_sec=0.1)
for _ in range(10):  # what has arrived and waits
    rclpy.spin_once(node, timeout_sec=0.1)
print(received.count(720))
"""


def delivered(**environment: str) -> int:
    """How many of IMAGES 720p images at 10 Hz arrive in another process."""
    variables = {name: value for name, value in os.environ.items() if "DEFAULT_PROFILES_FILE" not in name}
    camera, listener = (
        subprocess.Popen([sys.executable, "-c", code], env={**variables, **environment}, stdout=subprocess.PIPE)
        for code in (CAMERA, LISTENER)
    )
    try:
        return int(listener.communicate(timeout=120)[0])
    finally:
        for process in (camera, listener):
            process.kill()
            process.wait()


@pytest.mark.skipif("fastrtps" not in rclpy.get_rmw_implementation_identifier(), reason="the profile is for Fast DDS")
def test_the_profile_delivers_large_best_effort_images(ros_domain: int) -> None:
    without, with_profile = delivered(), delivered(FASTRTPS_DEFAULT_PROFILES_FILE=str(PROFILE))
    print(f"{without} of {IMAGES} images arrive with stock Fast DDS, {with_profile} with {PROFILE.name}")
    assert with_profile >= 0.95 * IMAGES
