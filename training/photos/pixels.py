"""Reads the pixels of a collection's images and objects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import is_number
from mdsm_ros.pixels import is_turned, open_picture, picture_to_rgb, upright
from training.datasets.foreign.segmentation import FarOutError, NoMaskError, OtherSizeError, decode, sound_polygons

REACH_OUT = 2.0  # pixels beyond the edge that are tolerated without a message


@dataclass(frozen=True)
class Pixels:
    """An image to store.

    Attributes:
        rgb: Image (H, W, 3) in the recorded size.
        as_it_is: Whether the file itself contains these pixels, so that it can be copied.
    """

    rgb: NDArray[np.uint8]
    as_it_is: bool


def read_picture(path: Path, width: int, height: int) -> Pixels:
    """Reads an image in the recorded size, rotated by its EXIF orientation if the size fits then.

    If both orientations fit (a square, or 180 degrees), it is rotated, as labelling tools show it.

    Raises:
        DatasetError: The file is missing, damaged, or of another size.
    """
    try:
        with open_picture(path) as image:
            if image.size not in ((width, height), (height, width)):  # otherwise it may have any size
                raise DatasetError(
                    f"{path.name} is {image.width}x{image.height} pixels, expected {width}x{height} as recorded"
                )
            is_plain = image.mode in ("RGB", "L") and "transparency" not in image.info and not is_turned(image)
            turned = upright(image)
            fitting = [shown for shown in (turned, image) if shown.size == (width, height)]
            if not fitting:
                raise DatasetError(
                    f"{path.name} is {image.width}x{image.height} pixels, expected {width}x{height} as recorded"
                )
            return Pixels(picture_to_rgb(fitting[0]), is_plain)
    except FileNotFoundError as error:
        raise DatasetError(f"{path.name} is missing, expected it in the folder of the images") from error
    except DatasetError:
        raise
    except Exception as error:  # decoders of untrusted data fail in many ways
        raise DatasetError(f"{path.name} is not a readable image: {error}") from error


def mask_of(segmentation: Any, width: int, height: int) -> tuple[NDArray[np.bool_], bool]:
    """Returns the mask (H, W) of an annotation, and whether it was cut because it reached out of the image.

    Raises:
        DatasetError: The mask is missing, damaged, of another size, or empty.
    """
    if not segmentation:
        raise DatasetError("no mask")
    cut = False
    try:
        if isinstance(segmentation, list):
            segmentation = sound_polygons(segmentation, width, height)
            cut = _reaches_out(segmentation, width, height)
        mask = decode(segmentation, height, width)
    except NoMaskError as error:
        raise DatasetError("no mask") from error
    except FarOutError as error:
        raise DatasetError("mask without a pixel, or outside the picture") from error
    except OtherSizeError as error:
        raise DatasetError("mask of another size than the picture") from error
    except DatasetError as error:
        raise DatasetError("damaged mask") from error
    if not mask.any():
        raise DatasetError("mask without a pixel, or outside the picture")
    return mask, cut


def _reaches_out(polygons: list[list[float]], width: int, height: int) -> bool:
    across = np.concatenate([polygon[0::2] for polygon in polygons])
    down = np.concatenate([polygon[1::2] for polygon in polygons])
    return bool(max(-across.min(), -down.min(), across.max() - width, down.max() - height) > REACH_OUT)


def box_of(record: dict[str, Any], width: int, height: int) -> tuple[float, float, float, float]:
    """Returns left, top, right and bottom of an annotation's ``bbox`` inside the image; the whole image without one."""
    box = record.get("bbox")
    whole = (0.0, 0.0, float(width), float(height))
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        return whole
    left, top = min(max(0.0, box[0]), width), min(max(0.0, box[1]), height)
    right, bottom = min(max(left, box[0] + box[2]), width), min(max(top, box[1] + box[3]), height)
    return (left, top, right, bottom) if right > left and bottom > top else whole
