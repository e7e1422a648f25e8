"""Converts images for the browser, and reads images from it, within limits."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.errors import ImageError
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.pixels import open_picture

MAX_UPLOAD = 32 << 20  # bytes of an uploaded photograph
PAGE_SIDE = 1600  # pixels: largest side of images that the page shows or the Try page segments
JPEG_QUALITY = 90
_PNG = "data:image/png;base64,"


def read_upload(path: str) -> NDArray[np.uint8]:
    """Reads an uploaded photograph as uint8 (H, W, 3) RGB, at most ``PAGE_SIDE`` pixels a side.

    Raises:
        ImageError: The file is too long, is not an image, is damaged, or declares too many pixels.
    """
    size = Path(path).stat().st_size
    if size > MAX_UPLOAD:
        raise ImageError(f"image has {size} bytes, expected at most {MAX_UPLOAD}")
    try:
        return fit(read_picture(Path(path)))
    except ImageError as error:  # omits the name of the server's temporary file
        raise ImageError(str(error).replace(path, Path(path).name)) from error


def fit(image: NDArray[np.uint8], side: int = PAGE_SIDE) -> NDArray[np.uint8]:
    """Scales the image (H, W, 3) down if a side has more pixels."""
    width, height = fitted_size(image.shape[1], image.shape[0], side)
    if (height, width) == image.shape[:2]:
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def fitted_size(width: int, height: int, side: int = PAGE_SIDE) -> tuple[int, int]:
    """Returns width and height of an image on the page."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def jpeg_url(image: NDArray[np.uint8]) -> str:
    """Returns a ``data:`` address of an image (H, W, 3) RGB, so that no file is written."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "jpeg", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def png_url(values: NDArray[np.uint8]) -> str:
    """Returns a ``data:`` address of an image (H, W) of one channel, without loss."""
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, "png", compress_level=1)
    return _PNG + base64.b64encode(buffer.getvalue()).decode("ascii")


def mask_of_url(url: object, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Reads a mask (H, W) drawn in a browser: a PNG in a ``data:`` address; bright and opaque pixels are set.

    Args:
        url: Address as the browser sent it.
        size: Width and height that the image must have.

    Raises:
        ImageError: It is not a PNG of this size.
    """
    if not isinstance(url, str) or not url.startswith(_PNG):
        raise ImageError(f"mask is {str(url)[:30]!r}, expected a PNG picture as {_PNG}...")
    try:
        content = base64.b64decode(url.removeprefix(_PNG), validate=True)
        with open_picture(BytesIO(content), size[0] * size[1], ("PNG",)) as picture:
            if picture.size != size:
                raise ImageError(f"mask is {picture.width}x{picture.height} pixels, expected {size[0]}x{size[1]}")
            rgba = np.asarray(picture.convert("RGBA"))
    except ImageError:
        raise
    except Exception as error:  # Pillow raises many types for damaged files
        raise ImageError(f"mask is damaged: {error}") from error
    drawn: NDArray[np.bool_] = (rgba[..., 3] > 127) & (rgba[..., :3].max(axis=2) > 127)
    return drawn


def scaled_mask(mask: NDArray[np.bool_], width: int, height: int) -> NDArray[np.bool_]:
    """Resamples the mask to another size, by the nearest pixel."""
    if mask.shape == (height, width):
        return mask
    resized = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(resized, dtype=bool)
