"""Where frames are to each other, by tf2_ros, which is imported only where depth has another frame than its image."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.time import Time

from mdsm_ros.errors import SpatialError
from mdsm_ros.recordings.cameras.registration import Rigid


class Transforms:
    """Listens to /tf and /tf_static. Safe in both threads.

    Raises:
        ImportError: tf2_ros is not installed.
    """

    def __init__(self, node: Node) -> None:
        import tf2_ros

        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def find(self, target: str, source: str, stamp: Any) -> Rigid:
        """The transform that takes points from one frame to another.

        Args:
            target: Frame that the points are wanted in.
            source: Frame that they are in.
            stamp: ``builtin_interfaces/Time`` at which; 0 is the newest.

        Raises:
            SpatialError: Nobody has told it, or it is none.
        """
        try:
            found = self._buffer.lookup_transform(target, source, Time.from_msg(stamp))
        except Exception as error:  # of many kinds, for what has not arrived yet or is not connected
            expectation = f"one on /tf or /tf_static from {source!r} to {target!r}"
            raise SpatialError("transform", f"missing ({error})", expectation) from error
        return Rigid.of(found.transform)

    def close(self) -> None:
        """Ends the subscriptions."""
        self._listener.unregister()
