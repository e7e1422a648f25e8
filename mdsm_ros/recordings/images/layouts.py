"""The pixels of a ``sensor_msgs/Image`` as an array: size, step, byte order and amount of data.

Messages are read by attribute only, so messages deserialised by rosbags work like those of rclpy.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from mdsm_ros.errors import ConversionError

MAX_PIXELS = 50_000_000  # default limit of width times height of an image message
_NAMED = {
    "rgb": ("u", 3),
    "bgr": ("u", 3),
    "rgba": ("u", 4),
    "bgra": ("u", 4),
    "mono": ("u", 1),
    "bayer_rggb": ("u", 1),
    "bayer_bggr": ("u", 1),
    "bayer_gbrg": ("u", 1),
    "bayer_grbg": ("u", 1),
}
_GENERIC = re.compile(r"(8|16|32|64)([USF])C([1-9][0-9]?)?")  # of OpenCV: 16UC1
_KINDS = {"U": "u", "S": "i", "F": "f"}
_GENERIC_BITS = {"U": (8, 16), "S": (8, 16, 32), "F": (32, 64)}
PACKED_422 = ("yuv422", "uyvy", "yuv422_yuy2", "yuyv")  # two bytes per pixel
SEMI_PLANAR = {"nv12": 2, "nv21": 2, "nv24": 1}  # a plane of Y, then one of U and V, by their downsampling factor


class Layout(NamedTuple):
    """The memory layout of an encoding's pixels."""

    dtype: str  # numpy's type, without byte order
    channels: int


def layout_of(encoding: str) -> Layout | None:
    """The layout of an encoding with interleaved pixels; None for all others."""
    if encoding in PACKED_422:
        return Layout("u1", 2)
    for bits in ("8", "16"):
        kind = _NAMED.get(encoding.removesuffix(bits)) if encoding.endswith(bits) else None
        if kind is not None:
            return Layout(f"{kind[0]}{int(bits) // 8}", kind[1])
    generic = _GENERIC.fullmatch(encoding)
    if generic is None or int(generic[1]) not in _GENERIC_BITS[generic[2]]:
        return None
    return Layout(f"{_KINDS[generic[2]]}{int(generic[1]) // 8}", int(generic[3] or 1))


def image_to_numpy(message: Any) -> np.ndarray:
    """The pixels of a ``sensor_msgs/Image`` without conversion, usually without a copy.

    Returns:
        Pixels (H, W, C), or (H, W) for one channel, with the type and channel order of the encoding.

    Raises:
        ConversionError: The encoding, the size, the step or the amount of data is wrong.
    """
    layout = layout_of(message.encoding)
    if layout is None:
        expectation = "an encoding of sensor_msgs with one value after the other, such as rgb8, mono16 or 32FC1"
        raise ConversionError("encoding", repr(message.encoding), expectation)
    row = message.width * layout.channels * np.dtype(layout.dtype).itemsize  # bytes
    check_size(message, row)
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    pixels = rows[:, :row].view(np.dtype(layout.dtype).newbyteorder(">" if message.is_bigendian else "<"))
    image: np.ndarray = (
        pixels if layout.channels == 1 else pixels.reshape(message.height, message.width, layout.channels)
    )
    return image


def check_size(message: Any, row: int) -> None:
    """Checks that size, step and data agree.

    Args:
        message: Image message.
        row: Smallest number of bytes in a row.

    Raises:
        ConversionError: They do not agree.
    """
    check_extent(message)
    if message.step < row:
        raise ConversionError("step", message.step, f"at least {row} ({message.width} pixels of {message.encoding})")
    size = message.step * message.height
    if len(message.data) != size:
        expectation = f"{size} bytes (step {message.step} x height {message.height})"
        raise ConversionError("data", f"{len(message.data)} bytes long", expectation)


def check_extent(message: Any) -> None:
    """Checks that an image has pixels.

    Raises:
        ConversionError: Height or width is 0.
    """
    for field in ("height", "width"):
        if getattr(message, field) < 1:
            raise ConversionError(field, getattr(message, field), "at least 1")


def check_pixels(height: int, width: int, max_pixels: int) -> None:
    """Checks the declared size of an image before anything is decoded.

    Raises:
        ConversionError: The image is larger than allowed.
    """
    if height * width > max_pixels:
        raise ConversionError("size", f"{width}x{height}", f"at most {max_pixels} pixels (parameter max_image_pixels)")


def planes_of(message: Any) -> tuple[np.ndarray, np.ndarray]:
    """Splits a semi-planar image (nv12, nv21, nv24) into brightness and colour.

    ``height`` is the number of image rows, and ``step`` the number of bytes in a row of brightness. Messages whose
    ``step`` is the number of bytes of a whole row of pixels (1.5 or 3 times the width), without padding, are supported
    as well.

    Returns:
        Brightness (H, W) and colour (h, w, 2), uint8; h and w are half of H and W, or the same for nv24.

    Raises:
        ConversionError: Size, step or amount of data is wrong.
    """
    check_extent(message)
    height, width, smaller = message.height, message.width, SEMI_PLANAR[message.encoding]
    for field, value in (("height", height), ("width", width)):
        if value % smaller:
            raise ConversionError(field, value, f"a multiple of {smaller} for {message.encoding}")
    total = width * height + 2 * (width // smaller) * (height // smaller)  # bytes without padding
    data = np.frombuffer(message.data, np.uint8)
    step = message.step
    if step * height == total:
        step = width
    elif step < width:
        raise ConversionError("step", step, f"at least {width} ({width} pixels of {message.encoding})")
    stride = step * 2 // smaller  # bytes of a row of colour
    if len(data) != step * height + stride * (height // smaller):
        expectation = f"{step * height + stride * (height // smaller)} bytes (step {step}, {message.encoding})"
        raise ConversionError("data", f"{len(data)} bytes long", expectation)
    brightness = data[: step * height].reshape(height, step)[:, :width]
    colour = data[step * height :].reshape(height // smaller, stride)[:, : 2 * (width // smaller)]
    return brightness, colour.reshape(height // smaller, width // smaller, 2)
