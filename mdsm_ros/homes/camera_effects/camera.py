"""Takes an image: applies the effects in the order in which they affect the light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.camera_effects import lens, processing, sensor
from mdsm_ros.homes.camera_effects.strengths import IDEAL, Strengths

CAMERAS = ("real", "ideal")
"""What a user can choose: a camera with its effects, or the picture as it was rendered."""

REFERENCE_SIDE = 240  # pixels of the shorter side to which lengths in Strengths refer


def apply(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turns a rendered image into one taken by a random camera.

    Args:
        rgb: Rendered image, uint8 (H, W, 3).
        rng: Random generator of the camera and its noise.

    Returns:
        (H, W, 3) uint8 on the same pixel grid.
    """
    return expose(rgb, Strengths.draw(rng), rng)


def expose(rgb: NDArray[np.uint8], strengths: Strengths, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turns a rendered image into one taken by a given camera.

    Args:
        rgb: Rendered image, uint8 (H, W, 3).
        strengths: Strengths of the camera's effects.
        rng: Random generator of the noise.

    Returns:
        (H, W, 3) uint8 on the same pixel grid.
    """
    if strengths == IDEAL:
        same: NDArray[np.uint8] = rgb.copy()
        return same
    s, (height, width) = strengths, rgb.shape[:2]
    scale = min(height, width) / REFERENCE_SIDE
    light = processing.to_light(rgb)
    light = lens.pass_lens(
        light, scale * s.defocus, scale * s.edge_defocus, (scale * s.motion, s.motion_angle), s.aberration
    )
    light = lens.vignette(light, s.vignette)
    light *= np.float32(2 ** (s.exposure + s.metering * sensor.metered_stops(light)))
    light = sensor.coarser(light, s.resolution)
    light = sensor.add_noise(light, s.photons, s.read_noise, s.noise_grain, s.color_noise, rng)
    light = sensor.clip_and_balance(light, s.white_balance)
    picture = processing.develop(light, s.contrast, s.haze)
    picture = processing.saturate(picture, s.saturation)
    picture = processing.sharpen(picture, s.sharpening, s.halo_width)
    picture = sensor.to_size(picture, height, width)
    return processing.compress(processing.to_bytes(picture), s.jpeg_quality)
