"""Names of topics after remapping."""

from __future__ import annotations

from rclpy.node import Node


def transport_topic(node: Node, base: str, transport: str) -> str:
    """The full topic name of an image transport: the remapped ``base``, then the transport's name.

    image_transport does the same. A remapping of the transport's own topic, ``image/compressed:=...``, takes
    precedence. A base that is remapped to a topic of the transport is used unchanged.

    Args:
        node: Node with the remappings.
        base: Name of the raw image's topic.
        transport: Name of the transport; "raw" for the base itself.
    """
    resolved = str(node.resolve_topic_name(base))
    if transport == "raw":
        return resolved
    own = f"{base}/{transport}"
    if node.resolve_topic_name(own) != node.resolve_topic_name(own, only_expand=True):
        return str(node.resolve_topic_name(own))
    named = resolved if resolved.endswith(f"/{transport}") else f"{resolved}/{transport}"
    return str(node.resolve_topic_name(named))
