"""The subscriptions of an active node."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

from mdsm_ros.ros.inputs.hearing import BASE, Chorus, Hearing, needed
from mdsm_ros.ros.inputs.publishers import why_not_heard
from mdsm_ros.ros.process.guard import Guard

# a publisher that does not match one subscription matches another: rclpy's warning would be wrong
SILENT = SubscriptionEventCallbacks(use_default_callbacks=False)


@dataclass(frozen=True)
class _Heard:
    """A topic that is heard from publishers with any QoS."""

    topic: str  # before remapping, as rclpy takes it everywhere
    kind: type
    hearing: Hearing | Chorus
    subscriptions: dict[str, Subscription] = field(default_factory=dict)  # by name of the profile


class Inputs:
    """Subscribes, and reports publishers that match no subscription. Safe in all threads.

    Remappings may give two inputs one topic, such as the only camera_info of a camera with registered depth.
    """

    def __init__(self, node: Node, guard: Guard) -> None:
        self._node = node
        self._guard = guard
        self._lock = threading.Lock()
        self._single: list[tuple[str, Subscription]] = []  # with the topic before remapping
        self._heard: list[_Heard] = []

    def listen(self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile) -> None:
        """Subscribes once, to the publishers that match ``qos``."""
        with self._lock:
            self._single.append((topic, self._subscribe(kind, topic, callback, qos)))

    def hear(self, kind: type, topic: str, hearing: Hearing | Chorus) -> None:
        """Subscribes to all publishers, whatever their QoS."""
        heard = _Heard(topic, kind, hearing)
        with self._lock:
            self._add(heard, BASE)
            self._heard.append(heard)
        self.adapt()

    def adapt(self) -> None:
        """Adds the subscriptions that the current publishers need, and ends those no longer needed.

        A publisher logs a warning if a subscription requests more than it offers, so no subscription exists without
        need.
        """
        with self._lock:
            for heard in self._heard:
                offers = [publisher.qos_profile for publisher in self._node.get_publishers_info_by_topic(heard.topic)]
                wanted, there = needed(offers), heard.subscriptions
                for name in there.keys() - wanted:
                    self._node.destroy_subscription(there.pop(name))
                for name in wanted - there.keys():
                    self._add(heard, name)

    def unheard(self) -> dict[str, str]:
        """The publishers that match no subscription and the reasons, by topic; other topics are left out."""
        with self._lock:
            groups = [(topic, [subscription]) for topic, subscription in self._single]
            groups += [(heard.topic, list(heard.subscriptions.values())) for heard in self._heard]
            reasons = {group[0].topic_name: why_not_heard(self._node, topic, group) for topic, group in groups}
        return {topic: reason for topic, reason in reasons.items() if reason}

    def destroy(self) -> None:
        """Ends all subscriptions."""
        with self._lock:
            heard = [subscription for one in self._heard for subscription in one.subscriptions.values()]
            for subscription in (*(subscription for _, subscription in self._single), *heard):
                self._node.destroy_subscription(subscription)
            self._single, self._heard = [], []

    def _add(self, heard: _Heard, profile: str) -> None:
        qos, callback = heard.hearing.profiles()[profile]
        heard.subscriptions[profile] = self._subscribe(heard.kind, heard.topic, callback, qos, event_callbacks=SILENT)

    def _subscribe(
        self, kind: type, topic: str, callback: Callable[..., None], qos: QoSProfile, **options: Any
    ) -> Subscription:
        guarded = self._guard.wrap(f"subscription {self._node.resolve_topic_name(topic)}", callback)
        return self._node.create_subscription(kind, topic, guarded, qos, **options)
