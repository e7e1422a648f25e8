"""Conversion from numpy to ``sensor_msgs/Image``, and from images by cv_bridge if it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.recordings.images import colors
from mdsm_ros.recordings.images.layouts import MAX_PIXELS, PACKED_422, SEMI_PLANAR, layout_of


def image_to_rgb(message: Any, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The pixels of a camera's ``sensor_msgs/Image`` as uint8 (H, W, 3) RGB.

    cv_bridge converts Bayer and YUV if it is installed and supports the encoding; everything else is converted by
    :func:`mdsm_ros.recordings.images.colors.image_to_rgb`. Both use OpenCV.

    Args:
        message: Message of type ``sensor_msgs/Image``.
        max_pixels: Largest allowed product of width and height.

    Raises:
        ConversionError: The message is damaged, too large, or not an image of a camera.
    """
    colors.check_image(message, max_pixels)
    if colors.is_bayer(message.encoding) or message.encoding in PACKED_422 or message.encoding in SEMI_PLANAR:
        converted = _by_cv_bridge(message)
        if converted is not None:
            return converted
    return colors.image_to_rgb(message, max_pixels)


def numpy_to_image(pixels: np.ndarray, encoding: str, header: Any) -> Any:
    """Makes a ``sensor_msgs/Image`` from (H, W) or (H, W, C) pixels, with ``header`` unchanged."""
    from sensor_msgs.msg import Image

    layout = layout_of(encoding)
    assert layout is not None, encoding
    assert pixels.dtype == np.dtype(layout.dtype), f"{encoding} needs {layout.dtype}, got {pixels.dtype}"
    assert pixels.shape[2:] == ((layout.channels,) if layout.channels > 1 else ()), f"{encoding}: {pixels.shape}"
    height, width = pixels.shape[:2]
    step = width * pixels.itemsize * layout.channels
    image = Image(header=header, height=height, width=width, encoding=encoding, step=step)
    # any other way copies once more: the constructor and the attribute copy an array, and convert bytes value by value
    image.data.frombytes(np.ascontiguousarray(pixels).data.cast("B"))
    return image


def mask_to_image(mask: np.ndarray, header: Any) -> Any:
    """Makes a mono8 ``sensor_msgs/Image`` from a bool (H, W) mask: 255 inside, 0 outside."""
    image = numpy_to_image(mask.view(np.uint8), "mono8", header)
    values = np.frombuffer(image.data, np.int8)
    np.negative(values, out=values)  # 1 becomes 255
    return image


def _by_cv_bridge(message: Any) -> NDArray[np.uint8] | None:
    """The image as cv_bridge converts it; None if cv_bridge is missing, was built for another numpy, or fails."""
    try:
        from cv_bridge import CvBridge

        pixels = np.asarray(CvBridge().imgmsg_to_cv2(message, desired_encoding="rgb8"))
    except Exception:  # it raises many types, and OpenCV alone does the same
        return None
    return pixels if pixels.dtype == np.uint8 and pixels.shape == (message.height, message.width, 3) else None
