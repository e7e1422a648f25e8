"""Grounded Diffusion (arXiv 2301.05221): a frozen latent diffusion model and a segmentation module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import UNet2DConditionModel
from torch import nn
from torch.nn import functional
from transformers import CLIPTokenizer, PreTrainedTokenizerBase
from typing_extensions import Self

from mdsm_ros.models.base import HubModel
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.grounded_diffusion.grounding import GroundingModule, by_resolution
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.stable_diffusion.kind_text import KindText, encode_kinds, encode_sentences
from mdsm_ros.models.stable_diffusion.network import (
    StableDiffusion,
    latent_noise,
    make_scheduler,
    unet_blocks,
    unet_features,
)

LAST_TIMESTEP = 1
"""The timestep of the sampler's last step, at which a given image needs no noise."""
TEXT_DROPOUT = 0.1
"""Fraction of the sentences left out while the UNet learns, for classifier-free guidance."""


class GroundedDiffusion(HubModel, paper_url="https://arxiv.org/abs/2301.05221"):
    """Segments a category in an image by the features of a frozen UNet; also in images that the UNet generates.

    A given image is encoded and passes the UNet once, like the input of a sampler's step. The paper has a mask
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
        self.backbone.unet.requires_grad_(not config.freeze_unet)
        self.grounding = GroundingModule(config)
        self.scheduler = make_scheduler()

    def train(self, mode: bool = True) -> Self:
        """Switches training mode; the diffusion model has no layers that behave differently in it."""
        super().train(mode)
        self.backbone.eval()
        return self

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The VAE's encoder and the grounding module; hooks on the UNet change in each call."""
        return self.backbone.vae.encoder, self.grounding

    def encode_text(self, texts: Sequence[str]) -> KindText:
        """Language features of B instructions: of the category that each one names, or of the whole sentence."""
        encode = encode_kinds if self.config.query == "kind" else encode_sentences
        return encode(self.backbone, texts)

    def initial(self, images: torch.Tensor, text: KindText, image_index: torch.Tensor | None = None) -> InitialMask:
        """(N, 3, S, S) in [0, 1] -> logits (B, 1, S/8, S/8), present logits (B,).

        ``image_index`` (B,) is the image of each of the B instructions; without it, there is one instruction per image.
        """
        logits = self.find(self.image_features(images, text, image_index), text)
        return InitialMask(logits, logits.amax(dim=(1, 2, 3)))

    def find(self, features: Sequence[torch.Tensor], text: KindText) -> torch.Tensor:
        """Mask logits (B, 1, h, w) from features in the form of :meth:`fold`."""
        logits: torch.Tensor = self.grounding(features, text.queries, text.words)
        return logits

    def image_features(
        self, images: torch.Tensor, text: KindText, image_index: torch.Tensor | None = None
    ) -> list[torch.Tensor]:
        """The UNet's features of given images, in the form of :meth:`fold`; arguments as for :meth:`initial`."""
        unet, timestep = self.backbone.unet, self.config.feature_timestep
        with torch.no_grad():
            latents = self.backbone.latents(images)
        if timestep > LAST_TIMESTEP:
            noise = latent_noise(latents, self.training)
            latents = self.scheduler.add_noise(latents, noise, torch.tensor([timestep]))
        blocks = feature_blocks(unet, self.config.feature_blocks)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.config.freeze_unet):
            empty = text.empty.expand(len(latents), -1, -1)
            without, _ = unet_features(unet, latents, timestep, empty, blocks)
            if image_index is not None:
                latents, without = latents[image_index], [block[image_index] for block in without]
            with_text, _ = unet_features(unet, latents, timestep, text.tokens, blocks)
        return self.fold(without, with_text)

    def denoising_loss(self, images: torch.Tensor, texts: Sequence[str], image_index: torch.Tensor) -> torch.Tensor:
        """The diffusion model's own loss: the squared error of the noise at random timesteps, some without the text.

        Args:
            images: Images (N, 3, S, S) in [0, 1].
            texts: B instructions.
            image_index: Image of each instruction, (B,).
        """
        text = self.encode_text(texts)
        with torch.no_grad():
            latents = self.backbone.latents(images)[image_index]
        noise = torch.randn_like(latents)
        timesteps = torch.randint(self.scheduler.config.num_train_timesteps, (len(latents),), device=latents.device)
        noisy = self.scheduler.add_noise(latents, noise, timesteps)
        left_out = torch.rand(len(latents), 1, 1, device=latents.device) < TEXT_DROPOUT
        tokens = torch.where(left_out, text.empty, text.tokens)
        predicted = self.backbone.unet(noisy, timesteps, encoder_hidden_states=tokens).sample
        return functional.mse_loss(predicted.float(), noise.float())

    @staticmethod
    def fold(without: Sequence[torch.Tensor], with_text: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The blocks' features (B, C_i, h_i, w_i) without and with the text, side by side, by resolution."""
        return by_resolution([*without, *with_text])


def feature_blocks(unet: UNet2DConditionModel, chosen: str) -> list[nn.Module]:
    """The blocks of a UNet whose features are used: "all", "down" with the middle block, or "up"."""
    blocks = unet_blocks(unet)
    ups = sum(len(level.resnets) for level in unet.up_blocks)
    return {"all": blocks, "down": blocks[:-ups], "up": blocks[-ups:]}[chosen]
