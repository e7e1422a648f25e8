"""Carries a mask by a video model, such as SAM 2 or EdgeTAM. Imports no heavy library."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.tracking.carrier import LEAST_AREA, Drop

KEPT = 30  # images that are stored until an answer about one of them arrives: a second at 30 Hz, at most 95 MB
MOST_GROWTH = 4.0  # times the mask's area from one image to the next: beyond, the mask has spilled over


class Session(Protocol):
    """What a video model remembers of one object."""

    def step(self, image: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """The object's mask in the next image (H, W, 3), in the shape of the answer; without a pixel if not in view."""


class VideoModel(Protocol):
    """A model that finds an object of one image in the next ones."""

    @property
    def side(self) -> int:
        """Side of its square input, in pixels."""

    @property
    def memory(self) -> int:
        """How many images it looks back on, besides the answered one."""

    def begin(self, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Session:
        """Shows it an object: image (H, W, 3) and the object's mask (H', W') in it."""


class VideoCarrier:
    """Begins anew with every answer, and then shows the video model each image.

    See :class:`~mdsm_ros.inference.tracking.carrier.Carrier`.

    Args:
        model: The video model, which several carriers may share.
    """

    def __init__(self, model: VideoModel) -> None:
        self._model = model
        self._images: deque[tuple[int, NDArray[np.uint8]]] = deque(maxlen=KEPT)  # with stamps; for answers to come
        self._session: Session | None = None
        self._mask: NDArray[np.bool_] | None = None
        self._answered = 0  # pixels of the answered mask

    @property
    def least_side(self) -> int:
        """The side of the model's input."""
        return self._model.side

    def add(self, stamp: int, image: NDArray[np.uint8]) -> None:
        """Remembers an image, in the size that the model sees."""
        self._images.append((stamp, _reduced(image, self._model.side)))

    def begin(self, stamp: int, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Drop | None:
        """Shows the model the answer, and then as many of the images since as it can look back on, evenly spaced.

        More of them would be forgotten before the newest image, and would delay the correction. Arguments as for the
        protocol.
        """
        self.end()  # frees its memory first; and an old mask does not go on under this answer if the model fails
        self._session = self._model.begin(_reduced(image, self._model.side), mask)
        self._mask, self._answered = mask, int(np.count_nonzero(mask))
        newer = [kept for at, kept in self._images if at > stamp]
        return next((drop for one in _spread(newer, self._model.memory) if (drop := self._step(one)) is not None), None)

    def carry(self) -> Drop | None:
        """Finds the object in the newest image."""
        return self._step(self._images[-1][1])

    def mask(self) -> NDArray[np.bool_] | None:
        """The mask on the newest image."""
        return self._mask

    def end(self) -> None:
        """Drops the mask and the session, with all that the model remembers."""
        self._session = self._mask = None

    def restart(self) -> None:
        """Drops mask, session and images."""
        self._images.clear()
        self.end()

    def _step(self, image: NDArray[np.uint8]) -> Drop | None:
        if self._session is None or self._mask is None:
            return None
        before, self._mask = np.count_nonzero(self._mask), self._session.step(image)
        area = np.count_nonzero(self._mask)
        drop: Drop | None = None
        if area < max(1.0, LEAST_AREA * self._answered):
            drop = "out of sight"
        elif area > MOST_GROWTH * before:
            drop = "inconsistent size"
        if drop is not None:
            self.end()
        return drop


def _reduced(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An image (H, W, 3) with at most ``side`` rows and columns, which are all that the model's square input shows."""
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return image
    size = min(width, side), min(height, side)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _spread(images: list[NDArray[np.uint8]], most: int) -> list[NDArray[np.uint8]]:
    """At most so many of the images, evenly spaced and with the last one."""
    number = min(len(images), max(1, most))
    return [images[len(images) * (place + 1) // number - 1] for place in range(number)]
