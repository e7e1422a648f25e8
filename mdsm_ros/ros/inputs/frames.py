"""Images as they arrive: checked at once, decoded when they are needed, as small as they may be."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from mdsm_ros.recordings.images.colors import check_image
from mdsm_ros.recordings.images.compressed import Decoded, check_compressed_image, decode_compressed
from mdsm_ros.ros.conversions import image_to_rgb


class Transport(NamedTuple):
    """How images arrive: the message type, its check on arrival and its conversion to pixels."""

    message: type
    check: Callable[..., None]
    decode: Callable[..., Decoded]


def _decode_raw(message: Image, max_pixels: int, least_side: int | None = None) -> Decoded:
    """Converts a raw image, which costs nothing for rgb8; the model's own resizing makes it smaller."""
    pixels = image_to_rgb(message, max_pixels)
    return Decoded(pixels, pixels.shape[:2])


TRANSPORTS = {
    "raw": Transport(Image, check_image, _decode_raw),
    "compressed": Transport(CompressedImage, check_compressed_image, decode_compressed),
}


class Frame:
    """An image message whose pixels are decoded on first use.

    Args:
        message: Message that has passed the check of its transport.
        decode: Function that decodes it, called with ``least_side``.
        least_side: Shorter side, in pixels, down to which a smaller image serves the model and the tracker.
    """

    def __init__(self, message: Image | CompressedImage, decode: Callable[..., Decoded], least_side: int) -> None:
        self.message = message
        self._decode = decode
        self._least_side = least_side

    @property
    def header(self) -> Header:
        """The header of the message."""
        return self.message.header

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in full."""
        return self._small.shape

    @property
    def small(self) -> NDArray[np.uint8]:
        """Pixels for the model and the tracker, uint8 (h, w, 3) RGB; JPEG is decoded at a reduced size if it is large.

        Raises:
            ConversionError: The message is damaged.
        """
        return self._small.pixels

    @cached_property
    def picture(self) -> NDArray[np.uint8]:
        """Pixels of the whole image, uint8 (H, W, 3) RGB.

        Raises:
            ConversionError: The message is damaged.
        """
        is_whole = self._small.pixels.shape[:2] == self._small.shape
        return self._small.pixels if is_whole else self._decode(self.message, least_side=None).pixels

    @cached_property
    def _small(self) -> Decoded:
        return self._decode(self.message, least_side=self._least_side)


class Frames:
    """Makes frames of the messages of a transport.

    Args:
        transport: Name of the transport: "raw" or "compressed".
        max_pixels: Largest allowed product of width and height.
        least_side: Shorter side of a frame's smaller pixels.

    Attributes:
        message: Message type.
    """

    def __init__(self, transport: str, max_pixels: int, least_side: int) -> None:
        self.message, check, decode = TRANSPORTS[transport]
        self._check = partial(check, max_pixels=max_pixels)
        self._decode = partial(decode, max_pixels=max_pixels)
        self._least_side = least_side

    def check(self, message: Image | CompressedImage) -> None:
        """Checks a message without decoding its pixels.

        Raises:
            ConversionError: The message is not an image of a camera, or too large.
        """
        self._check(message)

    def of(self, message: Image | CompressedImage) -> Frame:
        """Makes the frame of a message that has passed :meth:`check`."""
        return Frame(message, self._decode, self._least_side)
