"""Probabilities and strengths of the augmentation of training images."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mdsm_ros.errors import ConfigError

_PROBABILITIES = ("flip", "crop", "shrink", "color", "blur", "noise")


@dataclass(frozen=True)
class Augmentation:
    """The ``augmentation`` of a training configuration.

    Attributes:
        flip: Probability of a mirrored image; left and right are swapped in its sentences.
        crop: Probability of a crop, which must keep the sentences true; otherwise the whole image is used.
        smallest_crop: Sides of the smallest crop, as a fraction of the image's.
        shrink: Probability that an uncropped image is made smaller, with a border around it.
        smallest_shrink: Sides of the smallest such image, as a fraction.
        stretch: Largest change of the aspect ratio of a crop; 0.1 is a tenth.
        color: Probability of changed brightness, contrast, saturation and hue.
        brightness, contrast, saturation: Largest change, as a fraction.
        hue: Largest change, as a fraction of the colour circle. Saturation and hue are unchanged if a sentence names a
            colour.
        blur: Probability of a blur.
        largest_blur: Largest standard deviation of the blur, in pixels of the model's input.
        noise: Probability of noise.
        largest_noise: Largest standard deviation of the noise, as a fraction of white.
        resolution: Factor from the model's side to the side at which images are read, so that crops are sharp.

    Raises:
        ConfigError: A field is out of range.
    """

    flip: float = 0.5
    crop: float = 0.5
    smallest_crop: float = 0.6
    shrink: float = 0.2
    smallest_shrink: float = 0.65
    stretch: float = 0.12
    color: float = 0.7
    brightness: float = 0.3
    contrast: float = 0.25
    saturation: float = 0.3
    hue: float = 0.03
    blur: float = 0.15
    largest_blur: float = 1.2
    noise: float = 0.15
    largest_noise: float = 0.04
    resolution: float = 1.5

    def __post_init__(self) -> None:
        for field in fields(self):
            if not isinstance(getattr(self, field.name), (int, float)):
                raise ConfigError(f"augmentation.{field.name} is {getattr(self, field.name)!r}, expected a number")
        for name in (*_PROBABILITIES, "stretch", "brightness", "contrast", "saturation", "hue", "largest_noise"):
            self._expect(name, 0, 1)
        for name in ("smallest_crop", "smallest_shrink"):
            self._expect(name, 0.1, 1)
        self._expect("largest_blur", 0, 10)
        self._expect("resolution", 1, 4)

    def _expect(self, name: str, low: float, high: float) -> None:
        if not low <= getattr(self, name) <= high:
            raise ConfigError(f"augmentation.{name} is {getattr(self, name)!r}, expected {low} to {high}")
