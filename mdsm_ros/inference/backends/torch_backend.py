"""PyTorch as the library of a model's arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mdsm_ros.inference.acceleration import precision
from mdsm_ros.inference.preprocess import (
    least_logit,
    to_image_grid,
    to_image_mask,
    to_model_input,
    zoom_in,
    zoom_out,
)
from mdsm_ros.inference.zoom import Zoom


class TorchBackend:
    """Tensors on a device; see :class:`~mdsm_ros.inference.backends.backend.Backend`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    @property
    def device(self) -> str:
        """The device, for example "cpu" or "cuda:0"."""
        return str(self._device)

    @contextmanager
    def running(self, acceleration: str) -> Iterator[None]:
        """The context in which the model runs: without gradients, and in the precision of the acceleration."""
        with torch.inference_mode(), precision(acceleration, self._device):
            yield

    def pixels(self, image: NDArray[np.uint8], side: int, *, keep_aspect: bool) -> torch.Tensor:
        """Converts (H, W, 3) uint8 RGB to (1, 3, h, w) float in [0, 1], on the device."""
        return to_model_input(image, side, keep_aspect=keep_aspect).to(self._device)

    def enlarged(self, image: NDArray[np.uint8], zooms: Sequence[Zoom], side: int) -> torch.Tensor:
        """Converts parts of (H, W, 3) uint8 RGB to (B, 3, side, side) in [0, 1], on the device."""
        return torch.cat([self.pixels(image[zoom.part(*image.shape[:2])], side, keep_aspect=False) for zoom in zooms])

    def marked(self, logits: torch.Tensor, threshold: float) -> NDArray[np.bool_]:
        """The cells (B, h, w) of mask logits (B, 1, h, w) whose probability reaches a threshold."""
        return self.to_numpy(logits[:, 0] >= least_logit(threshold))

    def zoom_in(self, logits: torch.Tensor, zooms: Sequence[Zoom], side: int) -> torch.Tensor:
        """Enlarges a part of each of B masks: (B, 1, h, w) to (B, 1, side, side)."""
        return zoom_in(logits, zooms, side)

    def zoom_out(self, wholes: torch.Tensor, parts: torch.Tensor, zooms: Sequence[Zoom]) -> torch.Tensor:
        """Puts parts (B, samples, g, g) of B masks (B, 1, h, w) back: (B, samples, H, W), on a finer grid."""
        return zoom_out(wholes, parts, zooms)

    def generator(self, seed: int) -> torch.Generator:
        """The random generator of the refinement's noise, on the CPU."""
        return torch.Generator().manual_seed(seed)

    def zeros(self, number: int) -> torch.Tensor:
        """Zeros (number,) as indices, on the device."""
        return torch.zeros(number, dtype=torch.long, device=self._device)

    def scores(self, logits: torch.Tensor) -> list[float]:
        """The probabilities for logits (B,)."""
        found: list[float] = logits.float().sigmoid().tolist()
        return found

    def is_finite(self, logits: torch.Tensor) -> bool:
        """Whether all logits are finite."""
        return bool(torch.isfinite(logits.sum(dtype=torch.float64)))  # float64 holds any sum of finite logits

    def probabilities(self, logits: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """Converts mask logits (B, 1, h, w) to probabilities at the pixels of the camera image, (B, height, width)."""
        return to_image_grid(logits, height, width)

    def masks(self, logits: torch.Tensor, height: int, width: int, threshold: float) -> torch.Tensor:
        """Converts mask logits (B, 1, h, w) to masks (B, height, width): the probabilities that reach a threshold."""
        return to_image_mask(logits, height, width, threshold)

    def mean(self, samples: torch.Tensor) -> NDArray[np.float32]:
        """The mean over the first axis."""
        return self.to_numpy(samples.mean(dim=0))

    def deviation(self, samples: torch.Tensor) -> NDArray[np.float32]:
        """The standard deviation over the first axis."""
        return self.to_numpy(samples.std(dim=0, correction=0))

    def most(self, samples: torch.Tensor) -> NDArray[np.float32]:
        """The maximum over the first axis."""
        return self.to_numpy(samples.amax(dim=0))

    def to_numpy(self, array: torch.Tensor) -> NDArray[Any]:
        """Copies a tensor to the CPU."""
        copied: NDArray[Any] = array.cpu().numpy()
        return copied

    def synchronize(self) -> None:
        """Waits for the GPU."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def memory(self) -> float | None:
        """GPU memory used by this process in MiB; None on a CPU."""
        return torch.cuda.memory_reserved(self._device) / 2**20 if self._device.type == "cuda" else None

    def release(self) -> None:
        """Frees GPU memory that is no longer in use."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
