"""Names of topics with image transports, where topics are remapped."""

from __future__ import annotations

from rclpy.node import Node


def transport_topic(node: Node, base: str, transport: str) -> str:
    """The name to subscribe with for an image transport: the remapped ``base``, then the transport's name.

    rclpy remaps the names that it is given. So this is not always the name after remapping: a name that was remapped
    before would be remapped twice, which gives two cameras that were swapped their old topics back.

    image_transport composes the same name. A remapping of the transport's own topic, ``image/compressed:=...``, takes
    precedence. A base that is remapped to a topic of the transport is used unchanged.

    Args:
        node: Node with the remappings.
        base: Name of the raw image's topic.
        transport: Name of the transport; "raw" for the base itself.
    """
    if transport == "raw":
        return base
    own = f"{base}/{transport}"
    if node.resolve_topic_name(own) != node.resolve_topic_name(own, only_expand=True):
        return own
    resolved = str(node.resolve_topic_name(base))
    return resolved if resolved.endswith(f"/{transport}") else f"{resolved}/{transport}"
