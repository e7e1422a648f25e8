"""Processing inside the camera: tone curve, colours, sharpening, JPEG. Float32 (H, W, 3) in 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late

if TYPE_CHECKING:
    import cv2
else:
    cv2 = late("cv2")

Picture = NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114])
_STEPS = 2**15  # entries of the table from linear light to values; the curve is steep near black


def _decode(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encode(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


_TO_LIGHT = _decode(np.arange(256) / 255).astype(np.float32)


def to_light(rgb: NDArray[np.uint8]) -> Picture:
    """Converts sRGB values to linear light; 1 is white."""
    return _TO_LIGHT[rgb]


def develop(light: Picture, contrast: float, haze: float) -> Picture:
    """Converts linear light to values, both in 0 to 1: sRGB's curve with an S for contrast and a raised black."""
    values = _encode(np.linspace(0, 1, _STEPS))
    values += contrast * values * (1 - values) * (2 * values - 1)
    table = (haze + (1 - haze) * values).astype(np.float32)
    return np.asarray(table[(light * np.float32(_STEPS - 1) + np.float32(0.5)).astype(np.uint16)])


def saturate(picture: Picture, saturation: float) -> Picture:
    """Moves colours away from gray (above 1) or towards it."""
    if saturation == 1:
        return picture
    return np.asarray(cv2.transform(picture, saturation * np.eye(3) + (1 - saturation) * _LUMA))


def sharpen(picture: Picture, amount: float, width: float) -> Picture:
    """Applies an unsharp mask, which leaves halos along edges."""
    if amount == 0:
        return picture
    return np.asarray(picture + np.float32(amount) * (picture - cv2.GaussianBlur(picture, (0, 0), width)))


def to_bytes(picture: Picture) -> NDArray[np.uint8]:
    """Converts values in 0 to 1 to 8 bits."""
    return np.asarray(cv2.convertScaleAbs(np.clip(picture, 0, 1), alpha=255.0))


def compress(rgb: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Compresses the image as JPEG with a quality from 1 to 100; 0 leaves it unchanged."""
    if quality == 0:
        return rgb
    done, encoded = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert done
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)
