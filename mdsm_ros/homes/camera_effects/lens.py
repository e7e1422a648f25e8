"""Effects of the lens: blur, colour fringes, dark corners. Linear light, float32 (H, W, 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late

if TYPE_CHECKING:
    import cv2
else:
    cv2 = late("cv2")

Light = NDArray[np.float32]

_FINE = 8  # subdivisions of a kernel's pixel along each side
_LEAST = 0.25  # pixels; a smaller blur has no effect
_HALF_PIXEL = 0.45  # largest width of a fringe, pixels


def pass_lens(
    light: Light, defocus: float, edge_defocus: float, motion: tuple[float, float], aberration: tuple[float, float]
) -> Light:
    """Blurs an image by defocus and motion, more in the corners, and adds colour fringes.

    Args:
        light: Linear light, (H, W, 3).
        defocus: Radius of the blur disc at the centre, pixels.
        edge_defocus: Additional defocus in the corners.
        motion: Length of the shake in pixels and its angle in radians.
        aberration: See :class:`~mdsm_ros.homes.camera_effects.strengths.Strengths`.
    """
    light = _fringe(light, aberration)
    sharp = _blur(light, defocus, motion)
    if edge_defocus < _LEAST:
        return sharp
    soft = _blur(light, defocus + edge_defocus, motion)
    weight = radius_squared(light.shape[0], light.shape[1])[..., np.newaxis]
    return sharp + weight * (soft - sharp)


def vignette(light: Light, loss: float) -> Light:
    """Darkens the corners by a fraction ``loss`` of their light; (H, W, 3)."""
    if loss == 0:
        return light
    return light * (1.0 - loss * radius_squared(light.shape[0], light.shape[1]))[..., np.newaxis]


def radius_squared(height: int, width: int) -> NDArray[np.float32]:
    """Squared distance of each pixel from the middle (H, W); 1 in the corners."""
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2)[:, np.newaxis]
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2)[np.newaxis]
    corner = np.float32((height / 2) ** 2 + (width / 2) ** 2)
    squared: NDArray[np.float32] = ((x * x + y * y) / corner).astype(np.float32)
    return squared


def _fringe(light: Light, aberration: tuple[float, float]) -> Light:
    """Scales red and blue slightly relative to green, about the centre."""
    height, width = light.shape[:2]
    most = _HALF_PIXEL / float(np.hypot(height, width) / 2)
    scales = [1 + float(np.clip(a, -most, most)) for a in aberration]
    if scales == [1.0, 1.0]:
        return light
    channels = list(cv2.split(light))
    x, y = (width - 1) / 2, (height - 1) / 2
    for channel, scale in zip((0, 2), scales, strict=True):
        matrix = np.array([[scale, 0, x * (1 - scale)], [0, scale, y * (1 - scale)]])
        channels[channel] = cv2.warpAffine(
            channels[channel], matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return np.asarray(cv2.merge(channels))


def _blur(light: Light, radius: float, motion: tuple[float, float]) -> Light:
    length, angle = motion
    if radius < _LEAST and length < 2 * _LEAST:
        return light
    kernel = disc(radius)
    if length >= 2 * _LEAST:
        shake = line(length, angle)
        pad = shake.shape[0] // 2
        kernel = cv2.filter2D(np.pad(kernel, pad), -1, shake, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REFLECT_101))


def disc(radius: float) -> NDArray[np.float32]:
    """The kernel of a disc with smooth edges; odd side, sums to 1, symmetric about its middle pixel."""
    half = int(np.ceil(radius - 0.5)) if radius > 0.5 else 0
    half = max(half, int(radius >= _LEAST))
    inside = np.hypot(*_grid(half)) <= max(radius, 0.5)
    return _pixels(inside.astype(np.float32), half)


def line(length: float, angle: float) -> NDArray[np.float32]:
    """The kernel of a straight line of a length in pixels; odd side, sums to 1, symmetric about its middle pixel."""
    half = int(np.ceil(length / 2))
    y, x = _grid(half)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    inside = (np.abs(along) <= length / 2) & (np.abs(across) <= 0.5)
    return _pixels(inside.astype(np.float32), half)


def _grid(half: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns of the fine points of a kernel, pixels from its middle."""
    side = (2 * half + 1) * _FINE
    at = (np.arange(side) + 0.5) / _FINE - half - 0.5
    return at[:, np.newaxis], at[np.newaxis]


def _pixels(fine: NDArray[np.float32], half: int) -> NDArray[np.float32]:
    side = 2 * half + 1
    kernel = fine.reshape(side, _FINE, side, _FINE).sum(axis=(1, 3))
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
