"""What the Segmenter asks of the library of a model's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.inference.zoom import Zoom


class Backend(Protocol):
    """Arrays of one library on one device. The model's methods take and return such arrays."""

    @property
    def device(self) -> str:
        """The device, for example "cpu" or "cuda:0"."""
        ...

    def running(self, acceleration: str) -> AbstractContextManager[object]:
        """The context in which the model runs."""
        ...

    def pixels(self, image: NDArray[np.uint8], side: int, *, keep_aspect: bool) -> Any:
        """Converts (H, W, 3) uint8 RGB to (1, 3, h, w) in [0, 1], on the device."""
        ...

    def enlarged(self, image: NDArray[np.uint8], zooms: Sequence[Zoom], side: int) -> Any:
        """Converts parts of (H, W, 3) uint8 RGB to (B, 3, side, side) in [0, 1], on the device."""
        ...

    def marked(self, logits: Any, threshold: float) -> NDArray[np.bool_]:
        """The cells (B, h, w) of mask logits (B, 1, h, w) whose probability reaches a threshold."""
        ...

    def zoom_in(self, logits: Any, zooms: Sequence[Zoom], side: int) -> Any:
        """Enlarges a part of each of B masks: (B, 1, h, w) to (B, 1, side, side)."""
        ...

    def zoom_out(self, wholes: Any, parts: Any, zooms: Sequence[Zoom]) -> Any:
        """Puts parts (B, samples, g, g) of B masks (B, 1, h, w) back: (B, samples, H, W), on a finer grid."""
        ...

    def generator(self, seed: int) -> Any:
        """The random generator of the refinement's noise; all backends draw the same numbers for a seed."""
        ...

    def zeros(self, number: int) -> Any:
        """Zeros (number,) as indices, on the device."""
        ...

    def scores(self, logits: Any) -> list[float]:
        """The probabilities for logits (B,)."""
        ...

    def is_finite(self, logits: Any) -> bool:
        """Whether all logits are finite."""
        ...

    def probabilities(self, logits: Any, height: int, width: int) -> Any:
        """Converts mask logits (B, 1, h, w) to probabilities at the pixels of the camera image, (B, height, width)."""
        ...

    def masks(self, logits: Any, height: int, width: int, threshold: float) -> Any:
        """Converts mask logits (B, 1, h, w) to masks (B, height, width): the probabilities that reach a threshold."""
        ...

    def mean(self, samples: Any) -> NDArray[np.float32]:
        """The mean over the first axis."""
        ...

    def deviation(self, samples: Any) -> NDArray[np.float32]:
        """The standard deviation over the first axis."""
        ...

    def most(self, samples: Any) -> NDArray[np.float32]:
        """The maximum over the first axis."""
        ...

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """Converts an array of the library."""
        ...

    def synchronize(self) -> None:
        """Waits until the device has finished its pending work."""
        ...

    def memory(self) -> float | None:
        """GPU memory used by this process in MiB; None on a CPU."""
        ...

    def release(self) -> None:
        """Frees GPU memory that is no longer in use."""
        ...
