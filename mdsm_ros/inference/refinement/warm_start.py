"""The refined mask of the previous image, from which the refinement of the next image may start."""

from __future__ import annotations

import time
from typing import Any

WARM_SECONDS = 1.0  # an older mask is not a useful start
WARM_FRACTION = 0.5  # fraction of the noise and of the steps if refinement starts from the previous mask


class PreviousMask:
    """Stores the masks of one image, on the model's grid, with their instructions and the shape of the image."""

    def __init__(self) -> None:
        self._logits: Any = None
        self._question: tuple[tuple[str, ...], tuple[int, ...]] | None = None
        self._time = 0.0  # s, perf_counter

    def store(self, texts: tuple[str, ...], shape: tuple[int, ...], logits: Any) -> None:
        """Replaces the stored masks.

        Args:
            texts: The B instructions that the masks answer.
            shape: Shape of the image, (height, width).
            logits: Refined masks (B, samples, h, w), a tensor or a NumPy array; the means over the samples are stored.
        """
        self._question, self._logits = (texts, shape), logits.mean(axis=1, keepdims=True)
        self._time = time.perf_counter()

    def start_for(self, texts: tuple[str, ...], shape: tuple[int, ...]) -> Any:
        """The logits (B, 1, h, w) stored for these instructions and this image shape; None if there are none.

        Returns None, too, if the masks are older than :data:`WARM_SECONDS`.
        """
        if self._question != (texts, shape) or time.perf_counter() - self._time > WARM_SECONDS:
            return None
        return self._logits

    def forget(self) -> None:
        """Drops the masks."""
        self._question = self._logits = None
