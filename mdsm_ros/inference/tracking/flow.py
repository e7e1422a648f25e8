"""Optical flow between two images in a row, and where it can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

LONGER_SIDE = 320  # pixels of the images between which flow is computed
SHORTEST_SIDE = 24  # of them; smaller ones are enlarged, as the flow needs 12 pixels at CHECK_SCALE
CHECK_SCALE = 0.5  # of their sides: the flow that is compared with is computed at a quarter of the pixels
TOLERANCE = 0.5, 0.01  # px^2, and part of the squared motion: Sundaram et al., ECCV 2010, eq. 5
OUTSIDE = -1e4  # a coordinate that lies in no image
_SUM = np.ones((1, 2), dtype=np.float32)  # of x and y


@dataclass(frozen=True)
class Step:
    """What connects an image with the one before it.

    Attributes:
        stamp: Stamp of the image, ns.
        gray: uint8 (h, w), the reduced image.
        backward: float32 (h, w, 2), x and y, in reduced pixels: where each pixel was in the image before, relative to
            its place now. None for the first image.
        before: float32 (h', w', 2), the same at :data:`CHECK_SCALE`, as places x and y in the image before. None for
            the first image.
        consistent: bool (h', w'), where the flow from the image before leads back to the same place. None for the
            first image.
    """

    stamp: int
    gray: NDArray[np.uint8]
    backward: NDArray[np.float32] | None = None
    before: NDArray[np.float32] | None = None
    consistent: NDArray[np.bool_] | None = None


def reduced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image as flow is computed on it: gray, and as a rule at most :data:`LONGER_SIDE` pixels long.

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
    """Dense inverse search (Kroeger et al., ECCV 2016) from an image back to the one before it."""

    def __init__(self) -> None:
        self._fine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._fast = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._fast.setFinestScale(1)  # the default of 2 does not see small targets at CHECK_SCALE
        self._fast.setVariationalRefinementIterations(0)

    def step(self, before: NDArray[np.uint8], now: NDArray[np.uint8], stamp: int) -> Step:
        """The flow between two reduced images (h, w) of the same shape; ``stamp`` is the newer one's, ns."""
        backward = np.asarray(self._fine.calc(now, before, None), dtype=np.float32)
        return Step(stamp, now, backward, *self._check(before, now, backward))

    def _check(
        self, before: NDArray[np.uint8], now: NDArray[np.uint8], backward: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """``before`` and ``consistent`` of a step."""
        height, width = now.shape
        size = round(width * CHECK_SCALE), round(height * CHECK_SCALE)
        smaller_before, smaller_now = (cv2.resize(i, size, interpolation=cv2.INTER_AREA) for i in (before, now))
        forward = self._fast.calc(smaller_before, smaller_now, None)
        back = cv2.resize(backward, size, interpolation=cv2.INTER_NEAREST) * np.float32(CHECK_SCALE)
        places = grid(*back.shape[:2]) + back
        again = cv2.remap(forward, places, None, cv2.INTER_LINEAR, borderValue=(OUTSIDE, OUTSIDE))
        absolute, relative = TOLERANCE
        again += back  # from where a pixel started to where it ends, followed back and forth
        return places, _squared_length(again) <= absolute + 2 * relative * _squared_length(back)


def _squared_length(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each of (h, w, 2) vectors."""
    return np.asarray(cv2.transform(vectors * vectors, _SUM), dtype=np.float32)


@lru_cache(maxsize=4)
def grid(height: int, width: int) -> NDArray[np.float32]:
    """The coordinates x and y of every pixel: float32 (height, width, 2), read-only."""
    result = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
    result.flags.writeable = False
    return result
