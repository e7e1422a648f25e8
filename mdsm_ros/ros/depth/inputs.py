"""The subscriptions needed to compute the position of a segmented object."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from mdsm_ros.errors import ConversionError
from mdsm_ros.recordings.images.depth import (
    check_compressed_depth,
    check_depth,
    compressed_depth_to_metres,
    depth_to_metres,
)
from mdsm_ros.ros.depth.buffer import DepthBuffer, Sources
from mdsm_ros.ros.depth.transforms import LateTransforms
from mdsm_ros.ros.inputs.hearing import Hearing
from mdsm_ros.ros.inputs.names import transport_topic
from mdsm_ros.ros.inputs.subscriptions import Inputs
from mdsm_ros.ros.interface.parameters import Parameters
from mdsm_ros.ros.interface.topics import name_of

TRANSPORTS = {  # message type, check on arrival, conversion in the worker
    "raw": (Image, check_depth, depth_to_metres),
    "compressed": (CompressedImage, check_compressed_depth, compressed_depth_to_metres),
    "compressedDepth": (CompressedImage, check_compressed_depth, compressed_depth_to_metres),
}
Note = Callable[[str, Exception], None]  # counts an unusable message, by type


class DepthInputs:
    """Fills a buffer with depth images, camera_info and depth/camera_info until the node's inputs end.

    Depth arrives before the image or shortly after it; it is looked up once the mask exists.

    Args:
        node: Node that subscribes.
        inputs: Subscriptions of the node, which end these as well.
        settings: Parameters of the node.
        camera: Name of the camera; "" for the only one.
        image_topic: Name of the image topic.
        qos: QoS of the subscriptions.
        note: Function called for each unusable message.
        transforms: Transforms between frames.

    Attributes:
        buffer: Buffer of the messages that have arrived.
    """

    def __init__(
        self,
        node: Node,
        inputs: Inputs,
        settings: Parameters,
        camera: str,
        image_topic: str,
        qos: QoSProfile,
        note: Note,
        transforms: LateTransforms,
    ) -> None:
        self._note = note
        kind, self._check, to_metres = TRANSPORTS[settings.depth_transport]
        topic = transport_topic(node, name_of("depth", camera), settings.depth_transport)
        self._max_pixels = settings.max_image_pixels
        self._transforms = transforms
        self.buffer = DepthBuffer(
            settings.depth_tolerance,
            Sources(image_topic, node.resolve_topic_name(topic), settings.rectified),
            functools.partial(to_metres, max_pixels=self._max_pixels),
            transforms.find,
        )
        if settings.target_frame:
            transforms.listen()
        inputs.listen(kind, topic, self._on_depth, qos)
        inputs.hear(CameraInfo, name_of("camera_info", camera), Hearing(self._on_info))
        inputs.hear(CameraInfo, name_of("depth/camera_info", camera), Hearing(self._on_depth_info))

    def _on_depth(self, message: Any) -> None:
        try:
            self._check(message, self._max_pixels)
        except ConversionError as error:
            self._note(f"depth {error.field}", error)
            return
        self.buffer.put_depth(message)

    def _on_info(self, message: CameraInfo) -> None:
        self.buffer.put_info(message)
        self._listen()

    def _on_depth_info(self, message: CameraInfo) -> None:
        self.buffer.put_depth_info(message)
        self._listen()

    def _listen(self) -> None:
        """Subscribes to transforms once two different frames are seen."""
        if self.buffer.has_two_frames:
            self._transforms.listen()
