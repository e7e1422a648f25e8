"""The messages of an .mcap file in file order, with or without an index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk

from mdsm_ros.recordings.limits import MAX_RECORD, unpack


def mcap_records(path: Path) -> Iterator[tuple[str, str, str, int, bytes]]:
    """Topic, type, definition of the type, time (ns) and content of each message, up to the first damage.

    Raises:
        Exception: The damage, of any type.
    """
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    with path.open("rb") as file:
        for record in _unpacked(StreamReader(file, emit_chunks=True, record_size_limit=MAX_RECORD)):
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message):
                channel = channels[record.channel_id]
                schema = schemas[channel.schema_id]
                definition = schema.data.decode() if schema.encoding == "ros2msg" else ""
                yield channel.topic, schema.name, definition, record.log_time, bytes(record.data)


def _unpacked(reader: StreamReader) -> Iterator[McapRecord]:
    """The records of a file, including those in its chunks."""
    for record in reader.records:
        if isinstance(record, Chunk):
            plain = replace(record, data=unpack(record.data, record.compression), compression="")
            yield from breakup_chunk(plain)
        else:
            yield record
