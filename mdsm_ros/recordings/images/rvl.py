"""RVL, the lossless codec for depth images (Wilson 2017) of compressed_depth_image_transport.

An image is a sequence of runs: the number of zeros, the number of other values, then each of these as the difference to
the previous value other than zero. Every number is written in nibbles of three bits, the lowest first; the fourth bit
is set if another nibble follows. Eight nibbles form a little-endian word, with the first nibble in its highest bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import ConversionError

_MOST_NIBBLES = 10  # nibbles of a number below 2**30


def decode_rvl(data: bytes, count: int) -> NDArray[np.uint16]:
    """Decodes ``count`` depth values (count,).

    Raises:
        ConversionError: The data end early, or the runs do not fill the image exactly.
    """
    numbers = _numbers(data)
    zigzag = np.zeros(count, np.int32)  # sum of the differences
    measured = np.zeros(count, dtype=bool)
    at, place = 0, 0
    while at < count:
        if place + 1 >= len(numbers):
            raise _damaged()
        zeros, others = int(numbers[place]), int(numbers[place + 1])
        place += 2
        first, at = at + zeros, at + zeros + others
        if at > count or place + others > len(numbers) or zeros + others == 0:
            raise _damaged()
        zigzag[first:at] = numbers[place : place + others]
        measured[first:at] = True
        place += others
    differences = (zigzag >> 1) ^ -(zigzag & 1)
    return np.where(measured, np.cumsum(differences, dtype=np.int32), 0).astype(np.uint16)


def _numbers(data: bytes) -> NDArray[np.int64]:
    words = np.frombuffer(data[: len(data) // 4 * 4], "<u4")
    shifts = np.arange(28, -1, -4, dtype=np.uint32)
    nibbles = ((words[:, np.newaxis] >> shifts) & 15).astype(np.int64).reshape(-1)
    ends = np.flatnonzero(nibbles < 8)
    if not len(ends):
        return np.zeros(0, np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends - starts).max() >= _MOST_NIBBLES:
        raise _damaged()
    nibbles = nibbles[: ends[-1] + 1]
    places = np.arange(len(nibbles)) - np.repeat(starts, ends - starts + 1)
    return np.asarray(np.add.reduceat((nibbles & 7) << (3 * places), starts), dtype=np.int64)


def _damaged() -> ConversionError:
    return ConversionError("data", "damaged RVL", "runs that fill the image")
