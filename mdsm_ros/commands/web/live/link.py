"""Connects the page to the running nodes. ROS is imported on first use."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from mdsm_ros.extras import require

if TYPE_CHECKING:
    from mdsm_ros.ros.players.node_watcher import NodeWatcher

DISCOVERY = 3.0  # s; DDS needs this long to find the nodes of this machine
POLL = 0.25  # s


class Link:
    """The watcher of this process, created on first use."""

    def __init__(self) -> None:
        self._watcher: NodeWatcher | None = None
        self._lock = threading.Lock()

    def watcher(self) -> NodeWatcher:
        """Returns the watcher.

        Raises:
            MissingPackageError: ROS is not installed here.
            RosError: ROS cannot start.
        """
        with self._lock:
            if self._watcher is None:
                require("rclpy", "sensor_msgs", "std_msgs", purpose="the Live page")
                from mdsm_ros.ros.players.node_watcher import NodeWatcher

                self._watcher = NodeWatcher()
            return self._watcher

    def nodes(self) -> list[str]:
        """Returns the names of the running nodes; raises the errors of :meth:`watcher`."""
        watcher = self.watcher()
        deadline = time.monotonic() + DISCOVERY
        while not (names := watcher.nodes()) and time.monotonic() < deadline:
            time.sleep(POLL)
        return names

    def close(self) -> None:
        """Stops the watcher."""
        with self._lock:
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
