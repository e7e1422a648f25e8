"""sensor_msgs <-> numpy, as pure functions.

Messages are read by attribute only, so those that rosbags deserialises serve as well as those of rclpy, and
this module can be imported without ROS.
"""

from __future__ import annotations

import io
from array import array
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as PillowImage

from mdsm_ros.errors import ConversionError


class _Layout(NamedTuple):
    dtype: str
    channels: int


LAYOUTS = {
    "rgb8": _Layout("u1", 3),
    "bgr8": _Layout("u1", 3),
    "rgba8": _Layout("u1", 4),
    "bgra8": _Layout("u1", 4),
    "mono8": _Layout("u1", 1),
    "mono16": _Layout("u2", 1),
    "16UC1": _Layout("u2", 1),
    "32FC1": _Layout("f4", 1),
}
CAMERA_ENCODINGS = ("rgb8", "bgr8", "rgba8", "bgra8", "mono8")
CV_BRIDGE_PREFIXES = ("bayer_", "yuv", "uyvy", "yuyv", "nv21", "nv24")  # left to cv_bridge
COMPRESSED_FORMATS = ("JPEG", "PNG")
COLOR_MODES = ("RGB", "RGBA", "L", "LA", "P", "CMYK")  # Pillow's names; the others hold more than 8 bits


def image_to_numpy(message: Any) -> np.ndarray:
    """The pixels of a ``sensor_msgs/Image`` as they are, usually without a copy.

    Returns:
        (H, W, C), or (H, W) for one channel; dtype and order of channels are those of the encoding.

    Raises:
        ConversionError: encoding, size, step or amount of data is wrong.
    """
    layout = LAYOUTS.get(message.encoding)
    if layout is None:
        raise ConversionError("encoding", repr(message.encoding), f"one of {', '.join(LAYOUTS)}")
    row = message.width * layout.channels * np.dtype(layout.dtype).itemsize  # bytes
    _check_size(message, row)
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    pixels = rows[:, :row].view(np.dtype(layout.dtype).newbyteorder(">" if message.is_bigendian else "<"))
    return pixels if layout.channels == 1 else pixels.reshape(message.height, message.width, layout.channels)


def image_to_rgb(message: Any) -> np.ndarray:
    """The pixels of a camera's ``sensor_msgs/Image`` as uint8 (H, W, 3) RGB.

    Encodings beyond rgb8, bgr8, rgba8, bgra8 and mono8 (Bayer, YUV) are left to cv_bridge. Images of 16 bits
    (16UC1, mono16) are refused: they are depth images or have a range that nobody knows.

    Raises:
        ConversionError: the message is damaged, or is no image of a camera.
    """
    check_image(message)
    if message.encoding.startswith(CV_BRIDGE_PREFIXES):
        return _convert_with_cv_bridge(message)
    pixels = image_to_numpy(message)
    if message.encoding == "mono8":
        return np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    return np.ascontiguousarray(pixels[..., 2::-1] if message.encoding.startswith("bgr") else pixels[..., :3])


def check_image(message: Any) -> None:
    """Checks everything that ``image_to_rgb`` needs, in constant time.

    Raises:
        ConversionError: as ``image_to_rgb``.
    """
    if message.encoding.startswith(CV_BRIDGE_PREFIXES):
        _check_size(message, row=1)
    elif message.encoding in CAMERA_ENCODINGS:
        image_to_numpy(message)
    else:
        kind = " (a depth image?)" if message.encoding in ("16UC1", "32FC1") else ""
        expectation = f"a camera image: {', '.join(CAMERA_ENCODINGS)}, or Bayer or YUV where cv_bridge is installed"
        raise ConversionError("encoding", f"{message.encoding!r}{kind}", expectation)


def compressed_image_to_rgb(message: Any) -> np.ndarray:
    """The pixels of a camera's ``sensor_msgs/CompressedImage`` (JPEG or PNG) as uint8 (H, W, 3) RGB.

    Raises:
        ConversionError: the data cannot be decoded, or are no image of a camera.
    """
    try:
        with _open_compressed(message) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's decoders raise on damaged data
        if isinstance(error, ConversionError):
            raise
        raise ConversionError("data", f"damaged ({error})", f"complete {_names(COMPRESSED_FORMATS)}") from error


def check_compressed_image(message: Any) -> None:
    """Checks the header of the compressed data, without decoding the pixels.

    Raises:
        ConversionError: as ``compressed_image_to_rgb``, apart from damage further on.
    """
    _open_compressed(message).close()


def numpy_to_image(pixels: np.ndarray, encoding: str, header: Any) -> Any:
    """A ``sensor_msgs/Image`` of (H, W) or (H, W, C) pixels; ``header`` is taken over as it is."""
    from sensor_msgs.msg import Image

    layout = LAYOUTS[encoding]
    assert pixels.dtype == np.dtype(layout.dtype), f"{encoding} needs {layout.dtype}, got {pixels.dtype}"
    assert pixels.shape[2:] == ((layout.channels,) if layout.channels > 1 else ()), f"{encoding}: {pixels.shape}"
    pixels = np.ascontiguousarray(pixels)
    data = array("B")  # rclpy takes it as it is; bytes and lists are converted value by value
    data.frombytes(pixels.data.cast("B"))
    height, width = pixels.shape[:2]
    return Image(header=header, height=height, width=width, encoding=encoding, step=pixels.strides[0], data=data)


def mask_to_image(mask: np.ndarray, header: Any) -> Any:
    """A mono8 ``sensor_msgs/Image`` of a bool (H, W) mask: 255 inside, 0 outside."""
    return numpy_to_image(mask.astype(np.uint8) * np.uint8(255), "mono8", header)


def _check_size(message: Any, row: int) -> None:
    """Raises ConversionError unless size, step and data agree; ``row`` is what a row needs at least, in bytes."""
    for field in ("height", "width"):
        if getattr(message, field) < 1:
            raise ConversionError(field, getattr(message, field), "at least 1")
    if message.step < row:
        raise ConversionError("step", message.step, f"at least {row} ({message.width} pixels of {message.encoding})")
    size = message.step * message.height
    if len(message.data) != size:
        expectation = f"{size} bytes (step {message.step} x height {message.height})"
        raise ConversionError("data", f"{len(message.data)} bytes long", expectation)


def _open_compressed(message: Any) -> PillowImage.Image:
    if len(message.data) == 0:
        raise ConversionError("data", "empty", _names(COMPRESSED_FORMATS))
    try:
        picture = PillowImage.open(io.BytesIO(bytes(message.data)), formats=COMPRESSED_FORMATS)
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        value = f"{len(message.data)} bytes of format {message.format!r} ({error})"
        raise ConversionError("data", value, _names(COMPRESSED_FORMATS)) from error
    if picture.mode not in COLOR_MODES:
        value = f"{message.format!r} with pixels of mode {picture.mode} (a depth image?)"
        raise ConversionError("format", value, "8 bits per channel")
    return picture


def _convert_with_cv_bridge(message: Any) -> np.ndarray:
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except Exception as error:  # cv_bridge built for another numpy fails in many ways
        expectation = f"{', '.join(CAMERA_ENCODINGS)}, or an installed cv_bridge ({error})"
        raise ConversionError("encoding", repr(message.encoding), expectation) from error
    try:
        return np.asarray(CvBridge().imgmsg_to_cv2(message, desired_encoding="rgb8"))
    except (CvBridgeError, TypeError, ValueError) as error:
        raise ConversionError("encoding", f"{message.encoding!r} ({error})", "one that cv_bridge converts") from error


def _names(formats: tuple[str, ...]) -> str:
    return " or ".join(formats)
