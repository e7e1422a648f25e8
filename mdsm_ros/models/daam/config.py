"""The configuration of DAAM."""

from __future__ import annotations

from dataclasses import dataclass

from mdsm_ros.models.stable_diffusion.config import StableDiffusionConfig


@dataclass(frozen=True)
class DAAMConfig(StableDiffusionConfig):
    """Configuration of DAAM for given images.

    Attributes:
        timesteps: Timesteps at which the UNet sees the image with the matching noise. Their maps are summed, as DAAM
            sums the maps of all steps in which an image is generated. The paper does not say which are best for given
            images.
        heat_threshold: Lowest heat of a pixel in the mask, as a fraction of the largest heat in the image (section
            4.1).
        as_published: Whether maps become a mask as in the public code (castorini/daam): each head's map is upsampled
            bicubically without negative values, all occurrences of the word count, and the word's map is upsampled
            bicubically to the image and scaled from its minimum to its maximum. False, and a configuration without the
            field: bilinearly, the last occurrence, and as a fraction of the maximum.

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    model_type: str = "daam"
    timesteps: tuple[int, ...] = (1, 200, 400)
    heat_threshold: float = 0.4
    as_published: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, DAAM has one stage")
        self._expect("timesteps", len(self.timesteps) > 0 and all(0 < t < 1000 for t in self.timesteps), "1 to 999")
        self._expect("heat_threshold", 0.0 < self.heat_threshold < 1.0, "0 to 1")
