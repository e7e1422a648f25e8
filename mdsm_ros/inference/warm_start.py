"""The refined mask of the previous image, from which the refinement of the next image may start."""

from __future__ import annotations

import time
from typing import Any

WARM_SECONDS = 1.0  # an older mask is not a useful start
WARM_FRACTION = 0.5  # fraction of the noise and of the steps if refinement starts from the previous mask


class PreviousMask:
    """Stores one mask, on the model's grid, with its instruction and the shape of its image."""

    def __init__(self) -> None:
        self._logits: Any = None
        self._question: tuple[str, tuple[int, ...]] | None = None
        self._time = 0.0  # s, perf_counter

    def store(self, text: str, shape: tuple[int, ...], logits: Any) -> None:
        """Replaces the stored mask.

        Args:
            text: Instruction that the mask answers.
            shape: Shape of the image, (height, width).
            logits: Refined masks (1, samples, h, w), a tensor or a NumPy array; their mean is stored.
        """
        self._question, self._logits = (text, shape), logits.mean(axis=1, keepdims=True)
        self._time = time.perf_counter()

    def start_for(self, text: str, shape: tuple[int, ...]) -> Any:
        """The logits (1, 1, h, w) stored for this instruction and image shape; None if there are none.

        Returns None, too, if the mask is older than :data:`WARM_SECONDS`.
        """
        if self._question != (text, shape) or time.perf_counter() - self._time > WARM_SECONDS:
            return None
        return self._logits

    def forget(self) -> None:
        """Drops the mask."""
        self._question = self._logits = None
