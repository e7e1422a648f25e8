"""Reading and writing picture files as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mdsm_ros.errors import ImageError


def read_picture(path: Path) -> np.ndarray:
    """Reads a picture as uint8 (H, W, 3) RGB, turned the way its EXIF orientation says.

    Raises:
        ImageError: the file is missing, is no picture, or is damaged.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError as error:
        raise ImageError(f"picture {str(path)!r} does not exist") from error
    except IsADirectoryError as error:
        raise ImageError(f"picture {str(path)!r} is a folder, expected a file") from error
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ImageError(f"picture {str(path)!r} cannot be read: {error}") from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow's decoders raise on damaged files
        raise ImageError(f"picture {str(path)!r} is damaged: {error}") from error


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Writes uint8 (H, W) or (H, W, 3); the suffix of ``path`` says the format.

    Raises:
        ImageError: the suffix is of no known format, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    except (OSError, ValueError) as error:
        raise ImageError(f"picture {str(path)!r} cannot be written: {error}") from error
