"""The configuration of DAAM."""

from __future__ import annotations

from dataclasses import dataclass

from mdsm_ros.models.stable_diffusion.config import StableDiffusionConfig


@dataclass(frozen=True)
class DAAMConfig(StableDiffusionConfig):
    """DAAM on given images.

    Attributes:
        timesteps: at which the UNet looks at the image with the noise that belongs to them; their maps are summed, as
            DAAM sums those of all the steps in which a picture is drawn. Which are best for given images, the paper
            does not say.
        heat_threshold: share of the largest heat in an image from which on a pixel belongs to the mask (section 4.1).

    Raises:
        ConfigError: a field is out of range or does not fit another one.
    """

    model_type: str = "daam"
    timesteps: tuple[int, ...] = (1, 200, 400)
    heat_threshold: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, DAAM has one stage")
        self._expect("timesteps", len(self.timesteps) > 0 and all(0 < t < 1000 for t in self.timesteps), "1 to 999")
        self._expect("heat_threshold", 0.0 < self.heat_threshold < 1.0, "0 to 1")
