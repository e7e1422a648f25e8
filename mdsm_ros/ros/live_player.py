"""The player of ``mdsm replay --live``: as the demo's, but what comes back is kept small."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable

from sensor_msgs.msg import Image
from std_msgs.msg import String

from mdsm_ros.replay.answers import encode
from mdsm_ros.replay.live import Heard
from mdsm_ros.ros.conversions import image_to_numpy
from mdsm_ros.ros.demo_player import DemoPlayer, Listeners, nanoseconds

SETTLE = 0.2  # s; a status comes after its mask


class LivePlayer(DemoPlayer):
    """Plays a recording and keeps masks run-length encoded; asks for no overlays, which would cost the node time.

    Attributes:
        heard: by stamp (ns).
    """

    heard: dict[int, Heard]

    def _listeners(self) -> Listeners:
        self.heard = {}
        return (
            ("initial_mask", Image, lambda message: self._keep_mask("initial", message)),
            ("mask", Image, lambda message: self._keep_mask("refined", message)),
            ("status", String, self._keep_status),
        )

    def wait_for_last_answer(self, check: Callable[[], None], timeout: float) -> None:
        """Waits until the newest frame is answered, at most ``timeout`` seconds."""
        newest = max(self._frames)
        self._wait(lambda: newest in self.heard and self._is_final(self.heard[newest]), check, timeout)
        time.sleep(SETTLE)

    @staticmethod
    def _is_final(heard: Heard) -> bool:
        return "refined" in heard.masks or any(status["error"] for status in heard.statuses)

    def _keep_mask(self, stage: str, message: Image) -> None:
        heard = self.heard.setdefault(nanoseconds(message), Heard())
        heard.masks.setdefault(stage, deque()).append(encode(image_to_numpy(message) > 127))

    def _keep_status(self, message: String) -> None:
        received = time.time_ns()
        status = json.loads(message.data)
        stamp = status["stamp"]["sec"] * 10**9 + status["stamp"]["nanosec"]
        heard = self.heard.setdefault(stamp, Heard())
        heard.statuses.append(status)
        heard.latencies.append((received - self._sent.get(stamp, received)) / 1e9)
