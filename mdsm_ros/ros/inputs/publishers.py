"""Publishers that do not match a subscription, and the reason."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo


def why_not_heard(node: Node, name: str, subscriptions: Sequence[Subscription]) -> str:
    """Names the publishers on a topic that match none of its ``subscriptions``; "" if there are none.

    Args:
        node: Node that subscribes.
        name: Name of the topic before remapping: rclpy remaps it here as well.
        subscriptions: Subscriptions of the node to this topic.
    """
    kind = type_name(subscriptions[0].msg_type)
    profiles = [subscription.qos_profile for subscription in subscriptions]
    found = []
    for publisher in node.get_publishers_info_by_topic(name):
        reason = _mismatch(publisher, kind, profiles)
        if reason:
            found.append(f"{_node_name(publisher)}: {reason}")
    return "; ".join(sorted(found))


def type_name(kind: type) -> str:
    """The name of a message type, as ``ros2 topic list -t`` shows it."""
    package, folder = kind.__module__.split(".")[:2]
    return f"{package}/{folder}/{kind.__name__}"


def _mismatch(publisher: TopicEndpointInfo, kind: str, profiles: Sequence[QoSProfile]) -> str:
    if publisher.topic_type != kind:
        return f"publishes {publisher.topic_type}, expected {kind}"
    reasons = []
    for profile in profiles:
        compatibility, reason = qos_check_compatible(publisher.qos_profile, profile)
        if compatibility != QoSCompatibility.ERROR:
            return ""
        reasons = [part.removeprefix("ERROR: ") for part in reason.split(";") if part.startswith("ERROR: ")]
    return f"incompatible QoS: {', '.join(reasons).lower()}"


def _node_name(publisher: TopicEndpointInfo) -> str:
    return f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
