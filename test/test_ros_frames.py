"""Large compressed images over real DDS: decoded at a reduced size for the model, in full only for the overlay."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from sensor_msgs.msg import CompressedImage, Image
from test_ros_node import CUP, RedSegmenter, Robot, header

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.pixels import picture_to_rgb
from mdsm_ros.recordings.images import compressed
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.inputs.frames import Frames

pytestmark = pytest.mark.ros

HEIGHT, WIDTH = 640, 960  # the tracker works on 320 pixels, so half of it is enough


class SmallSegmenter(RedSegmenter):
    """Enlarges what it is given to the size of the answer, and records the sizes."""

    def __init__(self, name: str = "red", *, device: str = "auto", acceleration: str = "none") -> None:
        super().__init__(name, device=device, acceleration=acceleration)
        self.least_side = 64
        self.seen: list[tuple[int, ...]] = []

    def stream(self, image: np.ndarray, instruction: str, *args: Any, **options: Any) -> Iterator[Segmentation]:
        self.seen.append(image.shape)
        height, width = options["answer_shape"]
        return super().stream(cv2.resize(image, (width, height)), instruction, *args, **options)


class SmallRobot(Robot):
    segmenter: SmallSegmenter

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Any:
        self.segmenters.append(SmallSegmenter(name, device=device, acceleration=acceleration))
        return self.segmenters[-1]


def photograph() -> np.ndarray:
    """A red square on fine noise, which half the size cannot show."""
    pixels = np.random.default_rng(0).integers(0, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[64:192, 64:192] = (250, 0, 0)
    return pixels


def test_the_pixels_of_a_raw_image_are_not_copied() -> None:
    message = numpy_to_image(photograph(), "rgb8", header(1))
    frame = Frames("raw", max_pixels=10**6, least_side=64).of(message)
    assert frame.shape == (HEIGHT, WIDTH)
    for pixels in (frame.small, frame.picture):
        assert np.shares_memory(pixels, np.frombuffer(message.data, np.uint8))


def test_a_large_jpeg_is_decoded_in_full_only_for_the_overlay(ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[int, ...]] = []
    to_rgb = picture_to_rgb

    def spy(picture: PillowImage.Image, **options: Any) -> np.ndarray:
        decoded.append(picture.size)
        return to_rgb(picture, **options)

    monkeypatch.setattr(compressed, "picture_to_rgb", spy)
    robot = SmallRobot(
        image_transport="compressed", image_reliability="reliable", num_inference_steps=0, instruction=CUP
    )
    try:
        robot.start()
        stream = io.BytesIO()
        PillowImage.fromarray(photograph()).save(stream, "jpeg", quality=95)
        message = CompressedImage(header=header(1), format="rgb8; jpeg compressed bgr8", data=stream.getvalue())
        robot.camera.publish(message)
        robot.wait(lambda: robot.stamps("mask") == [1])
        mask = image_to_numpy(robot.received["mdsm/mask"][0])
        assert mask.shape == (HEIGHT, WIDTH)
        assert mask[80:176, 80:176].min() == 255
        assert mask[220:].max() == 0
        assert robot.segmenter.seen == [(HEIGHT // 2, WIDTH // 2, 3)]
        assert decoded == [(WIDTH // 2, HEIGHT // 2)]
        robot.wait_until_idle()  # else it might draw an overlay of the first image as well
        robot.listen("mdsm/overlay", Image)
        (overlay,) = (output for output in robot.node.publishers if output.topic_name.endswith("overlay"))
        robot.wait(overlay.get_subscription_count)
        message.header = header(2)
        robot.camera.publish(message)
        robot.wait(lambda: robot.stamps("overlay") == [2])
        assert decoded[1:] == [(WIDTH // 2, HEIGHT // 2), (WIDTH, HEIGHT)]
        assert robot.segmenter.seen[1] == (HEIGHT // 2, WIDTH // 2, 3)  # whoever looks does not change the answer
        shown = image_to_numpy(robot.received["mdsm/overlay"][0])
        whole = np.asarray(PillowImage.open(io.BytesIO(stream.getvalue())))
        np.testing.assert_array_equal(shown[300:, 300:], whole[300:, 300:])
    finally:
        robot.close()
