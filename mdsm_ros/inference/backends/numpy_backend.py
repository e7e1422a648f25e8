"""NumPy as the library of a model's arrays, for models that are graphs. The graphs themselves may run on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late
from mdsm_ros.inference.backends.noise import NoiseGenerator
from mdsm_ros.inference.preprocess import region_of, resize_image
from mdsm_ros.inference.zoom import FINE, Zoom

if TYPE_CHECKING:
    import cv2
else:
    cv2 = late("cv2")

Array = NDArray[np.float32]


class NumpyBackend:
    """Arrays in the memory of the CPU; see :class:`~mdsm_ros.inference.backends.backend.Backend`."""

    def __init__(self, device: str) -> None:
        self._device = device

    @property
    def device(self) -> str:
        """The device of the graphs, "cpu" or "cuda"."""
        return self._device

    def running(self, acceleration: str) -> AbstractContextManager[object]:
        """The context in which the model runs: nothing has to be set."""
        return nullcontext()

    def pixels(self, image: NDArray[np.uint8], side: int, *, keep_aspect: bool) -> Array:
        """Converts (H, W, 3) uint8 RGB to (1, 3, h, w) float32 in [0, 1]."""
        resized = resize_image(image, side, keep_aspect=keep_aspect)
        pixels: Array = np.ascontiguousarray(resized.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        return pixels

    def enlarged(self, image: NDArray[np.uint8], zooms: Sequence[Zoom], side: int) -> Array:
        """Converts parts of (H, W, 3) uint8 RGB to (B, 3, side, side) float32 in [0, 1]."""
        parts = (image[zoom.part(*image.shape[:2])] for zoom in zooms)
        return np.concatenate([self.pixels(part, side, keep_aspect=False) for part in parts])

    def marked(self, logits: Array, threshold: float) -> NDArray[np.bool_]:
        """The cells (B, h, w) of mask logits (B, 1, h, w) whose probability reaches a threshold."""
        cells: NDArray[np.bool_] = sigmoid(logits[:, 0]) >= np.float32(threshold)
        return cells

    def zoom_in(self, logits: Array, zooms: Sequence[Zoom], side: int) -> Array:
        """Enlarges a part of each of B masks: (B, 1, h, w) to (B, 1, side, side)."""
        parts = []
        for one, zoom in zip(logits, zooms, strict=True):
            rows, columns = zoom.part(*logits.shape[-2:])
            parts.append(resize_maps(one[:, rows, columns], side, side))
        return np.stack(parts)

    def zoom_out(self, wholes: Array, parts: Array, zooms: Sequence[Zoom]) -> Array:
        """Puts parts (B, samples, g, g) of B masks (B, 1, h, w) back: (B, samples, H, W), on a finer grid."""
        side = FINE * zooms[0].of
        result = resize_maps(wholes[:, 0], side, side)[:, None].repeat(parts.shape[1], axis=1)
        for whole, part, zoom in zip(result, parts, zooms, strict=True):
            rows, columns = zoom.part(side, side)
            whole[:, rows, columns] = resize_maps(part, FINE * zoom.cells, FINE * zoom.cells)
        return result

    def generator(self, seed: int) -> NoiseGenerator:
        """The random generator of the refinement's noise; it draws PyTorch's numbers."""
        return NoiseGenerator(seed)

    def zeros(self, number: int) -> NDArray[np.int64]:
        """Zeros (number,) as indices."""
        return np.zeros(number, np.int64)

    def scores(self, logits: Array) -> list[float]:
        """The probabilities for logits (B,)."""
        found: list[float] = sigmoid(logits).tolist()
        return found

    def is_finite(self, logits: Array) -> bool:
        """Whether all logits are finite."""
        return bool(np.isfinite(logits).all())

    def probabilities(self, logits: Array, height: int, width: int) -> Array:
        """Converts mask logits (B, 1, h, w) to probabilities at the pixels of the camera image, (B, height, width)."""
        return sigmoid(resize_maps(logits[:, 0], height, width))

    def masks(self, logits: Array, height: int, width: int, threshold: float) -> NDArray[np.bool_]:
        """Converts mask logits (B, 1, h, w) to masks (B, height, width): the probabilities that reach a threshold."""
        masks = np.zeros((len(logits), height, width), np.bool_)
        region = region_of((sigmoid(logits[:, 0]) >= np.float32(threshold)).any(axis=0), height, width)
        if region is not None:
            size = (region.rows.stop - region.rows.start, region.columns.stop - region.columns.start)
            part = logits[..., region.cell_rows, region.cell_columns]
            whole = self.probabilities(part, *size)
            masks[:, region.rows, region.columns] = whole >= np.float32(threshold)
        return masks

    def mean(self, samples: Array) -> Array:
        """The mean over the first axis."""
        return samples[0] if len(samples) == 1 else np.asarray(samples.mean(axis=0))

    def deviation(self, samples: Array) -> Array:
        """The standard deviation over the first axis."""
        return np.asarray(samples.std(axis=0))

    def most(self, samples: Array) -> Array:
        """The maximum over the first axis."""
        return np.asarray(samples.max(axis=0))

    def to_numpy(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array itself."""
        return array

    def synchronize(self) -> None:
        """Nothing is pending: a graph returns when it has finished."""

    def memory(self) -> float | None:
        """GPU memory is unknown here."""
        return None

    def release(self) -> None:
        """The graphs free their memory when they are deleted."""


def sigmoid(logits: Array) -> Array:
    """The logistic function, without overflow: NaN stays NaN."""
    with np.errstate(over="ignore"):
        result: Array = np.float32(1) / (np.float32(1) + np.exp(-logits))
    return result


def resize_maps(maps: Array, height: int, width: int) -> Array:
    """Resizes maps (B, h, w) to (B, height, width), bilinear with pixel areas aligned, as PyTorch does."""
    return np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps])
