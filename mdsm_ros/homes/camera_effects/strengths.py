"""The strengths of a camera's effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

JPEG_QUALITY = (30, 95)


@dataclass(frozen=True)
class Strengths:
    """The effects of a camera in one image. Lengths are in pixels of an image whose shorter side has 240 pixels.

    Attributes:
        defocus: Radius of the blur disc of a point at the centre of the image.
        edge_defocus: Additional radius in the corners.
        motion: Length of the motion blur of a point during the exposure.
        motion_angle: Direction of that line, radians.
        aberration: Relative size difference of the red and the blue image to the green one.
        vignette: Fraction of the light that the corners lose.
        metering: Strength of automatic exposure by the image's brightness: 0 for none, 1 for medium grey.
        exposure: Additional exposure in stops; above 0 the highlights clip.
        white_balance: Gains of red and blue; (1, 1) is neutral.
        photons: Number of photons that a white pixel collects; few cause shot noise. 0 for no noise.
        read_noise: Standard deviation of the sensor's own noise, fraction of white in linear light.
        noise_grain: Width (standard deviation) of the smoothing of the noise by demosaicing and denoising.
        color_noise: Coarse blotches of colour, as a fraction of the fine noise.
        resolution: Fraction of the rows and columns on the sensor.
        contrast: Contrast of the tone curve; 0 is a straight line, 1 a strong S.
        haze: Brightness of black, fraction of white.
        saturation: Saturation of colours; 1 for no change.
        sharpening: Height of the halo at edges, fraction of the edge.
        halo_width: Width of the halo (standard deviation).
        jpeg_quality: 1 to 100; 0 stores without loss.
    """

    defocus: float = 0.0
    edge_defocus: float = 0.0
    motion: float = 0.0
    motion_angle: float = 0.0
    aberration: tuple[float, float] = (0.0, 0.0)
    vignette: float = 0.0
    metering: float = 0.0
    exposure: float = 0.0
    white_balance: tuple[float, float] = (1.0, 1.0)
    photons: float = 0.0
    read_noise: float = 0.0
    noise_grain: float = 0.0
    color_noise: float = 0.0
    resolution: float = 1.0
    contrast: float = 0.0
    haze: float = 0.0
    saturation: float = 1.0
    sharpening: float = 0.0
    halo_width: float = 1.0
    jpeg_quality: int = 0

    @staticmethod
    def draw(rng: np.random.Generator) -> Strengths:
        """Draws a typical camera: most are good, few are bad in one or two ways.

        Args:
            rng: Random generator.
        """
        photons = float(np.exp(rng.triangular(np.log(300), np.log(9000), np.log(60000))))
        warmth, tint = rng.normal(0.0, 0.05), rng.normal(0.0, 0.015)
        low, high = JPEG_QUALITY
        return Strengths(
            defocus=_log_normal(rng, 0.45, 0.6, 2.4),
            edge_defocus=float(rng.uniform(0.0, 0.7)),
            motion=_log_normal(rng, 1.6, 0.6, 7.0) if rng.random() < 0.35 else 0.0,
            motion_angle=float(rng.normal(0.0, 0.5)),  # robots and people turn sideways more than up and down
            aberration=(float(rng.normal(0.0, 4e-4)), float(rng.normal(0.0, 4e-4))),
            vignette=float(rng.beta(1.5, 4.0)) * 0.6,
            metering=float(rng.uniform(0.3, 0.9)),
            exposure=float(np.clip(0.4 * rng.standard_t(4), -1.5, 1.4)),
            white_balance=(_near_one(warmth + tint, 0.16), _near_one(-warmth + tint, 0.16)),
            photons=photons,
            read_noise=float(rng.uniform(0.03, 0.12)) / float(np.sqrt(photons)),
            noise_grain=float(rng.uniform(0.35, 0.9)),
            color_noise=float(rng.uniform(0.0, 0.4)),
            resolution=float(rng.uniform(0.5, 0.95)) if rng.random() < 0.3 else 1.0,
            contrast=float(rng.uniform(-0.15, 0.6)),
            haze=float(rng.beta(1.0, 4.0)) * 0.12,
            saturation=float(rng.uniform(0.75, 1.15)),
            sharpening=float(rng.uniform(0.1, 0.9)) if rng.random() < 0.6 else 0.0,
            halo_width=float(rng.uniform(0.7, 1.4)),
            jpeg_quality=round(low + (high - low) * float(rng.beta(2.2, 1.2))),
        )


IDEAL = Strengths()
"""A camera without any effect."""


def _log_normal(rng: np.random.Generator, median: float, spread: float, most: float) -> float:
    return float(min(most, median * np.exp(spread * rng.standard_normal())))


def _near_one(exponent: float, most: float) -> float:
    return float(np.exp(np.clip(exponent, -most, most)))
