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
