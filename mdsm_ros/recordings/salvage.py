"""Reading of incomplete recordings: the recorder was killed, or files are cut short or lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection, ConnectionExtRosbag2, MessageDefinition, MessageDefinitionFormat
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from mdsm_ros.recordings.mcap_file import mcap_records
from mdsm_ros.recordings.sqlite_file import sqlite_records


@dataclass(frozen=True)
class Record:
    """One message of a damaged file.

    Attributes:
        topic: Topic of the message.
        kind: Type of the message.
        definition: Definition of the type as .msg text; "" if the file has none.
        time: Time of recording in ns.
        data: Message in CDR.
    """

    topic: str
    kind: str
    definition: str
    time: int
    data: bytes


READERS: dict[str, Callable[[Path], Iterator[tuple[str, str, str, int, bytes]]]] = {
    ".mcap": mcap_records,
    ".db3": sqlite_records,
}
"""The readers by the suffix of the file."""


class SalvageReader:
    """Reads files up to the damage; has the part of the interface of rosbags' ``AnyReader`` that is used here.

    Messages are in file order, which is nearly the order of their times.

    Args:
        files: Files of one recording, in the order of their times.

    Raises:
        ValueError: There is no readable message.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self.typestore = get_typestore(Stores.ROS2_JAZZY)
        self.message_count = 0
        kinds: dict[str, str] = {}
        definitions: dict[str, str] = {}
        counts: Counter[str] = Counter()
        first, last = 0, 0
        for record in self._records():
            kinds.setdefault(record.topic, record.kind)
            definitions.setdefault(record.kind, record.definition)
            counts[record.topic] += 1
            first = record.time if not self.message_count else min(first, record.time)
            last = max(last, record.time)
            self.message_count += 1
        if not self.message_count:
            raise ValueError("not one message can be read")
        for kind, definition in definitions.items():
            with suppress(Exception):  # an unreadable type only matters if it is decoded
                self.typestore.register(get_types_from_msg(definition, kind))
        extra = ConnectionExtRosbag2("cdr", [])
        self.connections = [
            Connection(i, topic, kind, _definition(definitions[kind]), "", counts[topic], extra, self)
            for i, (topic, kind) in enumerate(kinds.items())
        ]
        self.duration = last - first

    def messages(
        self, connections: Collection[Connection], start: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yields topic, time (ns) and content of every message from ``start`` (ns) on and before ``stop`` (ns)."""
        wanted = {connection.topic: connection for connection in connections}
        for record in self._records():
            in_time = (start is None or start <= record.time) and (stop is None or record.time < stop)
            if in_time and record.topic in wanted:
                yield wanted[record.topic], record.time, record.data

    def deserialize(self, data: bytes, msgtype: str) -> Any:
        """Decodes a message: fields become attributes."""
        return self.typestore.deserialize_cdr(data, msgtype)

    def close(self) -> None:
        """Does nothing: no file stays open."""

    def _records(self) -> Iterator[Record]:
        for path in self._files:
            with suppress(Exception):  # the end of the readable part; a cut can raise any type
                for values in READERS[path.suffix](path):
                    yield Record(*values)


def _definition(text: str) -> MessageDefinition:
    kind = MessageDefinitionFormat.MSG if text else MessageDefinitionFormat.NONE
    return MessageDefinition(kind, text)
