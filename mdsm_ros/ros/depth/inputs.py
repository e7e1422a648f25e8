"""The subscriptions needed to compute the position of a segmented object."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from mdsm_ros.errors import ConversionError, SpatialError
from mdsm_ros.recordings.cameras.registration import Rigid
from mdsm_ros.recordings.images.depth import (
    check_compressed_depth,
    check_depth,
    compressed_depth_to_metres,
    depth_to_metres,
)
from mdsm_ros.ros.depth.buffer import DepthBuffer, Sources
from mdsm_ros.ros.depth.transforms import Transforms
from mdsm_ros.ros.inputs.hearing import Hearing
from mdsm_ros.ros.inputs.names import transport_topic
from mdsm_ros.ros.inputs.subscriptions import Inputs
from mdsm_ros.ros.interface.parameters import Parameters

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
        image_topic: Name of the image topic.
        qos: QoS of the subscriptions.
        note: Function called for each unusable message.

    Attributes:
        buffer: Buffer of the messages that have arrived.
    """

    def __init__(
        self, node: Node, inputs: Inputs, settings: Parameters, image_topic: str, qos: QoSProfile, note: Note
    ) -> None:
        self._node = node
        self._note = note
        kind, self._check, to_metres = TRANSPORTS[settings.depth_transport]
        topic = transport_topic(node, "depth", settings.depth_transport)
        self._max_pixels = settings.max_image_pixels
        self._transforms: Transforms | None = None
        self._no_transforms = "camera_info and depth/camera_info have not both arrived"
        self.buffer = DepthBuffer(
            settings.depth_tolerance,
            Sources(image_topic, topic, settings.rectified),
            functools.partial(to_metres, max_pixels=self._max_pixels),
            self.find_transform,
        )
        if settings.target_frame:
            self._listen_to_transforms()
        inputs.listen(kind, topic, self._on_depth, qos)
        inputs.hear(CameraInfo, "camera_info", Hearing(self._on_info))
        inputs.hear(CameraInfo, "depth/camera_info", Hearing(self._on_depth_info))

    def close(self) -> None:
        """Ends the subscriptions to transforms."""
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None

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
        """Subscribes to transforms once two different frames are seen, not earlier: hundreds arrive per second."""
        if self._transforms is None and self.buffer.has_two_frames:
            self._listen_to_transforms()

    def _listen_to_transforms(self) -> None:
        try:
            self._transforms = Transforms(self._node)
        except ImportError as error:
            self._no_transforms = str(error)

    def find_transform(self, target: str, source: str, stamp: Any) -> Rigid:
        """Returns the transform between two frames at a stamp, from the transforms received so far.

        Raises:
            SpatialError: The transform has not been received.
        """
        if self._transforms is None:
            expectation = f"one from tf2_ros, from {source!r} to {target!r}, or depth registered to the image"
            raise SpatialError("transform", f"missing ({self._no_transforms})", expectation)
        return self._transforms.find(target, source, stamp)
