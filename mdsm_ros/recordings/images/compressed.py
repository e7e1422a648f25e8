"""Camera images in ``sensor_msgs/CompressedImage``: JPEG, PNG and TIFF, and the field ``format``."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.errors import ConversionError, ImageError
from mdsm_ros.pixels import ScansError, grey_16, is_turned, open_picture, picture_to_rgb, upright, upright_shape
from mdsm_ros.recordings.images.colors import DEPTH_ENCODINGS, demosaic, is_bayer, pattern_of
from mdsm_ros.recordings.images.formats import Format, parse_format
from mdsm_ros.recordings.images.layouts import MAX_PIXELS

FORMATS = ("JPEG", "PNG", "TIFF")
EXPECTED = "JPEG, PNG or TIFF"
_COLOR_MODES = ("RGB", "RGBA", "L", "LA", "P", "CMYK")  # Pillow's names for 8 bits per channel
_GREY_MODES = ("L", "I;16", "I;16B", "I;16L", "I")


class Decoded(NamedTuple):
    """The pixels of an image, uint8 (h, w, 3) RGB, perhaps reduced, and its height and width in full."""

    pixels: NDArray[np.uint8]
    shape: tuple[int, int]


def check_compressed_image(message: Any, max_pixels: int = MAX_PIXELS) -> None:
    """Checks ``format`` and the header of the compressed data, without decoding the pixels.

    Raises:
        ConversionError: As for ``compressed_image_to_rgb``, except damage of the pixel data.
    """
    _open(message, max_pixels).close()


def compressed_image_to_rgb(message: Any, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """The pixels of a camera's ``sensor_msgs/CompressedImage`` as uint8 (H, W, 3) RGB.

    If ``format`` names a Bayer encoding and the image is grey, it is a mosaic and becomes colour. Grey values of 16
    bits are scaled if ``format`` says that they come from a camera (mono16). Alpha is dropped. The image is rotated
    according to its EXIF orientation.

    Args:
        message: Message of type ``sensor_msgs/CompressedImage``.
        max_pixels: Largest allowed product of width and height.

    Raises:
        ConversionError: The data cannot be decoded, are too large, or are not an image of a camera.
    """
    return decode_compressed(message, max_pixels).pixels


def decode_compressed(message: Any, max_pixels: int = MAX_PIXELS, least_side: int | None = None) -> Decoded:
    """Decodes a ``sensor_msgs/CompressedImage`` as :func:`compressed_image_to_rgb` does, JPEG at a reduced size.

    A JPEG decoder gives a half, a quarter or an eighth of width and height for a fraction of the time, by leaving the
    higher frequencies out. Images of other formats and mosaics are decoded in full.

    Args:
        message: Message of type ``sensor_msgs/CompressedImage``.
        max_pixels: Largest allowed product of width and height.
        least_side: Number of pixels that width and height must keep; None decodes in full.

    Raises:
        ConversionError: As for that function.
    """
    encoding = parse_format(message.format).encoding
    try:
        with _open(message, max_pixels) as picture:
            if is_bayer(encoding):
                mosaic = _demosaiced(picture, pattern_of(encoding))
                return Decoded(mosaic, mosaic.shape[:2])
            whole = upright_shape(picture)
            is_reduced = least_side is not None and _reduce(picture, least_side)
            pixels = picture_to_rgb(upright(picture), over_white=False)
            return Decoded(pixels, whole if is_reduced else pixels.shape[:2])
    except ConversionError:
        raise
    except Exception as error:  # as in open_compressed
        raise ConversionError("data", f"damaged ({error})", f"complete {EXPECTED}") from error


def is_turned_image(message: Any) -> bool:
    """Whether the EXIF orientation of a readable compressed image requires a rotation."""
    with _open(message, max_pixels=2**62) as picture:
        return is_turned(picture)


def open_compressed(message: Any, max_pixels: int, formats: tuple[str, ...] = FORMATS, offset: int = 0) -> Image.Image:
    """Opens the data of a compressed image and checks the size that its header declares.

    Args:
        message: Message of type ``sensor_msgs/CompressedImage``.
        max_pixels: Largest allowed product of width and height.
        formats: Allowed formats, by Pillow's names.
        offset: Number of bytes before the image.

    Raises:
        ConversionError: The data are empty, not such an image, or too large.
    """
    names = " or ".join(formats)
    if len(message.data) <= offset:
        raise ConversionError("data", "empty", names)
    try:
        return open_picture(io.BytesIO(bytes(memoryview(message.data)[offset:])), max_pixels, formats)
    except ScansError as error:
        raise ConversionError("data", f"refused ({error})", names) from error
    except ImageError as error:
        expectation = f"at most {max_pixels} pixels (parameter max_image_pixels)"
        raise ConversionError("size", f"too large ({error})", expectation) from error
    except Exception as error:  # parsers of foreign bytes raise many types; all mean the same to the user
        value = f"{len(message.data)} bytes of format {message.format!r} ({error})"
        raise ConversionError("data", value, names) from error


def _open(message: Any, max_pixels: int) -> Image.Image:
    said = parse_format(message.format)
    _check_said(message, said)
    picture = open_compressed(message, max_pixels)
    if picture.mode not in _COLOR_MODES and not (picture.mode in _GREY_MODES and _is_camera_16(said)):
        value = f"{message.format!r} with pixels of mode {picture.mode} (a depth image?)"
        raise ConversionError("format", value, "8 bits per channel, or mono16 or bayer_*16 in format")
    return picture


def _reduce(picture: Image.Image, least_side: int) -> bool:
    """Has a large JPEG decoded at a reduced size; returns whether it is one."""
    size = picture.size
    picture.draft(None, (least_side, least_side))  # does nothing to other formats
    return picture.size != size


def _check_said(message: Any, said: Format) -> None:
    if said.transport or said.encoding in DEPTH_ENCODINGS:
        raise ConversionError("format", f"{message.format!r} (a depth image?)", "an image of a camera")
    if said.encoding.startswith("bayer_") and not is_bayer(said.encoding):
        raise ConversionError("format", repr(message.format), "a Bayer pattern of rggb, bggr, gbrg or grbg")


def _is_camera_16(said: Format) -> bool:
    return said.encoding == "mono16" or (is_bayer(said.encoding) and said.encoding.endswith("16"))


def _demosaiced(picture: Image.Image, pattern: str) -> NDArray[np.uint8]:
    """Converts a mosaic to RGB; an image with colours was demosaiced before compression."""
    if picture.mode in _GREY_MODES and picture.mode != "L":
        return demosaic(grey_16(picture), pattern)
    rgb = picture_to_rgb(picture, over_white=False)
    grey = rgb[..., 0]
    if picture.mode != "L" and not ((rgb[..., 1] == grey).all() and (rgb[..., 2] == grey).all()):
        return rgb
    return demosaic(grey, pattern)
