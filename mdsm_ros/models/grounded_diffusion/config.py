"""The configuration of Grounded Diffusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mdsm_ros.models.stable_diffusion.config import StableDiffusionConfig


@dataclass(frozen=True)
class GroundedDiffusionConfig(StableDiffusionConfig):
    """Grounded Diffusion (arXiv 2301.05221), by default at the sizes of its public code.

    Attributes:
        grounding_channels: Channels to which each resolution of the UNet is reduced, the coarsest first.
        grounding_norm: Normalisation: "batch", as published, or "group" for small batches.
        grounding_patch: Side of the patches to which queries attend, in pixels of the latent.
        grounding_dim, grounding_num_layers, grounding_num_heads, grounding_feedforward: Sizes of the transformer
        decoder.
        grounding_as_published: Whether the module is that of the public code, parameter for parameter. False is the
            module of earlier versions of this package, and what a configuration without the field means. It adds the
            input of a residual block instead of the block's first activation, learns the scale and shift of
            normalisations, has biases in its 1x1 convolutions and projections, and normalises the decoder's output.
        feature_blocks: Blocks of the UNet whose features are used: "all", as published, "down" (with the middle) or
            "up".
        feature_timestep: Timestep at which the UNet looks: 1, the sampler's last step, as published; at a higher one,
            given images get its noise.
        query: What is asked for: "kind", the category that the instruction names, as published, or "sentence", the
            instruction itself, whose words meet the image's patches in the transformer decoder.
        freeze_unet: Whether the UNet is frozen, as published; otherwise it learns together with the module.

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    training_fields: ClassVar[frozenset[str]] = StableDiffusionConfig.training_fields | {"freeze_unet"}

    model_type: str = "grounded_diffusion"
    grounding_channels: tuple[int, ...] = (16, 32, 64, 128)
    grounding_norm: str = "batch"
    grounding_patch: int = 4
    grounding_dim: int = 512
    grounding_num_layers: int = 3
    grounding_num_heads: int = 8
    grounding_feedforward: int = 2048
    grounding_as_published: bool = False
    feature_blocks: str = "all"
    feature_timestep: int = 1
    query: str = "kind"
    freeze_unet: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("num_inference_steps", self.num_inference_steps == 0, "0, Grounded Diffusion has one stage")
        self._expect("feature_blocks", self.feature_blocks in ("all", "down", "up"), "'all', 'down' or 'up'")
        self._expect("feature_timestep", 1 <= self.feature_timestep < 1000, "1 to 999")
        self._expect("query", self.query in ("kind", "sentence"), "'kind' or 'sentence'")
        levels = len(self.sizes["unet"]["block_out_channels"])
        self._expect("grounding_channels", len(self.grounding_channels) == levels, f"one for each of {levels} levels")
        self._expect("grounding_norm", self.grounding_norm in ("batch", "group"), "'batch' or 'group'")
        groups = self.grounding_norm == "group"
        fits = not groups or all(width % 8 == 0 for width in self.grounding_channels)
        self._expect("grounding_channels", fits, "multiples of 8 for group normalisation")
        grid = self.image_size // self.latent_stride
        self._expect("grounding_patch", grid % self.grounding_patch == 0, f"a divisor of the latent's {grid} pixels")
        fits = self.grounding_dim % self.grounding_num_heads == 0
        self._expect("grounding_dim", fits, f"a multiple of its {self.grounding_num_heads} heads")
