"""The subscriptions of an active node."""

from __future__ import annotations

import threading
from collections.abc import Callable
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


class Inputs:
    """Subscribes, and reports publishers that match no subscription. Safe in all threads."""

    def __init__(self, node: Node, guard: Guard) -> None:
        self._node = node
        self._guard = guard
        self._lock = threading.Lock()
        self._single: dict[str, Subscription] = {}  # by topic
        self._hearings: dict[str, tuple[type, Hearing | Chorus]] = {}  # by topic
        self._heard: dict[str, dict[str, Subscription]] = {}  # by topic and name of the profile

    def listen(self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile) -> None:
        """Subscribes once, to the publishers that match ``qos``."""
        with self._lock:
            self._single[self._node.resolve_topic_name(topic)] = self._subscribe(kind, topic, callback, qos)

    def hear(self, kind: type, topic: str, hearing: Hearing | Chorus) -> None:
        """Subscribes to all publishers, whatever their QoS."""
        name = str(self._node.resolve_topic_name(topic))
        with self._lock:
            self._hearings[name] = kind, hearing
            qos, callback = hearing.profiles()[BASE]
            self._heard[name] = {BASE: self._subscribe(kind, name, callback, qos, event_callbacks=SILENT)}
        self.adapt()

    def adapt(self) -> None:
        """Adds the subscriptions that the current publishers need, and ends those no longer needed.

        A publisher logs a warning if a subscription requests more than it offers, so no subscription exists without
        need.
        """
        with self._lock:
            for topic, (kind, hearing) in self._hearings.items():
                offers = [publisher.qos_profile for publisher in self._node.get_publishers_info_by_topic(topic)]
                wanted, there = needed(offers), self._heard[topic]
                for name in there.keys() - wanted:
                    self._node.destroy_subscription(there.pop(name))
                for name in wanted - there.keys():
                    qos, callback = hearing.profiles()[name]
                    there[name] = self._subscribe(kind, topic, callback, qos, event_callbacks=SILENT)

    def unheard(self) -> dict[str, str]:
        """The publishers that match no subscription and the reasons, by topic; other topics are left out."""
        with self._lock:
            groups = {topic: [subscription] for topic, subscription in self._single.items()}
            groups |= {topic: list(subscriptions.values()) for topic, subscriptions in self._heard.items()}
            reasons = {topic: why_not_heard(self._node, group) for topic, group in groups.items()}
        return {topic: reason for topic, reason in reasons.items() if reason}

    def destroy(self) -> None:
        """Ends all subscriptions."""
        with self._lock:
            heard = [subscription for group in self._heard.values() for subscription in group.values()]
            for subscription in (*self._single.values(), *heard):
                self._node.destroy_subscription(subscription)
            self._single, self._hearings, self._heard = {}, {}, {}

    def _subscribe(
        self, kind: type, topic: str, callback: Callable[..., None], qos: QoSProfile, **options: Any
    ) -> Subscription:
        guarded = self._guard.wrap(f"subscription {topic}", callback)
        return self._node.create_subscription(kind, topic, guarded, qos, **options)
