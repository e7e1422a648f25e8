"""Conversion of camera images to 8-bit RGB, by OpenCV: colour, grey, Bayer and YUV, of 8 and of 16 bits."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import ConversionError
from mdsm_ros.pixels import to_8_bits
from mdsm_ros.recordings.images.layouts import (
    MAX_PIXELS,
    PACKED_422,
    SEMI_PLANAR,
    check_pixels,
    image_to_numpy,
    planes_of,
)

RGB_ORDERS = {  # encodings by the content of a pixel: mono (1), rgb (3), rgba (4), and in reverse order
    **{f"{name}{bits}": name for name in ("rgb", "bgr", "rgba", "bgra", "mono") for bits in (8, 16)},
    **{"8UC": "mono", "8UC1": "mono", "8UC3": "bgr", "8UC4": "bgra", "16UC3": "bgr", "16UC4": "bgra"},  # as in OpenCV
}
BAYER = {  # OpenCV's older names use the second row's second and third pixel
    "bayer_rggb": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg": cv2.COLOR_BayerGB2RGB,
}
YUV = {
    "yuv422": cv2.COLOR_YUV2RGB_UYVY,
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
    "yuv422_yuy2": cv2.COLOR_YUV2RGB_YUY2,
    "yuyv": cv2.COLOR_YUV2RGB_YUY2,
    "nv12": cv2.COLOR_YUV2RGB_NV12,
    "nv21": cv2.COLOR_YUV2RGB_NV21,
}
DEPTH_ENCODINGS = ("16UC1", "16UC", "32FC1", "32FC", "64FC1", "64FC")
EXPECTED = (
    "a camera image: rgb, bgr, rgba, bgra, mono or bayer_* of 8 or 16 bits, yuv422, yuyv, uyvy, nv12, nv21, nv24, "
    "8UC1, 8UC3, 8UC4, 16UC3 or 16UC4"
)


def is_bayer(encoding: str) -> bool:
    """Whether an encoding is a mosaic of 8 or 16 bits with a known pattern."""
    return encoding.endswith(("8", "16")) and pattern_of(encoding) in BAYER


def pattern_of(encoding: str) -> str:
    """``bayer_rggb`` of ``bayer_rggb8`` and ``bayer_rggb16``."""
    return encoding.removesuffix("8") if encoding.endswith("8") else encoding.removesuffix("16")


def check_image(message: Any, max_pixels: int = MAX_PIXELS) -> None:
    """Checks everything that ``image_to_rgb`` needs, in constant time.

    Raises:
        ConversionError: As for ``image_to_rgb``.
    """
    encoding = message.encoding
    if encoding in SEMI_PLANAR:
        planes_of(message)
    elif encoding in RGB_ORDERS or is_bayer(encoding) or encoding in PACKED_422:
        image_to_numpy(message)
        if encoding in PACKED_422 and message.width % 2:
            raise ConversionError("width", message.width, f"an even number for {encoding}")
    else:
        kind = " (a depth image?)" if encoding in DEPTH_ENCODINGS else ""
        raise ConversionError("encoding", f"{encoding!r}{kind}", EXPECTED)
    check_pixels(message.height, message.width, max_pixels)


def image_to_rgb(message: Any, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The pixels of a camera's ``sensor_msgs/Image`` as uint8 (H, W, 3) RGB.

    Values of 16 bits are scaled from their full range, alpha is dropped, 8UC3 and 16UC3 have OpenCV's order (BGR).
    16UC1 and floating-point encodings are refused, since they hold depth (REP 118).

    Args:
        message: Message of type ``sensor_msgs/Image``.
        max_pixels: Largest allowed product of width and height.

    Raises:
        ConversionError: The message is damaged, too large, or not an image of a camera.
    """
    check_image(message, max_pixels)
    encoding = message.encoding
    if encoding == "nv24":
        return _nv24_to_rgb(*planes_of(message))
    if encoding in SEMI_PLANAR:
        brightness, colour = planes_of(message)
        planes = np.concatenate([brightness, colour.reshape(len(colour), -1)])
        return _convert(planes, YUV[encoding])
    pixels = image_to_numpy(message)
    if encoding in YUV:
        return _convert(pixels, YUV[encoding])
    if encoding in RGB_ORDERS:
        return _reorder(to_8_bits(pixels), RGB_ORDERS[encoding])
    return demosaic(pixels, pattern_of(encoding))


def demosaic(mosaic: NDArray[np.uint8] | NDArray[np.uint16], pattern: str) -> NDArray[np.uint8]:
    """Converts a Bayer mosaic (H, W) of 8 or 16 bits to uint8 (H, W, 3) RGB; ``pattern`` is a key of ``BAYER``."""
    native = np.ascontiguousarray(mosaic, dtype=mosaic.dtype.newbyteorder("="))
    return to_8_bits(cv2.cvtColor(native, BAYER[pattern]))


def _reorder(pixels: NDArray[np.uint8], order: str) -> NDArray[np.uint8]:
    if order == "mono":
        return np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    return np.ascontiguousarray(pixels[..., 2::-1] if order.startswith("bgr") else pixels[..., :3])


def _convert(pixels: NDArray[np.uint8], code: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), code), dtype=np.uint8)


def _nv24_to_rgb(brightness: NDArray[np.uint8], colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Converts NV24, for which OpenCV has no code, by writing each pixel twice as UYVY, whose pairs have one colour."""
    height, width = brightness.shape
    twice = np.stack([colour[..., 0], brightness, colour[..., 1], brightness], axis=2)  # (H, W, 4)
    return np.ascontiguousarray(_convert(twice.reshape(height, 2 * width, 2), cv2.COLOR_YUV2RGB_UYVY)[:, ::2])
