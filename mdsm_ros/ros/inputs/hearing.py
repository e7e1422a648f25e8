"""Receives the messages of a topic from publishers with any QoS, each message once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

REMEMBERED = 64  # messages
BASE = "base"  # name of the profile that matches every publisher
STAMP, NUMBER = "source_timestamp", "publication_sequence_number"
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
HAS_INFO = hasattr(Subscription, "CallbackType")  # Humble passes only the message to callbacks

Info = Mapping[str, Any]
Profiles = dict[str, tuple[QoSProfile, Callable[..., None]]]


class Hearing:
    """Merges the messages of several subscriptions to one topic.

    A best-effort subscription without history matches every publisher. But it loses messages on a bad network, and
    receives nothing published before it existed. So there is also a reliable subscription for reliable publishers, and
    one with history for latched publishers (transient_local). Messages of these publishers then arrive twice.

    New messages count in the order in which they arrive. The older message of a latched publisher, which is delivered
    when the publisher is discovered, counts only if it is newer than all messages received: it must not overwrite them.

    Args:
        callback: Function that receives each message once.
    """

    def __init__(self, callback: Callable[[Any], None]) -> None:
        self._callback = callback
        self._known: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._newest: int | None = None  # ns, of the publishers' clocks

    def outdate(self, stamp: int | None = None) -> None:
        """Treats every message published before ``stamp`` (ns of this computer's clock; None for now) as old."""
        self._newest = max(self._newest or 0, time.time_ns() if stamp is None else stamp)

    def profiles(self) -> Profiles:
        """The QoS and the callback of a subscription, by name of its profile."""
        return _profiles(self.on_live, self.on_latched)

    def on_live(self, message: Any, info: Info) -> None:
        """Takes a message that has just been published."""
        if not self._is_known(info):
            self._accept(message, info)

    def on_latched(self, message: Any, info: Info) -> None:
        """Takes a message of a latched publisher, which may be an old one."""
        if self._is_known(info):
            return
        stamp = _stamp(info)
        if self._newest is None or (stamp is not None and stamp > self._newest):
            self._accept(message, info)

    def _accept(self, message: Any, info: Info) -> None:
        self._newest = max(self._newest or 0, _stamp(info) or 0)
        self._callback(message)

    def _is_known(self, info: Info) -> bool:
        """Whether the same message arrived before; stores it. False if the middleware gives no information."""
        stamp = _stamp(info)
        if stamp is None:
            return False
        key = stamp, int(info.get(NUMBER) or 0)
        known = key in self._known
        if not known:
            self._known.append(key)
        return known


class Chorus:
    """Passes the messages of one topic to several hearings, each of which also receives a topic of its own.

    For each hearing, the newest message of both topics counts.
    """

    def __init__(self, hearings: Sequence[Hearing]) -> None:
        self._hearings = hearings

    def profiles(self) -> Profiles:
        """The QoS and the callback of a subscription, by name of its profile."""
        return _profiles(self._on_live, self._on_latched)

    def _on_live(self, message: Any, info: Info) -> None:
        for hearing in self._hearings:
            hearing.on_live(message, info)

    def _on_latched(self, message: Any, info: Info) -> None:
        for hearing in self._hearings:
            hearing.on_latched(message, info)


def needed(offers: Iterable[QoSProfile]) -> set[str]:
    """The names of the QoS profiles to subscribe with, given the QoS of the publishers."""
    reliable = [offer for offer in offers if offer.reliability == ReliabilityPolicy.RELIABLE]
    latched = [offer for offer in reliable if offer.durability == DurabilityPolicy.TRANSIENT_LOCAL]
    names = {BASE}
    if latched:
        names.add("latched")
    if len(latched) < len(reliable):
        names.add("reliable")
    return names


def _profiles(live: Callable[[Any, Info], None], latched: Callable[[Any, Info], None]) -> Profiles:
    if HAS_INFO:
        return {BASE: (BEST_EFFORT, live), "reliable": (RELIABLE, live), "latched": (LATCHED, latched)}
    return {
        BASE: (BEST_EFFORT, lambda message: live(message, {})),
        "reliable": (RELIABLE, lambda message: live(message, {})),
        "latched": (LATCHED, lambda message: latched(message, {})),
    }


def _stamp(info: Info) -> int | None:
    """The time of publication in ns; None if the middleware does not provide it."""
    return int(info.get(STAMP) or 0) or None
