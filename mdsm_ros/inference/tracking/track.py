"""One answer on its way from its own image to the newest one."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.tracking.carrier import LEAST_AREA, Drop
from mdsm_ros.inference.tracking.flow import Step, grid

LEAST_CONSISTENT = 0.5  # fraction of the mask whose flow is consistent
MOST_CHANGE = 0.6  # difference of gray levels that is typical, as a fraction of their deviation in the answered mask
LEAST_CHANGE = 15.0  # gray levels that noise and motion blur may make
CLEAR_CHANGE = 30.0  # gray levels, on average over the neighbours of a pixel, that show something else
NEIGHBOURS = 5  # pixels across
LEAST_AREA_OF_PIXEL = 0.15  # smallest area of the answered image in one pixel: targets come no closer between answers
MOST_OFFSET = 60.0  # gray levels between the mean brightness then and now
MARGIN = 2  # pixels of the reduced image that are carried around a mask
INSIDE = 127  # gray level of a mask of 0 and 255, from which a pixel belongs to it


class Track:
    """An answered mask, and for each pixel near it in the newest image the offset to its position in the answered one.

    The offsets are carried from image to image, not the mask: the mask is sampled once, at full resolution, however
    many images lie in between. Only a box around it is carried, which keeps this cheap beside the flow. Beyond the box
    and beyond the image, the offset of the nearest pixel holds. Pixels leave the mask for good where flow is
    inconsistent and the look has changed, where the look has clearly changed, and where flow stretches the target:
    these are the background that appears behind a moving target.

    Args:
        mask: bool (H, W), the answer.
        gray: uint8 (h, w), its reduced image.
    """

    def __init__(self, mask: NDArray[np.bool_], gray: NDArray[np.uint8]) -> None:
        height, width = gray.shape
        self._mask = mask.astype(np.uint8) * np.uint8(255)
        self._gray = gray
        self._small = cv2.resize(self._mask, (width, height), interpolation=cv2.INTER_AREA)
        self._area = float(self._small.sum())
        x, y, w, h = cv2.boundingRect(self._small)
        self._box = Box.within(gray.shape, x, y, x + w, y + h)
        self._offsets = np.zeros((*self._small[self._box.slices].shape, 2), dtype=np.float32)
        self._positions = grid(height, width)[self._box.slices]  # in the answered image
        self._carried = self._small[self._box.slices]
        self._valid = np.full(self._carried.shape, 255, np.uint8)  # 0 where pixels have left the mask

    def follow(self, step: Step) -> Drop | None:
        """Carries the mask one image further; returns why that cannot be believed, or None."""
        assert step.backward is not None
        assert step.before is not None
        assert step.consistent is not None
        last, self._box = self._box, self._next_box(step.before)
        here, pixels = self._box.slices, grid(*step.gray.shape)[self._box.slices]
        before = pixels + (step.backward[here] - np.array([last.left, last.top], dtype=np.float32))
        self._offsets = cv2.remap(self._offsets, before, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self._offsets += step.backward[here]
        self._positions = pixels + self._offsets
        valid = cv2.remap(self._valid, before, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        carried = cv2.remap(self._small, self._positions, None, cv2.INTER_LINEAR) * (valid > INSIDE)
        consistent = cv2.resize(step.consistent.view(np.uint8), step.gray.shape[::-1], interpolation=cv2.INTER_NEAREST)
        if float((carried * consistent[here]).sum()) < LEAST_CONSISTENT * float(carried.sum()):
            return "inconsistent flow"
        alike, change = self._compare(step.gray[here], carried > INSIDE)
        changed = (change > LEAST_CHANGE) & (consistent[here] == 0)
        changed |= cv2.blur(change, (NEIGHBOURS, NEIGHBOURS)) > CLEAR_CHANGE
        self._valid = valid * ~(changed | _stretched(self._positions))
        self._carried = carried * (self._valid > INSIDE)
        if float(self._carried.sum()) < LEAST_AREA * self._area or not (self._carried > INSIDE).any():
            return "out of sight"
        return None if alike else "changed appearance"

    def mask(self) -> NDArray[np.bool_]:
        """The mask on the newest image, bool (H, W)."""
        full_height, full_width = self._mask.shape
        height, width = self._small.shape
        across, down, box = full_width / width, full_height / height, self._box
        left, top = int(box.left * across), int(box.top * down)
        right, bottom = ceil(box.right * across), ceil(box.bottom * down)
        to_box = np.array(  # from a pixel of the result to its place in the reduced box
            [
                [1 / across, 0, (left + 0.5) / across - 0.5 - box.left],
                [0, 1 / down, (top + 0.5) / down - 0.5 - box.top],
            ]
        )
        flags, size = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, (right - left, bottom - top)
        positions = cv2.warpAffine(self._positions, to_box, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        positions = (positions + np.float32(0.5)) * np.array([across, down], dtype=np.float32) - np.float32(0.5)
        result = np.zeros((full_height, full_width), dtype=np.bool_)
        valid = cv2.warpAffine(self._valid, to_box, size, flags=flags, borderMode=cv2.BORDER_REPLICATE) > INSIDE
        result[top:bottom, left:right] = valid & (cv2.remap(self._mask, positions, None, cv2.INTER_LINEAR) > INSIDE)
        return result

    def _next_box(self, before: NDArray[np.float32]) -> Box:
        """The box around the mask in the next image; ``before`` (h', w', 2) are positions of its pixels in this one."""
        rough = cv2.remap(self._weight(*before.shape[:2]), before, None, cv2.INTER_LINEAR)
        height, width = self._small.shape
        x, y, w, h = cv2.boundingRect(rough)
        across, down = width / rough.shape[1], height / rough.shape[0]
        return Box.within(self._small.shape, x * across, y * down, (x + w) * across, (y + h) * down)

    def _weight(self, height: int, width: int) -> NDArray[np.uint8]:
        """The mask on the newest image, 0 to 255, at another size."""
        whole = np.zeros(self._small.shape, np.uint8)
        whole[self._box.slices] = self._carried
        return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _compare(self, gray: NDArray[np.uint8], inside: NDArray[np.bool_]) -> tuple[bool, NDArray[np.float32]]:
        """Compares the box with what it shows in the answered image, apart from brightness.

        Args:
            gray: The box in the newest image.
            inside: The mask in it.

        Returns:
            Whether the mask looks alike as a whole, and the difference of each pixel in gray levels.
        """
        then = cv2.remap(self._gray, self._positions, None, cv2.INTER_LINEAR)
        difference = cv2.subtract(gray, then, dtype=cv2.CV_32F)
        if not inside.any():
            return True, np.zeros(gray.shape, np.float32)
        offset = float(np.median(difference[inside]))
        change = np.abs(difference - np.float32(offset))
        typical = float(np.median(change[inside]))
        alike = abs(offset) <= MOST_OFFSET and typical <= max(LEAST_CHANGE, MOST_CHANGE * float(np.std(then[inside])))
        return alike, change


def _stretched(positions: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where neighbours of (h, w, 2) lead to almost the same position: flow has drawn the target over its background."""
    across = cv2.Sobel(positions, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    down = cv2.Sobel(positions, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    return np.asarray(np.abs(area) < LEAST_AREA_OF_PIXEL, dtype=np.bool_)


@dataclass(frozen=True)
class Box:
    """A part of the reduced image; right and bottom are the first pixels outside."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def within(cls, shape: tuple[int, ...], left: float, top: float, right: float, bottom: float) -> Box:
        """A box with a margin, as far as an image of this shape has room; never empty."""
        height, width = shape
        x, y = (min(int(v) - MARGIN, most - 1) for v, most in ((left, width), (top, height)))
        x, y = max(0, x), max(0, y)
        return cls(x, y, min(width, max(x + 1, ceil(right) + MARGIN)), min(height, max(y + 1, ceil(bottom) + MARGIN)))

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)
