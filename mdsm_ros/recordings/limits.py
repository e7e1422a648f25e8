"""How much a chunk of a recording may unpack to: a few kilobytes can stand for gigabytes, and for hours of reading."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import lz4.frame
import zstandard
from rosbags.rosbag2 import storage_mcap

MAX_CHUNK = 1 << 28  # bytes, unpacked; recorders write a megabyte, or one message more than that
MAX_RECORD = 1 << 30  # bytes of one record of a file
MAX_OTHERS = 10_000  # records of a chunk that are no message
LEAST_MESSAGE = 22 + 4  # bytes: the record's own fields, and the header of CDR
_SCHEMA, _CHANNEL, _MESSAGE = 3, 4, 5  # opcodes of MCAP
_BLOCK = 1 << 20


class LimitError(ValueError):
    """A chunk unpacks to more than it may, or to what is no records."""


def unpack(data: bytes, compression: str, limit: int = MAX_CHUNK) -> bytes:
    """The unpacked bytes of a chunk of MCAP, which hold records.

    Raises:
        LimitError: there are more than ``limit`` bytes, the compression is unknown, or the bytes are no records.
        zstandard.ZstdError, RuntimeError: the bytes are damaged.
    """
    content = data if compression == "" else _unpacked(data, compression, limit)
    _check_records(content)
    return content


def unpack_message(data: bytes) -> bytes:
    """The unpacked bytes of a message that was compressed by itself with zstd.

    Raises:
        LimitError: there are more than :data:`MAX_CHUNK`.
        zstandard.ZstdError: the bytes are damaged.
    """
    return _unpacked(data, "zstd", MAX_CHUNK)


def _unpacked(data: bytes, compression: str, limit: int) -> bytes:
    if compression == "zstd":
        packed = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    elif compression == "lz4":
        packed = lz4.frame.open(io.BytesIO(data))
    else:
        raise LimitError(f"compression of a chunk is {compression!r}, expected zstd or lz4")
    content = bytearray()
    with packed:
        while block := packed.read(_BLOCK):
            content += block
            if len(content) > limit:
                raise LimitError(f"{len(data)} bytes unpack to more than {limit}")
    return bytes(content)


def _check_records(content: bytes) -> None:
    position, others, end = 0, 0, len(content)
    while position + 9 <= end:
        opcode, length = struct.unpack_from("<BQ", content, position)
        if opcode == _MESSAGE:
            if length < LEAST_MESSAGE:
                raise LimitError(f"a message of a chunk has {length} bytes, expected at least {LEAST_MESSAGE}")
        else:
            others += 1
            if opcode == 0 or others > MAX_OTHERS:
                raise LimitError(f"a chunk holds a record of type {opcode}, expected messages")
        position += 9 + length


def limit_rosbags() -> None:
    """Has rosbags unpack chunks no further than here, which by itself knows no limit."""
    for compression in ("zstd", "lz4"):
        storage_mcap.DECOMPRESSORS[compression] = _limited(compression)


def _limited(compression: str) -> Callable[[bytes, int], bytes]:
    def unpack_chunk(data: bytes, _: int) -> bytes:
        return unpack(data, compression)

    return unpack_chunk
