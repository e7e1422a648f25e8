"""Finds connected regions of a model's probability map: the objects that the instruction could mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

MOST = 9  # one digit key each
LEVELS = (1.0, 0.6, 0.3, 0.1)  # fractions of the mask's threshold: weaker regions appear below it
LEAST_AREA = 0.0003  # fraction of the image
OVERLAP = 0.2  # fraction of a region that stronger candidates may already cover


def candidates(probability: NDArray[np.float32], threshold: float) -> list[NDArray[np.bool_]]:
    """Returns the regions of an answer, the most probable first.

    Regions above the threshold are used unchanged. Below it, a region counts only if it does not surround a stronger
    one.

    Args:
        probability: Probability (H, W) that a pixel belongs to the target.
        threshold: Probability from which a pixel belongs to the mask.

    Returns:
        At most 9 masks (H, W) that do not overlap.
    """
    taken = np.zeros(probability.shape, bool)
    found: list[tuple[float, NDArray[np.bool_]]] = []
    for level in LEVELS:
        for region in _regions(probability >= max(level * threshold, 1e-3)):
            if np.count_nonzero(region & taken) > OVERLAP * np.count_nonzero(region):
                continue
            own = region & ~taken
            taken |= region
            found.append((float(probability[own].max()), own))
    found.sort(key=lambda pair: -pair[0])
    return [region for _, region in found[:MOST]]


def _regions(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Yields the connected regions of a mask that are large enough for an object, the largest first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    for index in np.argsort(-areas, kind="stable")[: 2 * MOST]:
        if areas[index] >= max(4, LEAST_AREA * mask.size):
            yield labels == index + 1


def number_map(regions: Sequence[NDArray[np.bool_]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Draws an image (H, W) with each region's number, from 1 on, and 0 elsewhere."""
    numbers = np.zeros(shape, np.uint8)
    for number, region in enumerate(regions, start=1):
        numbers[region] = number
    return numbers
