"""Grounded Diffusion (arXiv 2301.05221): a frozen latent diffusion model and a segmentation module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from transformers import CLIPTokenizer, PreTrainedTokenizerBase
from typing_extensions import Self

from mdsm_ros.models.base import HubModel
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.grounded_diffusion.grounding import GroundingModule, by_resolution
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.stable_diffusion.kind_text import KindText, encode_kinds
from mdsm_ros.models.stable_diffusion.network import StableDiffusion, unet_blocks, unet_features

FEATURE_TIMESTEP = 1
"""The timestep whose features are used: the sampler's last step."""


class GroundedDiffusion(HubModel, paper_url="https://arxiv.org/abs/2301.05221"):
    """Segments a category in an image by the features of a frozen UNet; also in images that the UNet generates.

    A given image is encoded and passes the UNet once, like the input of the sampler's last step. The paper has a mask
    for every category. The present logit is an addition of this package: the highest logit of all pixels, so that an
    empty mask means "not in view".

    Args:
        config: Configuration of the model.
        tokenizer: Tokenizer of the diffusion model's text encoder.
    """

    config_type = GroundedDiffusionConfig
    config: GroundedDiffusionConfig
    tokenizer_type = CLIPTokenizer

    def __init__(self, config: GroundedDiffusionConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(config, tokenizer)
        self.backbone = StableDiffusion(config.sizes, tokenizer, decoder=True)
        self.backbone.requires_grad_(False)
        self.grounding = GroundingModule(config)

    def train(self, mode: bool = True) -> Self:
        """Switches training mode; only the grounding module trains."""
        super().train(mode)
        self.backbone.eval()
        return self

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The VAE's encoder and the grounding module; hooks on the UNet change in each call."""
        return self.backbone.vae.encoder, self.grounding

    def encode_text(self, texts: Sequence[str]) -> KindText:
        """Language features of B instructions: of the category that each one names."""
        return encode_kinds(self.backbone, texts)

    def initial(self, images: torch.Tensor, text: KindText, image_index: torch.Tensor | None = None) -> InitialMask:
        """(N, 3, S, S) in [0, 1] -> logits (B, 1, S/8, S/8), present logits (B,).

        ``image_index`` (B,) is the image of each of the B instructions; without it, there is one instruction per image.
        """
        logits = self.grounding(self.image_features(images, text, image_index), text.queries)
        return InitialMask(logits, logits.amax(dim=(1, 2, 3)))

    @torch.no_grad()
    def image_features(
        self, images: torch.Tensor, text: KindText, image_index: torch.Tensor | None = None
    ) -> list[torch.Tensor]:
        """The UNet's features of given images, in the form of :meth:`fold`; arguments as for :meth:`initial`."""
        latents = self.backbone.latents(images)
        unet, blocks = self.backbone.unet, unet_blocks(self.backbone.unet)
        empty = text.empty.expand(len(latents), -1, -1)
        without, _ = unet_features(unet, latents, FEATURE_TIMESTEP, empty, blocks)
        if image_index is not None:
            latents, without = latents[image_index], [block[image_index] for block in without]
        with_text, _ = unet_features(unet, latents, FEATURE_TIMESTEP, text.tokens, blocks)
        return self.fold(without, with_text)

    @staticmethod
    def fold(without: Sequence[torch.Tensor], with_text: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The blocks' features (B, C_i, h_i, w_i) without and with the text, side by side, by resolution."""
        return by_resolution([*without, *with_text])
