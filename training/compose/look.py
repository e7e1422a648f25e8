"""Measures the look of an image: brightness, colour cast, contrast, sharpness, noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Look:
    """Measures of an image or of a part of it, in Lab (L 0 to 100, a and b about -128 to 127).

    Attributes:
        mean: Mean in Lab, (3,).
        chroma: Mean distance of a and b from gray.
        spread: Standard deviation of L.
        noise: Standard deviation of the noise in L.
        detail: Slope of the steepest edges in L, per pixel.
    """

    mean: tuple[float, float, float]
    chroma: float
    spread: float
    noise: float
    detail: float


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Converts RGB (H, W, 3) to Lab (H, W, 3)."""
    lab: NDArray[np.float32] = cv2.cvtColor(rgb.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    return lab


def to_rgb(lab: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Converts Lab (H, W, 3) to RGB (H, W, 3)."""
    rgb: NDArray[np.uint8] = (np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0.0, 1.0) * 255.0).round().astype(np.uint8)
    return rgb


def look_of(rgb: NDArray[np.uint8], where: NDArray[np.bool_]) -> Look:
    """Measures the pixels ``where`` (H, W) of an image (H, W, 3); all pixels if these are too few."""
    lab = to_lab(rgb)
    if where.sum() < 200:
        where = np.ones_like(where)
    light = lab[..., 0]
    mean = lab[where].mean(axis=0)
    slopes = np.abs(cv2.Laplacian(light, cv2.CV_32F))[where]
    return Look(
        mean=(float(mean[0]), float(mean[1]), float(mean[2])),
        chroma=float(np.hypot(lab[..., 1], lab[..., 2])[where].mean()),
        spread=float(light[where].std()),
        noise=_noise(light, where),
        detail=float(np.percentile(slopes, 98)),
    )


def _noise(light: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    """Estimates noise by Immerkaer (1996), with the median instead of the mean, because edges are not noise."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    answer = np.abs(cv2.filter2D(light, cv2.CV_32F, kernel))[where]
    return float(np.median(answer) / (6 * 0.6745))
