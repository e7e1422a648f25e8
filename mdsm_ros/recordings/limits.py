"""Limits of the unpacked size of a recording's parts: kilobytes can unpack to gigabytes and take hours to read."""

from __future__ import annotations

import io
import os
import shutil
import struct
import tempfile
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO

import lz4.frame
import zstandard
from rosbags.rosbag2 import reader, storage_mcap

MAX_CHUNK = 1 << 28  # bytes, unpacked; recorders write about a megabyte, or a single larger message
MAX_RECORD = 1 << 30  # bytes of one record of a file
MAX_OTHERS = 10_000  # records of a chunk that are not messages
LEAST_FILE = 1 << 30  # bytes to which every compressed file of a recording may unpack
MOST_RATIO = 1000  # ratio of unpacked to packed bytes of a larger file
LEAST_MESSAGE = 22 + 4  # bytes: the record's own fields, and the header of CDR
_SCHEMA, _CHANNEL, _MESSAGE = 3, 4, 5  # opcodes of MCAP
_BLOCK = 1 << 20


class LimitError(ValueError):
    """A chunk unpacks to more than the limit, or to invalid records."""


def unpack(data: bytes, compression: str, limit: int = MAX_CHUNK) -> bytes:
    """Unpacks a chunk of MCAP, which contains records.

    Raises:
        LimitError: There are more than ``limit`` bytes, the compression is unknown, or the bytes are not records.
        zstandard.ZstdError, RuntimeError: The bytes are damaged.
    """
    content = data if compression == "" else _unpacked(data, compression, limit)
    _check_records(content)
    return content


def unpack_message(data: bytes) -> bytes:
    """Unpacks a message that was compressed individually with zstd.

    Raises:
        LimitError: There are more than :data:`MAX_CHUNK` bytes.
        zstandard.ZstdError: The bytes are damaged.
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


def file_limit(packed: int) -> int:
    """The unpacked bytes allowed for a compressed file of ``packed`` bytes; half of the temporary folder stays free."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return min(max(LEAST_FILE, MOST_RATIO * packed), free // 2)


class LimitedFile:
    """A file that was compressed as a whole with zstd, read unpacked.

    Args:
        packed: The compressed file.
        limit: Largest number of unpacked bytes; None for :func:`file_limit`.
    """

    def __init__(self, packed: BinaryIO, limit: int | None = None) -> None:
        self._size = os.fstat(packed.fileno()).st_size
        self._limit = self._left = file_limit(self._size) if limit is None else limit
        self._stream = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)

    def __enter__(self) -> LimitedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()  # type: ignore[no-untyped-call]

    def read(self, count: int = -1) -> bytes:
        """The next bytes, at most ``count``.

        Raises:
            LimitError: The file unpacks to more than the limit.
            zstandard.ZstdError: The bytes are damaged.
        """
        content: bytes = self._stream.read(count if count >= 0 else self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise LimitError(f"a file of {self._size} bytes unpacks to more than {self._limit}; unpack it: zstd -d")
        return content


class _LimitedZstd:
    """The part of the zstd module that rosbags' reader uses."""

    @staticmethod
    def open(packed: BinaryIO, _: str) -> LimitedFile:
        return LimitedFile(packed)

    @staticmethod
    def decompress(data: bytes) -> bytes:
        return unpack_message(data)


def limit_rosbags() -> None:
    """Makes rosbags, which has no limits of its own, unpack chunks, messages and files only up to these limits."""
    for compression in ("zstd", "lz4"):
        storage_mcap.DECOMPRESSORS[compression] = _limited(compression)
    vars(reader)["zstd"] = _LimitedZstd


def _limited(compression: str) -> Callable[[bytes, int], bytes]:
    def unpack_chunk(data: bytes, _: int) -> bytes:
        return unpack(data, compression)

    return unpack_chunk
