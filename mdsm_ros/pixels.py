"""Conversion of image files to 8-bit RGB: size limits, EXIF orientation, more than 8 bits, transparency."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from mdsm_ros.errors import ImageError

MAX_PIXELS = 80_000_000  # largest pixel count that the header of an image file may declare; 240 MB once decoded
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")  # Pillow passes EPS to another program
MAX_SCANS = 100  # scans of a JPEG: encoders write about ten, and each may take as long as a whole image
ORIENTATION = 0x0112  # EXIF
FULL_RANGE = 65535  # of 16 bits
_SCAN = b"\xff\xda"  # marker at the start of a scan
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_SIDE = (5, 6, 7, 8)  # orientations that swap width and height
_GREY_16 = ("I;16", "I;16L", "I;16B", "I;16N")  # modes of Pillow
_WHITE = (255, 255, 255, 255)


class ScansError(ImageError):
    """A JPEG has more scans than encoders write: each takes a few bytes, and seconds to decode."""


def open_picture(
    content: str | Path | IO[bytes], max_pixels: int = MAX_PIXELS, formats: tuple[str, ...] = FORMATS
) -> Image.Image:
    """Opens an image and reads its header; the pixels are decoded later, on first use.

    Args:
        content: Path or stream of the file.
        max_pixels: Largest allowed product of width and height.
        formats: Names of the allowed formats in Pillow.

    Raises:
        ImageError: The header declares more pixels.
        ScansError: A JPEG has more than ``MAX_SCANS`` scans.
        OSError, SyntaxError, ValueError: The content is not an image (raised by Pillow).
    """
    try:
        picture = Image.open(content, formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"image is too large ({error}), expected at most {max_pixels} pixels") from error
    width, height = picture.size
    if width * height > max_pixels:
        picture.close()
        raise ImageError(f"image is {width}x{height} pixels, expected at most {max_pixels} in all")
    scans = _count_scans(picture)
    if scans > MAX_SCANS:
        picture.close()
        raise ScansError(f"image is a JPEG of {scans} scans, expected at most {MAX_SCANS}")
    return picture


def _count_scans(picture: Image.Image) -> int:
    """The number of scans of a JPEG. Each begins with a marker that pixels cannot contain; other formats have none."""
    if not isinstance(picture, ImageFile.ImageFile) or picture.format not in ("JPEG", "MPO") or picture.fp is None:
        return 0
    place = picture.fp.tell()
    picture.fp.seek(0)
    scans = picture.fp.read().count(_SCAN)
    picture.fp.seek(place)
    return scans


def upright(picture: Image.Image) -> Image.Image:
    """The image rotated according to its EXIF orientation."""
    picture.load()  # Pillow rotates TIFF itself, and removes the orientation
    turn = _TURNS.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def upright_shape(picture: Image.Image) -> tuple[int, int]:
    """Height and width of an image that is not loaded yet, once it is rotated according to its EXIF orientation."""
    width, height = picture.size
    return (width, height) if _orientation(picture) in _ON_SIDE else (height, width)


def is_turned(picture: Image.Image) -> bool:
    """Whether the EXIF orientation of an image that is not loaded yet requires a rotation."""
    return _orientation(picture) in _TURNS


def picture_to_rgb(picture: Image.Image, *, over_white: bool = True) -> NDArray[np.uint8]:
    """The pixels of an image as uint8 (H, W, 3) RGB.

    Args:
        picture: Image of any mode. Grey values of 16 bits are scaled from their full range.
        over_white: Whether transparent pixels are blended over white, as in viewers; False drops the alpha channel.

    Raises:
        ImageError: The pixels are numbers without a known range (32 bits).
        OSError, SyntaxError, ValueError: The image is damaged (raised by Pillow).
    """
    if picture.mode in _GREY_16 or picture.mode == "I":
        grey = to_8_bits(grey_16(picture))
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if picture.mode == "F":
        raise ImageError("image has pixels of 32-bit floating-point numbers, expected 8 or 16 bits per channel")
    if over_white and (picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info):
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, _WHITE), rgba)
    return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def grey_16(picture: Image.Image) -> NDArray[np.uint16]:
    """The pixels (H, W) of a 16-bit grey image; Pillow may store them in 32 bits.

    Raises:
        ImageError: A pixel needs more than 16 bits.
    """
    values = np.asarray(picture)
    if values.dtype.itemsize > 2 and (values.min() < 0 or values.max() > FULL_RANGE):
        raise ImageError(f"image has pixels of {values.min()} to {values.max()}, expected 8 or 16 bits per channel")
    return values.astype(np.uint16)


def to_8_bits(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Pixels (H, W) or (H, W, C) in 8 bits: values of 16 bits are scaled from their full range, never clipped."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, dtype=np.uint8)
    scaled = cv2.convertScaleAbs(np.ascontiguousarray(pixels, dtype=np.uint16), alpha=255 / FULL_RANGE)
    return np.asarray(scaled, dtype=np.uint8).reshape(pixels.shape)


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged camera metadata does not invalidate the image
        return 1
