"""Messages of one topic from all kinds of publishers, each message once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

REMEMBERED = 64  # messages
BASE = "base"  # name of the profile that hears everybody
STAMP, NUMBER = "source_timestamp", "publication_sequence_number"
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
HAS_INFO = hasattr(Subscription, "CallbackType")  # Humble's callbacks get the message only

Info = Mapping[str, Any]


class Hearing:
    """Merges what several subscriptions of one topic hear.

    A best-effort subscription without history hears every publisher, but loses messages on a bad network, and what was
    said before it was there. So reliable publishers are heard by a reliable subscription as well, and latched ones
    (transient_local) by one that asks for what they said last. Their messages come twice, then.

    What is said now counts in the order in which it comes. What a latched publisher said earlier, and is delivered
    when it is discovered, counts only if it is newer than everything that was heard: it must not overwrite that.

    Args:
        callback: Gets each message once.
    """

    def __init__(self, callback: Callable[[Any], None]) -> None:
        self._callback = callback
        self._known: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._newest: int | None = None  # ns, of the publishers' clocks

    def outdate(self) -> None:
        """Has everything that was said before now count as old."""
        self._newest = max(self._newest or 0, time.time_ns())

    @staticmethod
    def needed(offers: Iterable[QoSProfile]) -> set[str]:
        """The names of the profiles to subscribe with, by what publishers offer."""
        reliable = [offer for offer in offers if offer.reliability == ReliabilityPolicy.RELIABLE]
        latched = [offer for offer in reliable if offer.durability == DurabilityPolicy.TRANSIENT_LOCAL]
        names = {BASE}
        if latched:
            names.add("latched")
        if len(latched) < len(reliable):
            names.add("reliable")
        return names

    def profiles(self) -> dict[str, tuple[QoSProfile, Callable[..., None]]]:
        """QoS and callback of a subscription, by name of the profile."""
        live, latched = self._on_live, self._on_latched
        if HAS_INFO:
            return {BASE: (BEST_EFFORT, live), "reliable": (RELIABLE, live), "latched": (LATCHED, latched)}
        return {
            BASE: (BEST_EFFORT, lambda message: live(message, {})),
            "reliable": (RELIABLE, lambda message: live(message, {})),
            "latched": (LATCHED, lambda message: latched(message, {})),
        }

    def _on_live(self, message: Any, info: Info) -> None:
        if not self._is_known(info):
            self._accept(message, info)

    def _on_latched(self, message: Any, info: Info) -> None:
        if self._is_known(info):
            return
        stamp = _stamp(info)
        if self._newest is None or (stamp is not None and stamp > self._newest):
            self._accept(message, info)

    def _accept(self, message: Any, info: Info) -> None:
        self._newest = max(self._newest or 0, _stamp(info) or 0)
        self._callback(message)

    def _is_known(self, info: Info) -> bool:
        """Whether the same message came before; remembers it. False where the middleware tells nothing."""
        stamp = _stamp(info)
        if stamp is None:
            return False
        key = stamp, int(info.get(NUMBER) or 0)
        known = key in self._known
        if not known:
            self._known.append(key)
        return known


def _stamp(info: Info) -> int | None:
    """When a message was published, in ns; None where the middleware does not tell."""
    return int(info.get(STAMP) or 0) or None
