"""The single objects of a mask: their masks, boxes, scores and ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late

if TYPE_CHECKING:
    import cv2
else:
    cv2 = late("cv2")

MAX_INSTANCES = 255
LEAST_PIXELS = 4
LEAST_OF_IMAGE = 0.0002  # 61 pixels of 640x480; the smallest targets of the homes have ten times as many
LEAST_OF_LARGEST = 0.03
NEAR_MAIN_PART = 0.25  # of the longer side of its box
LARGEST_LABELLED = 640  # pixels, longer side of a mask's bounding box
SAME_OBJECT = 0.7  # IoU from which two masks of a model count as one object

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Instance:
    """One object, in the pixel grid of the input image.

    Attributes:
        mask: Pixels of the object, bool (H, W), at least one.
        score: Confidence of the model in the object, in [0, 1]: the mean probability of its pixels, or the model's own
            score.
        name: Noun phrase with which the model found the object; "" if it used the whole instruction.
    """

    mask: NDArray[np.bool_]
    score: float
    name: str = ""

    @cached_property
    def box(self) -> Box:
        """The x, y, width and height in pixels."""
        found = box_of(self.mask)
        assert found is not None, "an instance has pixels"
        return found

    @cached_property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.mask))


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """Returns x, y, width and height of a mask (H, W) in pixels; None if it is empty."""
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    if len(rows) == 0:
        return None
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def split_instances(
    mask: NDArray[np.bool_],
    probability: NDArray[np.float32],
    *,
    least_of_image: float = LEAST_OF_IMAGE,
    least_of_largest: float = LEAST_OF_LARGEST,
) -> tuple[Instance, ...]:
    """Splits a mask into its connected parts, the most certain first; pixels that touch at a corner are connected.

    Small parts are omitted: those of fewer than 4 pixels, and those below both fractions. The largest part always
    stays.

    Args:
        mask: Mask of all objects, bool (H, W).
        probability: Probability that a pixel belongs to the mask, (H, W) in [0, 1].
        least_of_image: Smallest area of a part, as a fraction of the image.
        least_of_largest: Smallest area of a part, as a fraction of the largest part.

    Returns:
        At most 255 instances; none if the mask is empty.
    """
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return ()
    areas = statistics[:, cv2.CC_STAT_AREA]
    sums = np.bincount(labels.ravel(), probability.ravel(), count)
    largest = int(areas[1:].max())
    least = min(largest, max(LEAST_PIXELS, least_of_image * mask.size, least_of_largest * largest))
    kept = sorted((i for i in range(1, count) if areas[i] >= least), key=lambda i: -sums[i] / areas[i])
    return tuple(Instance(labels == i, float(sums[i] / areas[i])) for i in kept[:MAX_INSTANCES])


def main_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keeps the largest part of a mask and those near it; parts farther away are mostly other objects.

    Near is what lies, between bounding boxes, within a quarter of the longer side of the largest part's box: something
    thin in front of an object cuts its mask into such parts. Parts of large masks are found at a reduced size.

    Args:
        mask: Mask of one object, bool (H, W).

    Returns:
        A mask (H, W); the same array if nothing is dropped.
    """
    box = box_of(mask)
    if box is None:
        return mask
    x, y, width, height = box
    cropped = mask[y : y + height, x : x + width]
    stride = -(-max(cropped.shape) // LARGEST_LABELLED)
    reduced = np.ascontiguousarray(cropped[::stride, ::stride]).view(np.uint8)
    if cv2.connectedComponents(reduced, connectivity=8)[0] <= 2:  # 0 is the background
        return mask  # as most masks, which need no boxes of their parts: these take four times as long
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(reduced, connectivity=8)
    boxes = statistics[1:, : cv2.CC_STAT_AREA]
    starts, ends = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    main = int(statistics[1:, cv2.CC_STAT_AREA].argmax())
    gaps = np.maximum(starts - ends[main], starts[main] - ends).max(axis=1)
    far = gaps > NEAR_MAIN_PART * boxes[main, 2:].max()
    if not far.any():
        return mask
    dropped = np.concatenate(([0], far)).astype(np.uint8)[labels]
    if stride > 1:
        dropped = cv2.dilate(dropped, np.ones((3, 3), np.uint8)).repeat(stride, axis=0).repeat(stride, axis=1)
    kept: NDArray[np.bool_] = mask.copy()
    kept[y : y + height, x : x + width] &= dropped[:height, :width] == 0
    return kept


def distinct(found: Iterable[Instance]) -> tuple[Instance, ...]:
    """Returns a model's own instances, the most certain first, without empty ones and duplicates."""
    kept: list[Instance] = []
    for instance in sorted(found, key=lambda one: -one.score):
        if instance.mask.any() and not any(_overlap(instance, other) >= SAME_OBJECT for other in kept):
            kept.append(instance)
    return tuple(kept[:MAX_INSTANCES])


def _overlap(one: Instance, other: Instance) -> float:
    """Intersection over union."""
    intersection = int(np.count_nonzero(one.mask & other.mask))
    return intersection / (one.area + other.area - intersection)


def label_image(instances: Sequence[Instance], shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Draws instance ids (H, W): 0 is background, i is the i-th instance; where two overlap, the first one wins.

    Args:
        instances: Objects in the order of their ids, at most 65535.
        shape: H and W of the masks, or of the image if there are no instances.
    """
    labels = np.zeros(shape, dtype=np.uint16)
    for i, instance in reversed(list(enumerate(instances, start=1))):
        labels[instance.mask] = i
    return labels
