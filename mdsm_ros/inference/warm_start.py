"""The refined mask of the previous image, from which the refinement of the next one may start."""

from __future__ import annotations

import time

import torch

WARM_SECONDS = 1.0  # a mask older than that is no start for the next one
WARM_FRACTION = 0.5  # of the noise and of the steps, where refinement starts from the previous mask


class PreviousMask:
    """Remembers one mask, on the model's grid, and what it was an answer to."""

    def __init__(self) -> None:
        self._logits: torch.Tensor | None = None
        self._question: tuple[str, tuple[int, ...]] | None = None
        self._time = 0.0  # s, perf_counter

    def store(self, text: str, shape: tuple[int, ...], logits: torch.Tensor) -> None:
        """Replaces the mask.

        Args:
            text: The instruction.
            shape: Shape of the image.
            logits: Refined masks (1, samples, h, w), of which the mean is kept.
        """
        self._question, self._logits = (text, shape), logits.mean(dim=1, keepdim=True)
        self._time = time.perf_counter()

    def start_for(self, text: str, shape: tuple[int, ...]) -> torch.Tensor | None:
        """Logits (1, 1, h, w) for the same instruction and an image of the same shape; None if there are none.

        Also None if the mask is older than :data:`WARM_SECONDS`.
        """
        if self._question != (text, shape) or time.perf_counter() - self._time > WARM_SECONDS:
            return None
        return self._logits

    def forget(self) -> None:
        """Drops the mask."""
        self._question = self._logits = None
