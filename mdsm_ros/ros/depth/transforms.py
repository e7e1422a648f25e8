"""Transforms between frames from tf2_ros, which is imported only if depth and image have different frames."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.time import Time

from mdsm_ros.errors import SpatialError
from mdsm_ros.recordings.cameras.registration import Rigid


class Transforms:
    """Listens to /tf and /tf_static. Thread-safe.

    Raises:
        ImportError: tf2_ros is not installed.
    """

    def __init__(self, node: Node) -> None:
        import tf2_ros

        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def find(self, target: str, source: str, stamp: Any) -> Rigid:
        """Returns the transform that takes points from one frame to another.

        Args:
            target: Frame to which the points are transformed.
            source: Frame of the points before.
            stamp: Time of the transform, ``builtin_interfaces/Time``; 0 for the newest.

        Raises:
            SpatialError: The transform is not available or not valid.
        """
        try:
            found = self._buffer.lookup_transform(target, source, Time.from_msg(stamp))
        except Exception as error:  # tf2 raises many types: not arrived yet, or frames not connected
            expectation = f"one on /tf or /tf_static from {source!r} to {target!r}"
            raise SpatialError("transform", f"missing ({error})", expectation) from error
        return Rigid.of(found.transform)

    def close(self) -> None:
        """Ends the subscriptions."""
        self._listener.unregister()


class LateTransforms:
    """Transforms that are listened to once they are needed: hundreds arrive per second. Shared by all cameras.

    Args:
        node: Node that subscribes.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._transforms: Transforms | None = None
        self._missing = "camera_info and depth/camera_info have not both arrived"

    def listen(self) -> None:
        """Subscribes to transforms, unless that was done before or tf2_ros is not installed."""
        if self._transforms is None:
            try:
                self._transforms = Transforms(self._node)
            except ImportError as error:
                self._missing = str(error)

    def find(self, target: str, source: str, stamp: Any) -> Rigid:
        """Returns the transform between two frames at a stamp, from the transforms received so far.

        Raises:
            SpatialError: The transform has not been received.
        """
        transforms = self._transforms  # which another thread may close
        if transforms is None:
            expectation = f"one from tf2_ros, from {source!r} to {target!r}, or depth registered to the image"
            raise SpatialError("transform", f"missing ({self._missing})", expectation)
        return transforms.find(target, source, stamp)

    def close(self) -> None:
        """Ends the subscriptions."""
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None
