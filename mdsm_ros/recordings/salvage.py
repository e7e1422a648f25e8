"""What can be read of an .mcap that has no end: the recorder was killed, or the file was cut short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcap.reader import NonSeekingReader
from rosbags.interfaces import Connection, ConnectionExtRosbag2, MessageDefinition, MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_msg, get_typestore


class SalvageReader:
    """Reads files from their beginning to the damage; the interface of rosbags' ``AnyReader`` as far as we use it.

    Messages come in the order in which they lie in the file, which is nearly that of their times.

    Raises:
        ValueError: there is not one message.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self.typestore = get_typestore(Stores.ROS2_JAZZY)
        self.message_count = 0
        kinds: dict[str, str] = {}
        counts: Counter[str] = Counter()
        first, last = 0, 0
        for schema, channel, message in self._records():
            if channel.topic not in kinds:
                kinds[channel.topic] = schema.name
                with suppress(Exception):  # a type that cannot be read only matters where somebody decodes it
                    self.typestore.register(get_types_from_msg(schema.data.decode(), schema.name))
            counts[channel.topic] += 1
            first = message.log_time if not self.message_count else min(first, message.log_time)
            last = max(last, message.log_time)
            self.message_count += 1
        if not self.message_count:
            raise ValueError("not one message can be read")
        unknown, extra = MessageDefinition(MessageDefinitionFormat.NONE, ""), ConnectionExtRosbag2("cdr", [])
        self.connections = [
            Connection(i, topic, kind, unknown, "", counts[topic], extra, self)
            for i, (topic, kind) in enumerate(kinds.items())
        ]
        self.duration = last - first

    def messages(self, connections: Collection[Connection]) -> Iterator[tuple[Connection, int, bytes]]:
        """Topic, time (ns) and content of every message."""
        wanted = {connection.topic: connection for connection in connections}
        for _, channel, message in self._records():
            if channel.topic in wanted:
                yield wanted[channel.topic], message.log_time, message.data

    def deserialize(self, data: bytes, msgtype: str) -> Any:
        """The message with its fields as attributes."""
        return self.typestore.deserialize_cdr(data, msgtype)

    def close(self) -> None:
        """Nothing is kept open."""

    def _records(self) -> Iterator[tuple[Any, Any, Any]]:
        for path in self._files:
            with path.open("rb") as file, suppress(Exception):  # the end, in whatever way the cut lets it fail
                yield from NonSeekingReader(file).iter_messages(log_time_order=False)
