"""Camera image to model input, and model output back to the camera's pixels.

Images are resized straight to a square, without keeping their aspect, as LAVT does in training and test; the way
back for masks is then one resize too, and every pixel of the image gets an answer.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional


def resize_image(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(H, W, 3) to (side, side, 3), antialiased bilinear."""
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))


def to_model_input(image: NDArray[np.uint8], side: int) -> torch.Tensor:
    """(H, W, 3) uint8 RGB to (1, 3, side, side) float in [0, 1]."""
    return torch.from_numpy(resize_image(image, side).copy()).permute(2, 0, 1).unsqueeze(0).float() / 255


def to_image_grid(logits: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Mask logits (B, 1, h, w) to the probability at each pixel of the camera image, (B, height, width)."""
    logits = functional.interpolate(logits.float(), size=(height, width), mode="bilinear", align_corners=False)
    return logits.sigmoid().squeeze(1)
