"""Sizes of latent diffusion models in the form of Stable Diffusion 1 (arXiv 2112.10752).

They are dictionaries of diffusers' and transformers' configurations, as in the folders of a checkpoint, so that a small
model of the same form can replace the public one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from mdsm_ros.models.config import ModelConfig

Sizes = dict[str, dict[str, Any]]

SD15_CHECKPOINT = "stable-diffusion-v1-5/stable-diffusion-v1-5"
CHECKPOINT_FILES = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer/*",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
)
"""The patterns of the files needed from a checkpoint's repository."""

SD15: Sizes = {
    "vae": {
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "sample_size": 512,
        "scaling_factor": 0.18215,
    },
    "unet": {
        "sample_size": 64,
        "block_out_channels": (320, 640, 1280, 1280),
        "layers_per_block": 2,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,  # diffusers' name for the number of heads
    },
    "text_encoder": {
        "vocab_size": 49408,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
    },
}
"""Stable Diffusion 1.5, 512 pixels."""

TINY: Sizes = {
    "vae": {
        "block_out_channels": (16, 32, 64),
        "down_block_types": ("DownEncoderBlock2D",) * 3,
        "up_block_types": ("UpDecoderBlock2D",) * 3,
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "sample_size": 64,
    },
    "unet": {
        "sample_size": 16,
        "block_out_channels": (64, 128, 128, 128),
        "layers_per_block": 1,
        "cross_attention_dim": 128,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
    },
    "text_encoder": {
        "vocab_size": 2048,
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "bos_token_id": 0,
        "eos_token_id": 1,
    },
}
"""The sizes of the model that ``training/latent/run.py`` trains on homes, 64 pixels."""


@dataclass(frozen=True)
class StableDiffusionConfig(ModelConfig):
    """The base of the configurations of models built on a latent diffusion model.

    Attributes:
        checkpoint: Checkpoint from which training starts: hub id, folder, or single .safetensors file.
        sizes: Sizes of "vae", "unet" and "text_encoder"; they must match the checkpoint.

    Raises:
        ConfigError: A field is out of range or does not fit another one.
    """

    training_fields: ClassVar[frozenset[str]] = frozenset({"checkpoint"})

    checkpoint: str = SD15_CHECKPOINT
    sizes: Sizes = dataclasses.field(default_factory=lambda: SD15)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect("sizes", set(self.sizes) == set(SD15), f"the parts {', '.join(SD15)}")
        self._expect("image_size", self.image_size % self.coarsest_stride == 0, f"a multiple of {self.coarsest_stride}")

    @property
    def own_text_encoder(self) -> str | None:
        """Hub id or folder of a text encoder that replaces the checkpoint's."""
        return None

    @property
    def latent_stride(self) -> int:
        """Image pixels per pixel of the latent, along a side."""
        return 1 << (len(self.sizes["vae"]["block_out_channels"]) - 1)

    @property
    def coarsest_stride(self) -> int:
        """Image pixels per pixel of the UNet's coarsest level, along a side."""
        return self.latent_stride << (len(self.sizes["unet"]["block_out_channels"]) - 1)
