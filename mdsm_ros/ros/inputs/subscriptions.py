"""The subscriptions of an active node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

from mdsm_ros.ros.inputs.hearing import Hearing
from mdsm_ros.ros.inputs.publishers import why_not_heard
from mdsm_ros.ros.process.guard import Guard


class Inputs:
    """Subscribes, and tells which publishers cannot be heard."""

    def __init__(self, node: Node, guard: Guard) -> None:
        self._node = node
        self._guard = guard
        self._subscriptions: dict[str, list[Subscription]] = {}  # by topic

    def listen(self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile) -> None:
        """Subscribes once, to the publishers that offer what ``qos`` asks for."""
        self._subscribe(kind, topic, callback, qos)

    def hear(self, kind: type, topic: str, hearing: Hearing) -> None:
        """Subscribes to all kinds of publishers."""
        # a publisher that one of the subscriptions does not match is heard by another one: no warnings of rclpy
        events = SubscriptionEventCallbacks(use_default_callbacks=False)
        for qos, callback in hearing.callbacks():
            self._subscribe(kind, topic, callback, qos, event_callbacks=events)

    def unheard(self) -> dict[str, str]:
        """Why which publishers are not heard, by topic; topics where all are heard are left out."""
        reasons = {topic: why_not_heard(self._node, group) for topic, group in self._subscriptions.items()}
        return {topic: reason for topic, reason in reasons.items() if reason}

    def destroy(self) -> None:
        """Ends all subscriptions."""
        for group in self._subscriptions.values():
            for subscription in group:
                self._node.destroy_subscription(subscription)
        self._subscriptions = {}

    def _subscribe(
        self, kind: type, topic: str, callback: Callable[..., None], qos: QoSProfile, **options: Any
    ) -> None:
        guarded = self._guard.wrap(f"subscription {topic}", callback)
        subscription = self._node.create_subscription(kind, topic, guarded, qos, **options)
        self._subscriptions.setdefault(str(subscription.topic_name), []).append(subscription)
