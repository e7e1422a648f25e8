"""Things cut out of photographs with COCO-form annotations: how well the network knows real ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.dataset.format import ANNOTATIONS_FILE
from mdsm_ros.errors import DatasetError, MdsmError
from mdsm_ros.foreign import inside, read_json
from mdsm_ros.pictures.files import read_picture

LEAST_AREA = 0.05  # fraction of the picture that the object's mask covers
MARGIN = 0.1  # around its box, fraction of the longer side


def kinds_by_name(kinds: Mapping[str, Collection[str]]) -> dict[str, str]:
    """The kind that each name means: its noun, or else a synonym.

    Args:
        kinds: The synonyms of each kind.
    """
    synonyms = {name: kind for kind, names in kinds.items() for name in names}
    return synonyms | {kind: kind for kind in kinds}


def crops(folder: Path, kinds: Mapping[str, str], side: int) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    """Name, kind and picture (side, side, 3) of each large object.

    Args:
        folder: Folder with ``annotations.json`` in COCO's format and ``images/``.
        kinds: Kind by category name; other categories are left out.
        side: Pixels.

    Raises:
        DatasetError: A file is missing or does not have the form.
    """
    path = folder / ANNOTATIONS_FILE
    try:
        content = read_json(path, DatasetError, "annotations in COCO's form")
        images = {image["id"]: image for image in content["images"]}
        names = {category["id"]: category["name"] for category in content["categories"]}
        for annotation in content["annotations"]:
            image, kind = images[annotation["image_id"]], kinds.get(names[annotation["category_id"]])
            if kind is not None and _is_clear(annotation, image):
                pixels = _cut(
                    read_picture(inside(folder / "images", image["file_name"], DatasetError)), annotation["bbox"], side
                )
                yield f"{image['file_name']} {annotation['id']}", kind, pixels
    except Exception as error:  # fields of any type
        if isinstance(error, MdsmError):
            raise DatasetError(str(error)) from error
        raise DatasetError(f"{path} does not have COCO's form: {type(error).__name__}: {error}") from error


def _is_clear(annotation: Mapping[str, Any], image: Mapping[str, Any]) -> bool:
    large = annotation["area"] >= LEAST_AREA * image["width"] * image["height"]
    return bool(large and not annotation.get("iscrowd") and annotation.get("reliable", 2) == 2)


def _cut(picture: NDArray[np.uint8], box: list[float], side: int) -> NDArray[np.uint8]:
    """A square around a box (x, y, width, height), moved into the picture and cut off where it is larger."""
    x, y, width, height = box
    half = (0.5 + MARGIN) * max(width, height)
    spans = []
    for middle, length in ((x + width / 2, picture.shape[1]), (y + height / 2, picture.shape[0])):
        low = min(max(0.0, middle - half), max(0.0, length - 2 * half))
        spans += [(round(low), round(min(length, low + 2 * half)))]
    (left, right), (top, bottom) = spans
    part = Image.fromarray(picture[top:bottom, left:right])
    return np.asarray(part.resize((side, side), Image.Resampling.BICUBIC))
