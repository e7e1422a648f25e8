"""Decodes masks in COCO format from untrusted sources: polygons, uncompressed and compressed run-length codes."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import is_integer, is_number, shown

FAR_OUT = 10  # times the image's side: limit of a polygon's coordinates
MIN_POLYGON = 6  # numbers; fewer have no area, and pycocotools treats four of them as a box


class NoMaskError(DatasetError):
    """A segmentation has no polygon with an area."""


class FarOutError(DatasetError):
    """A polygon is implausibly far outside the image."""


class OtherSizeError(DatasetError):
    """The size of a mask differs from that of the image."""


def decode(segmentation: Any, height: int, width: int, *, once: bool = False) -> NDArray[np.bool_]:
    """Decodes a mask (H, W) from polygons, uncompressed RLE or compressed RLE.

    Args:
        segmentation: Mask in COCO's form.
        height: Height of the image.
        width: Width of the image.
        once: Whether pixels that several polygons cover are outside of the mask, as in the data code of LAVT and VPD;
            otherwise, and for COCO's own code, they are inside.

    Raises:
        DatasetError: It is none of these, has another size, or extends far out of the image.
    """
    if isinstance(segmentation, list):
        polygons = sound_polygons(segmentation, width, height)
        codes = coco_mask.frPyObjects(polygons, height, width)
        if once and len(codes) > 1:
            covered: NDArray[np.bool_] = coco_mask.decode(codes).sum(axis=2, dtype=np.int64) == 1
            return covered
        rle = coco_mask.merge(codes)
    elif isinstance(segmentation, dict):
        rle = _checked_rle(segmentation, width, height)
    else:
        raise DatasetError(f"a segmentation is no polygons and no RLE, but {type(segmentation).__name__}")
    try:
        mask: NDArray[np.bool_] = coco_mask.decode(rle).astype(bool)
    except Exception as error:  # pycocotools raises that class itself
        raise DatasetError(f"a segmentation is damaged RLE: {type(error).__name__}: {error}") from error
    return mask


def sound_polygons(polygons: list[Any], width: int, height: int) -> list[list[float]]:
    """Returns the polygons with an area, each as alternating x and y; accepts a single bare polygon, too.

    Raises:
        DatasetError: There is no such polygon, an entry is not a polygon, or one extends far out of the image.
    """
    if polygons and all(is_number(value) for value in polygons):
        polygons = [polygons]
    sound: list[list[float]] = []
    for polygon in polygons:
        if not isinstance(polygon, list):
            raise DatasetError("a segmentation holds something that is no polygon")
        points = polygon
        if polygon and isinstance(polygon[0], list):
            if not all(isinstance(point, list) for point in polygon):
                raise DatasetError("a segmentation holds something that is no polygon")
            points = list(chain.from_iterable(polygon))
        if not all(is_number(value) and math.isfinite(value) for value in points) or len(points) % 2:
            raise DatasetError("a polygon holds something that is no finite number, or an odd number of them")
        if any(abs(value) > FAR_OUT * max(width, height) for value in points):
            raise FarOutError("a polygon reaches far out of the picture")
        if len(points) >= MIN_POLYGON:
            sound.append([float(value) for value in points])
    if not sound:
        raise NoMaskError("a segmentation has no polygon with an area")
    return sound


def _checked_rle(rle: dict[str, Any], width: int, height: int) -> dict[str, Any]:
    size, counts = rle.get("size"), rle.get("counts")
    if size is None and counts is None:
        raise DatasetError("a segmentation is no polygons and no RLE, but a JSON object of other fields")
    if size != [height, width]:
        shape = f"{size[1]}x{size[0]}" if isinstance(size, list) and len(size) == 2 else shown(size)
        raise OtherSizeError(f"a segmentation is for {shape} pixels, expected {width}x{height}")
    if isinstance(counts, str):
        try:
            return {"size": size, "counts": counts.encode("ascii")}
        except UnicodeEncodeError as error:
            raise DatasetError("a segmentation is damaged RLE: not ASCII") from error
    if not isinstance(counts, list) or not all(is_integer(number, 0) for number in counts):
        raise DatasetError("a segmentation has no RLE counts, expected text or a list of whole numbers")
    if sum(counts) != width * height:
        raise DatasetError(f"a segmentation counts {sum(counts)} pixels, expected {width * height}")
    code: dict[str, Any] = coco_mask.frPyObjects({"size": size, "counts": counts}, height, width)
    return code
