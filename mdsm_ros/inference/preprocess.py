"""Camera image to model input, and model output back to the camera's pixels.

Images are resized to a square without keeping their aspect ratio, as LAVT does in training and test, or to a rectangle
that keeps it, for models that expect that. Neither crops nor pads, so masks return by one resize, and every pixel of
the image gets an answer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    import torch

MAX_ASPECT = 4  # limit of the aspect ratio of model inputs: a strip of a few pixels has no features


def input_size(height: int, width: int, side: int, *, keep_aspect: bool = False) -> tuple[int, int]:
    """The height and width of a resized image: a square, or a rectangle with ``side`` as its longer side.

    The rectangle has the aspect ratio of the image, but at most 4:1.
    """
    if not keep_aspect:
        return side, side
    shorter = max(round(side * min(height, width) / max(height, width)), math.ceil(side / MAX_ASPECT))
    return (shorter, side) if height < width else (side, shorter)


def resize_image(image: NDArray[np.uint8], side: int, *, keep_aspect: bool = False) -> NDArray[np.uint8]:
    """Resizes (H, W, 3) to (h, w, 3) of :func:`input_size`, bilinear with antialiasing."""
    height, width = input_size(image.shape[0], image.shape[1], side, keep_aspect=keep_aspect)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def to_model_input(image: NDArray[np.uint8], side: int, *, keep_aspect: bool = False) -> torch.Tensor:
    """Converts (H, W, 3) uint8 RGB to (1, 3, h, w) float in [0, 1], with h and w of :func:`input_size`."""
    import torch

    pixels = resize_image(image, side, keep_aspect=keep_aspect)
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0).float() / 255


def to_image_grid(logits: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Converts mask logits (B, 1, h, w) to probabilities at the pixels of the camera image, (B, height, width)."""
    from torch.nn import functional

    logits = functional.interpolate(logits.float(), size=(height, width), mode="bilinear", align_corners=False)
    return logits.sigmoid().squeeze(1)
