"""What carries a mask from image to image."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Drop = Literal["out of sight", "inconsistent flow", "changed appearance", "inconsistent size"]
"""Why a mask cannot be carried any further."""
LEAST_AREA = 0.1  # of the answered mask's area; less of it is out of sight


class Carrier(Protocol):
    """Carries one mask along a stream of images of one shape. Not thread-safe."""

    @property
    def least_side(self) -> int:
        """Shorter side, in pixels, down to which images may be reduced before they are given to it."""

    def add(self, stamp: int, image: NDArray[np.uint8]) -> None:
        """Takes the next image of the stream.

        Args:
            stamp: Its stamp, ns, newer than that of the image before.
            image: uint8 (H, W, 3) RGB.
        """

    def begin(self, stamp: int, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Drop | None:
        """Takes an answer in place of the mask that is carried, and carries it to the newest image.

        Args:
            stamp: Stamp of the answered image, ns, not newer than the newest image.
            image: The answered image, uint8 (H, W, 3) RGB.
            mask: The answer, bool (H', W'), at least one pixel; its size may differ from that of the image.

        Returns:
            Why the mask could not be carried that far, or None.
        """

    def carry(self) -> Drop | None:
        """Carries the mask, if there is one, to the newest image; returns why that failed, or None."""

    def mask(self) -> NDArray[np.bool_] | None:
        """The mask on the newest image, bool (H', W'), at least one pixel; None without one."""

    def end(self) -> None:
        """Drops the mask; the images stay for the next answer."""

    def restart(self) -> None:
        """Drops mask and images: another stream begins."""
