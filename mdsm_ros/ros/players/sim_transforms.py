"""Where the camera of a simulated home is, on /tf: map (the room), base_link (on the floor below it), camera."""

from __future__ import annotations

from typing import Any

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from numpy.typing import NDArray
from rclpy.node import Node
from std_msgs.msg import Header

from mdsm_ros.geometry import quaternion
from mdsm_ros.homes.views.scene import CameraPose

MAP, BASE = "map", "base_link"  # REP 105: z points up
TOPIC, DEPTH = "/tf", 100  # as in tf2_ros.TransformBroadcaster


class SimTransforms:
    """Publishes the transforms of each image, where tf2_msgs is installed; it comes with tf2_ros."""

    def __init__(self, node: Node) -> None:
        self._publisher: Any = None
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError:
            node.get_logger().info(f"nothing on {TOPIC}: tf2_msgs is not installed")
            return
        self._message = TFMessage
        self._publisher = node.create_publisher(TFMessage, TOPIC, DEPTH)

    def publish(self, header: Header, pose: CameraPose) -> None:
        """Publishes where the camera of an image was; the header is that of the image."""
        if self._publisher is not None:
            self._publisher.publish(self._message(transforms=transforms_of(header, pose)))


def transforms_of(header: Header, pose: CameraPose) -> list[TransformStamped]:
    """From map to base_link, which looks where the camera looks, and from base_link to the camera."""
    optical = pose.axes() * (1.0, -1.0, -1.0)  # columns: right, down, forward
    yaw = np.arctan2(optical[1, 2], optical[0, 2])
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0.0], [np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    x, y, z = pose.position
    return [
        _stamped(header, MAP, BASE, turn, (x, y, 0.0)),
        _stamped(header, BASE, header.frame_id, turn.T @ optical, (0.0, 0.0, z)),
    ]


def _stamped(
    header: Header, parent: str, child: str, rotation: NDArray[np.float64], move: tuple[float, float, float]
) -> TransformStamped:
    x, y, z, w = quaternion(rotation)
    transform = Transform(
        translation=Vector3(x=float(move[0]), y=float(move[1]), z=float(move[2])),
        rotation=Quaternion(x=x, y=y, z=z, w=w),
    )
    return TransformStamped(
        header=Header(stamp=header.stamp, frame_id=parent), child_frame_id=child, transform=transform
    )
