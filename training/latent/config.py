"""What the training of a latent diffusion model is made of, read from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.stable_diffusion.config import TINY, Sizes
from training.train.config import LoopConfig, StageConfig, read_loop_config


@dataclass(frozen=True)
class LatentDiffusionConfig(LoopConfig):
    """A training of autoencoder and denoiser.

    Attributes:
        autoencoder: Stage 1.
        denoiser: Stage 2.
        sizes: Fields of "vae", "unet" and "text_encoder" that differ from those of ``TINY``; images have the VAE's
            ``sample_size``, sentences the text encoder's ``max_position_embeddings``.
        kl_weight: Nats a value of the image against mean absolute error.
        text_dropout: Probability of leaving a sentence out.
        max_snr_weight: Bound of the signal-to-noise ratio by which errors of the clean latents count; Stable Diffusion
            has none (infinity).

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    STAGES = ("autoencoder", "denoiser")

    autoencoder: StageConfig
    denoiser: StageConfig
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kl_weight: float = 0.01
    text_dropout: float = 0.1
    max_snr_weight: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = sorted(set(self.sizes) - set(TINY))
        if unknown:
            raise ConfigError(f"sizes has {unknown[0]!r}, expected {', '.join(TINY)}")
        self._expect_share("text_dropout")
        if not self.max_snr_weight > 0:
            raise ConfigError(f"max_snr_weight is {self.max_snr_weight!r}, expected a positive number")
        if not self.kl_weight >= 0:
            raise ConfigError(f"kl_weight is {self.kl_weight!r}, expected 0 or more")

    def model_sizes(self) -> Sizes:
        """The sizes of all parts."""
        return {part: {**TINY[part], **self.sizes.get(part, {})} for part in TINY}

    @property
    def image_size(self) -> int:
        """Side of the images, pixels."""
        return int(self.model_sizes()["vae"]["sample_size"])


def read_latent_config(path: Path) -> LatentDiffusionConfig:
    """Reads the configuration of a training.

    Raises:
        ConfigError: The file is missing, is not YAML, or a field is unknown, absent or out of range.
    """
    return read_loop_config(path, LatentDiffusionConfig)
