"""DAAM (arXiv 2210.04885): uses the attention of a latent diffusion model to a word as the mask of its object.

It is not trained on masks, and is the baseline of Grounded Diffusion and VPD.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.models.attention_processor import Attention
from torch import nn
from transformers import CLIPTokenizer, PreTrainedTokenizerBase

from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common.attention_maps import published_heat, scaled_heat, summed_maps
from mdsm_ros.models.daam.config import DAAMConfig
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.stable_diffusion.attention_maps import (
    Projections,
    cross_attention_layers,
    head_maps,
    mean_map,
    recorded,
)
from mdsm_ros.models.stable_diffusion.kind_text import KindText, encode_kinds
from mdsm_ros.models.stable_diffusion.network import StableDiffusion, make_scheduler

SHARPNESS = 10.0  # slope of the logits per fraction of the largest heat
NOISE_SEED = 0
ALWAYS_PRESENT = 10.0  # logit


class DAAM(HubModel, paper_url="https://arxiv.org/abs/2210.04885"):
    """Computes the cross-attention heat of the category's words in an image; always answers "in view".

    Args:
        config: Configuration of the model.
        tokenizer: Tokenizer of the diffusion model's text encoder.
    """

    config_type = DAAMConfig
    config: DAAMConfig
    tokenizer_type = CLIPTokenizer

    def __init__(self, config: DAAMConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(config, tokenizer)
        self.backbone = StableDiffusion(config.sizes, tokenizer, decoder=False).requires_grad_(False)
        self.scheduler = make_scheduler()

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The VAE's encoder."""
        return (self.backbone.vae.encoder,)

    def encode_text(self, texts: Sequence[str]) -> KindText:
        """Language features of B instructions: of the category that each one names."""
        return encode_kinds(self.backbone, texts, every=self.config.as_published)

    @torch.no_grad()
    def initial(self, images: torch.Tensor, text: KindText, image_index: torch.Tensor | None = None) -> InitialMask:
        """(N, 3, S, S) in [0, 1] -> logits (B, 1, h, w), which are 0 at the threshold of the heat.

        The grid is that of the latents, S/8, and as published that of the image, S.
        """
        latents = self.backbone.latents(images)
        latents = latents if image_index is None else latents[image_index]
        share = (
            self._published(latents, text, images.shape[-2:])
            if self.config.as_published
            else self._share(latents, text)
        )
        logits = SHARPNESS * (share - self.config.heat_threshold)
        return InitialMask(logits, logits.new_full((len(logits),), ALWAYS_PRESENT))

    def _share(self, latents: torch.Tensor, text: KindText) -> torch.Tensor:
        """The heat of the category's words as a fraction of its maximum, (B, 1, S/8, S/8)."""
        maps = torch.stack([self._maps(latents, text.tokens, timestep) for timestep in self.config.timesteps]).sum(
            dim=0
        )
        heat = torch.einsum("bt,bthw->bhw", text.kind.to(maps), maps).unsqueeze(1)
        return heat / heat.amax(dim=(2, 3), keepdim=True).clamp(min=1e-12)

    def _published(self, latents: torch.Tensor, text: KindText, size: Sequence[int]) -> torch.Tensor:
        """The heat of the category's words from 0 to 1, (B, 1, *size)."""
        height, width = latents.shape[-2:]
        by_factor = cross_attention_layers(self.backbone.unet)
        summed: dict[nn.Module, torch.Tensor] = {}
        for timestep in self.config.timesteps:
            projections = self._look(latents, text.tokens, timestep, by_factor)
            for factor, layers in by_factor.items():
                for layer in layers:
                    maps = head_maps(layer, projections, (height // factor, width // factor))
                    summed[layer] = summed[layer] + maps if layer in summed else maps
        return scaled_heat(published_heat(summed.values(), (height, width)), text.kind, size)

    def _maps(self, latents: torch.Tensor, tokens: torch.Tensor, timestep: int) -> torch.Tensor:
        """(B, T, S/8, S/8), the maps of all sizes summed."""
        height, width = latents.shape[-2:]
        by_factor = cross_attention_layers(self.backbone.unet)
        projections = self._look(latents, tokens, timestep, by_factor)
        maps = [
            mean_map(layers, projections, (height // factor, width // factor)) for factor, layers in by_factor.items()
        ]
        return summed_maps(maps, (height, width))

    def _look(
        self, latents: torch.Tensor, tokens: torch.Tensor, timestep: int, by_factor: dict[int, list[Attention]]
    ) -> Projections:
        """Runs the UNet on the noised latents; returns the projections of its cross-attention layers."""
        generator = torch.Generator().manual_seed(NOISE_SEED)
        noise = torch.randn(latents.shape[1:], generator=generator).to(latents).expand_as(latents)
        noisy = self.scheduler.add_noise(latents, noise, torch.tensor([timestep]))
        with recorded([layer for layers in by_factor.values() for layer in layers]) as projections:
            self.backbone.unet(noisy, timestep, encoder_hidden_states=tokens)
        return projections
