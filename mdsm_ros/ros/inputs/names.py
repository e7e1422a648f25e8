"""Names of topics as they are remapped."""

from __future__ import annotations

from rclpy.node import Node


def transport_topic(node: Node, base: str, transport: str) -> str:
    """The full name of the topic of an image transport: ``base`` as it is remapped, then the transport's name.

    This is what image_transport does. A topic that is remapped itself, ``image/compressed:=...``, comes first; and a
    base that is remapped to a topic of the transport is taken as it is.

    Args:
        node: Node with the remappings.
        base: Name of the raw image's topic.
        transport: Name of the transport, "raw" for the base itself.
    """
    resolved = str(node.resolve_topic_name(base))
    if transport == "raw":
        return resolved
    own = f"{base}/{transport}"
    if node.resolve_topic_name(own) != node.resolve_topic_name(own, only_expand=True):
        return str(node.resolve_topic_name(own))
    named = resolved if resolved.endswith(f"/{transport}") else f"{resolved}/{transport}"
    return str(node.resolve_topic_name(named))
