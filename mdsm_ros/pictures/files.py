"""Reading and writing image files as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mdsm_ros.errors import ImageError
from mdsm_ros.pixels import open_picture, picture_to_rgb, upright


def read_picture(path: Path) -> np.ndarray:
    """Reads an image as uint8 (H, W, 3) RGB.

    The EXIF orientation is applied, 16-bit grey values are scaled to 8 bits, and transparent pixels are blended over
    white.

    Raises:
        ImageError: The file is missing, is not an image, is damaged, or declares more than ``pixels.MAX_PIXELS``.
    """
    try:
        with open_picture(str(path)) as image:
            return picture_to_rgb(upright(image))
    except FileNotFoundError as error:
        raise ImageError(f"image {str(path)!r} does not exist") from error
    except IsADirectoryError as error:
        raise ImageError(f"image {str(path)!r} is a folder, expected a file") from error
    except (UnidentifiedImageError, ImageError) as error:
        raise ImageError(f"image {str(path)!r} cannot be read: {error}") from error
    except Exception as error:  # Pillow raises many types for damaged files
        raise ImageError(f"image {str(path)!r} is damaged: {error}") from error


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Writes uint8 (H, W) or (H, W, 3); the suffix of ``path`` determines the format.

    Raises:
        ImageError: The suffix is not a known format, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    except (OSError, ValueError) as error:
        raise ImageError(f"image {str(path)!r} cannot be written: {error}") from error
