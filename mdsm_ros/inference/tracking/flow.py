"""Optical flow between two consecutive images, and where it is reliable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

LONGER_SIDE = 320  # longer side, in pixels, of the images between which flow is computed
SHORTEST_SIDE = 24  # shorter side; smaller images are enlarged, as flow needs 12 pixels at CHECK_SCALE
CHECK_SCALE = 0.5  # scale of the sides: the flow for the consistency check is computed on a quarter of the pixels
TOLERANCE = 0.5, 0.01  # px^2, and part of the squared motion: Sundaram et al., ECCV 2010, eq. 5
OUTSIDE = -1e4  # a coordinate outside every image
_SUM = np.ones((1, 2), dtype=np.float32)  # sums x and y


@dataclass(frozen=True)
class Step:
    """The motion between an image and the previous one.

    Attributes:
        stamp: Stamp of the image, ns.
        gray: uint8 (h, w), the reduced image.
        backward: float32 (h, w, 2), x and y, in reduced pixels: position of each pixel in the previous image, relative
            to its position now. None for the first image.
        before: float32 (h', w', 2), the same at :data:`CHECK_SCALE`, as absolute x and y in the previous image. None
            for the first image.
        consistent: bool (h', w'), where the flow from the previous image leads back to the same place. None for the
            first image.
    """

    stamp: int
    gray: NDArray[np.uint8]
    backward: NDArray[np.float32] | None = None
    before: NDArray[np.float32] | None = None
    consistent: NDArray[np.bool_] | None = None


def reduced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduces an image for the computation of flow: gray, and usually at most :data:`LONGER_SIDE` pixels long.

    Args:
        image: uint8 (H, W, 3) RGB.

    Returns:
        uint8 (h, w).
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    height, width = gray.shape
    scale = min(1.0, LONGER_SIDE / max(height, width))
    size = max(SHORTEST_SIDE, round(width * scale)), max(SHORTEST_SIDE, round(height * scale))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


class OpticalFlow:
    """Dense inverse search (Kroeger et al., ECCV 2016) from an image back to the previous one."""

    def __init__(self) -> None:
        self._fine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._fast = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._fast.setFinestScale(1)  # the default of 2 misses small targets at CHECK_SCALE
        self._fast.setVariationalRefinementIterations(0)

    def step(self, before: NDArray[np.uint8], now: NDArray[np.uint8], stamp: int) -> Step:
        """Computes flow between two reduced images (h, w) of the same shape; ``stamp`` is that of the newer one, ns."""
        backward = np.asarray(self._fine.calc(now, before, None), dtype=np.float32)
        return Step(stamp, now, backward, *self._check(before, now, backward))

    def _check(
        self, before: NDArray[np.uint8], now: NDArray[np.uint8], backward: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Computes ``before`` and ``consistent`` of a step."""
        height, width = now.shape
        size = round(width * CHECK_SCALE), round(height * CHECK_SCALE)
        smaller_before, smaller_now = (cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in (before, now))
        forward = self._fast.calc(smaller_before, smaller_now, None)
        back = cv2.resize(backward, size, interpolation=cv2.INTER_NEAREST) * np.float32(CHECK_SCALE)
        places = grid(*back.shape[:2]) + back
        again = cv2.remap(forward, places, None, cv2.INTER_LINEAR, borderValue=(OUTSIDE, OUTSIDE))
        absolute, relative = TOLERANCE
        again += back  # from a pixel's start to its end, after following the flow back and forth
        return places, _squared_length(again) <= absolute + 2 * relative * _squared_length(back)


def _squared_length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the squared length (h, w) of vectors (h, w, 2)."""
    return np.asarray(cv2.transform(vectors * vectors, _SUM), dtype=np.float32)


@lru_cache(maxsize=4)
def grid(height: int, width: int) -> NDArray[np.float32]:
    """Returns the coordinates x and y of every pixel: float32 (height, width, 2), read-only."""
    result = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
    result.flags.writeable = False
    return result
