"""Blends a pasted object into an image: light, sharpness, noise, shadow, soft edge."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.camera_effects.camera import expose
from mdsm_ros.homes.camera_effects.strengths import Strengths
from training.compose.canvas import Layer
from training.compose.look import Look, look_of, to_lab, to_rgb

LIGHT = 0.45  # fraction of the difference of brightness between the two images applied to the object
CAST = 0.35  # the same for the colour cast
MOST_LIGHT, MOST_CAST = 16.0, 5.0  # limits, in Lab units
CONTRAST = 0.4  # exponent of the ratio of the standard deviations
CONTRAST_RANGE = (0.75, 1.25)
SURROUNDINGS = 0.6  # width of the surroundings on each side, as a fraction of the object's size
MIN_JPEG_QUALITY = 55
MAX_BLUR = 1.2  # largest standard deviation in pixels
SHADOW = (0.2, 0.5)  # range of the shadow's darkness


def paste(
    rgb: NDArray[np.uint8], layer: Layer, look: Look, shadow: bool, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Pastes an object into an image (H, W, 3).

    Args:
        rgb: Image, which is not modified.
        layer: Object to paste.
        look: Look of the object's source image.
        shadow: Whether the object stands on the ground and casts a shadow on it.
        rng: Random generator of shadow and noise.
    """
    here = _surroundings(rgb, layer)
    own, alpha = _sharpened_alike(layer.rgb, layer.alpha, look, here)
    colours = _lit(own, alpha, look, here, rng)
    result: NDArray[np.uint8] = rgb.copy()
    if shadow:
        result = _shadowed(result, layer, float(rng.uniform(*SHADOW)))
    opacity = alpha[..., None]
    mixed = opacity * colours + (1.0 - opacity) * result[layer.window]
    result[layer.window] = np.clip(mixed, 0, 255).round().astype(np.uint8)
    return result


def through_one_camera(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Applies slight effects of one camera to the whole image (H, W, 3), which hide the seams.

    The effects are weak, because photographs already contain those of a camera.
    """
    drawn = Strengths.draw(rng)
    weak = replace(
        drawn,
        defocus=0.6 * drawn.defocus,
        edge_defocus=0.3 * drawn.edge_defocus,
        motion=0.0,
        vignette=0.4 * drawn.vignette,
        metering=0.0,
        exposure=0.3 * drawn.exposure,
        white_balance=(drawn.white_balance[0] ** 0.4, drawn.white_balance[1] ** 0.4),
        photons=4.0 * drawn.photons,
        read_noise=0.5 * drawn.read_noise,
        resolution=1.0,
        contrast=0.3 * drawn.contrast,
        haze=0.3 * drawn.haze,
        saturation=drawn.saturation**0.4,
        sharpening=0.4 * drawn.sharpening,
        jpeg_quality=max(MIN_JPEG_QUALITY, drawn.jpeg_quality),
    )
    return expose(rgb, weak, rng)


def _surroundings(rgb: NDArray[np.uint8], layer: Layer) -> Look:
    """Returns the look of the image around an object."""
    tall, wide = layer.alpha.shape
    rows = slice(max(0, layer.top - int(SURROUNDINGS * tall)), layer.bottom + int(SURROUNDINGS * tall))
    columns = slice(max(0, layer.left - int(SURROUNDINGS * wide)), layer.left + int((1 + SURROUNDINGS) * wide))
    window = np.ascontiguousarray(rgb[rows, columns])
    return look_of(window, np.ones(window.shape[:2], dtype=bool))


def _lit(
    rgb: NDArray[np.uint8], alpha: NDArray[np.float32], source: Look, here: Look, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Returns an object's colours (h, w, 3) under the light of another image, with that image's noise."""
    lab = to_lab(rgb)
    inside = alpha > 0.5
    middle = lab[inside].mean(axis=0) if inside.any() else lab.mean(axis=(0, 1))
    ratio = float(np.clip((max(here.spread, 1.0) / max(source.spread, 1.0)) ** CONTRAST, *CONTRAST_RANGE))
    difference = np.array(here.mean) - np.array(source.mean)
    light = float(np.clip(LIGHT * difference[0], -MOST_LIGHT, MOST_LIGHT))
    cast = np.clip(CAST * difference[1:], -MOST_CAST, MOST_CAST)
    lab[..., 0] = middle[0] + (lab[..., 0] - middle[0]) * ratio + light
    lab[..., 1:] += cast.astype(np.float32)
    missing = max(0.0, here.noise**2 - source.noise**2) ** 0.5
    if missing > 0.3:
        lab[..., 0] += rng.normal(0.0, missing, lab.shape[:2]).astype(np.float32)
    lab[..., 0] = np.clip(lab[..., 0], 0.0, 100.0)
    return to_rgb(lab).astype(np.float32)


def _sharpened_alike(
    rgb: NDArray[np.uint8], alpha: NDArray[np.float32], source: Look, here: Look
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Blurs an object like its surroundings, if these are more blurred than its source image."""
    ratio = source.detail / max(here.detail, 0.5)
    blur = float(np.clip(0.45 * (ratio - 1.3), 0.0, MAX_BLUR))
    if blur < 0.25:
        return rgb, alpha
    return cv2.GaussianBlur(rgb, (0, 0), blur), cv2.GaussianBlur(alpha, (0, 0), 0.6 * blur) * (alpha > 0)


def _shadowed(rgb: NDArray[np.uint8], layer: Layer, strength: float) -> NDArray[np.uint8]:
    """Adds a soft shadow where an object touches the ground."""
    tall, wide = layer.alpha.shape
    foot = max(2, tall // 8)
    base = layer.alpha[-foot:].max(axis=0)  # (w,): opacity of columns that reach the ground
    depth = max(2, min(foot, wide // 6))
    shade = np.zeros(rgb.shape[:2], np.float32)
    first = max(0, layer.bottom - depth)
    shade[first : layer.bottom + max(1, depth // 2), layer.left : layer.left + wide] = base
    shade = cv2.GaussianBlur(shade, (0, 0), sigmaX=max(1.0, wide / 14), sigmaY=max(1.0, depth / 2))
    darkened: NDArray[np.uint8] = (rgb * (1.0 - strength * shade[..., None])).round().astype(np.uint8)
    return darkened
