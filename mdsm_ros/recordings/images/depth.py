"""Depth images in metres: raw, 16-bit PNG, and compressedDepth (PNG or RVL)."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import ConversionError
from mdsm_ros.pixels import grey_16
from mdsm_ros.recordings.images.colors import DEPTH_ENCODINGS
from mdsm_ros.recordings.images.compressed import open_compressed
from mdsm_ros.recordings.images.formats import parse_format
from mdsm_ros.recordings.images.layouts import MAX_PIXELS, check_pixels, image_to_numpy
from mdsm_ros.recordings.images.rvl import decode_rvl

MILLIMETRES = ("16UC1", "mono16")  # REP 118
METRES = ("32FC1", "64FC1")
EXPECTED = "depth: 16UC1 (mm) or 32FC1 (m)"
_HEADER = struct.Struct("<i2f")  # header of compressedDepth: codec, and two scale factors of inverse depth
_RVL_SIZE = struct.Struct("<2I")  # width and height
_GREY_16 = ("I;16", "I;16B", "I;16L", "I")  # modes of Pillow


class _Head(NamedTuple):
    """The header of compressedDepth: scale factors of inverse depth, and the size for RVL."""

    scale: float
    offset: float
    rvl_size: tuple[int, int] | None  # height, width


def is_depth(message: Any) -> bool:
    """Whether a raw or compressed image contains depth instead of colours, by its encoding.

    A 16-bit grey PNG is depth unless ``format`` names the encoding of a camera image, such as mono16.
    """
    if hasattr(message, "encoding"):
        return message.encoding in DEPTH_ENCODINGS
    said = parse_format(message.format)
    if said.transport or said.encoding:
        return bool(said.transport) or said.encoding in DEPTH_ENCODINGS
    try:
        _open_png(message, MAX_PIXELS, 0).close()
    except ConversionError:
        return False
    return True


def depth_to_metres(message: Any, max_pixels: int = MAX_PIXELS) -> NDArray[np.float32]:
    """The depth (H, W) of a ``sensor_msgs/Image`` in metres, NaN if missing (REP 118: 16UC1 mm or 32FC1 m).

    Raises:
        ConversionError: The message is damaged, too large, or not a depth image.
    """
    check_depth(message, max_pixels)
    pixels = image_to_numpy(message)
    return pixels.astype(np.float32) if message.encoding in METRES else _from_millimetres(pixels)


def check_depth(message: Any, max_pixels: int = MAX_PIXELS) -> None:
    """Checks what :func:`depth_to_metres` needs, in constant time.

    Raises:
        ConversionError: As for that function.
    """
    if message.encoding not in MILLIMETRES + METRES:
        raise ConversionError("encoding", repr(message.encoding), EXPECTED)
    image_to_numpy(message)
    check_pixels(message.height, message.width, max_pixels)


def compressed_depth_to_metres(message: Any, max_pixels: int = MAX_PIXELS) -> NDArray[np.float32]:
    """The depth (H, W) of a ``sensor_msgs/CompressedImage`` in metres, NaN if missing.

    Supports compressedDepth (PNG or RVL) of 16UC1 and of 32FC1, and plain 16-bit PNG in millimetres.

    Raises:
        ConversionError: The data are damaged, too large, or not depth.
    """
    check_compressed_depth(message, max_pixels)
    said = parse_format(message.format)
    if not said.transport:
        return _from_millimetres(_png_pixels(message, max_pixels, 0))
    head = _head(message)
    if head.rvl_size is None:
        pixels = _png_pixels(message, max_pixels, _HEADER.size)
    else:
        height, width = head.rvl_size
        data = bytes(message.data[_HEADER.size + _RVL_SIZE.size :])
        pixels = decode_rvl(data, height * width).reshape(height, width)
    if said.encoding not in METRES:
        return _from_millimetres(pixels)
    with np.errstate(divide="ignore"):
        metres = np.float32(head.scale) / (pixels.astype(np.float32) - np.float32(head.offset))
    known: NDArray[np.float32] = np.where(pixels == 0, np.float32(np.nan), metres)
    return known


def check_compressed_depth(message: Any, max_pixels: int = MAX_PIXELS) -> None:
    """Checks what :func:`compressed_depth_to_metres` needs, without decoding the pixels.

    Raises:
        ConversionError: As for that function, except damage of the pixel data.
    """
    said = parse_format(message.format)
    if said.encoding and said.encoding not in MILLIMETRES + METRES:
        raise ConversionError("format", repr(message.format), EXPECTED)
    if not said.transport:
        if said.codec == "jpeg":
            raise ConversionError("format", f"{message.format!r}, which loses depth", "PNG or compressedDepth")
        if said.encoding in METRES:
            raise ConversionError("format", repr(message.format), "compressedDepth for depth in metres")
        _open_png(message, max_pixels, 0).close()
        return
    head = _head(message)
    if head.rvl_size is None:
        _open_png(message, max_pixels, _HEADER.size).close()
        return
    height, width = head.rvl_size
    if height < 1 or width < 1:
        raise ConversionError("size", f"{width}x{height}", "at least 1x1")
    check_pixels(height, width, max_pixels)


def _head(message: Any) -> _Head:
    said, data = parse_format(message.format), bytes(message.data[: _HEADER.size + _RVL_SIZE.size])
    if len(data) < _HEADER.size + _RVL_SIZE.size:
        raise ConversionError("data", f"{len(data)} bytes long", "compressedDepth with its header of 12 bytes")
    _, scale, offset = _HEADER.unpack_from(data)
    if said.encoding in METRES and not (np.isfinite(scale) and np.isfinite(offset) and scale > 0):
        raise ConversionError("data", f"scaled by {scale} and {offset}", "compressedDepth with its header of 12 bytes")
    if said.codec != "rvl":
        return _Head(scale, offset, None)
    width, height = _RVL_SIZE.unpack_from(data, _HEADER.size)
    return _Head(scale, offset, (height, width))


def _open_png(message: Any, max_pixels: int, offset: int) -> Any:
    picture = open_compressed(message, max_pixels, ("PNG",), offset)
    if picture.mode not in _GREY_16:
        picture.close()
        raise ConversionError("data", f"PNG with pixels of mode {picture.mode}", "grey values of 16 bits")
    return picture


def _png_pixels(message: Any, max_pixels: int, offset: int) -> NDArray[np.uint16]:
    try:
        with _open_png(message, max_pixels, offset) as picture:
            return grey_16(picture)
    except ConversionError:
        raise
    except Exception as error:  # parsers of foreign bytes raise many types; all mean the same to the user
        raise ConversionError("data", f"damaged ({error})", "complete PNG") from error


def _from_millimetres(pixels: NDArray[np.uint16]) -> NDArray[np.float32]:
    metres: NDArray[np.float32] = np.where(
        pixels == 0, np.float32(np.nan), pixels.astype(np.float32) / np.float32(1000)
    )
    return metres
