"""VPD (arXiv 2303.02153): masks from features of Stable Diffusion's UNet, given image and instruction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from diffusers import UNet2DConditionModel
from torch import nn
from transformers import CLIPTokenizer, PreTrainedTokenizerBase

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common.attention_maps import summed_maps
from mdsm_ros.models.common.diffusion import refinement_timesteps
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.common.mask_head import MaskHead
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.stable_diffusion.attention_maps import cross_attention_layers, mean_map, recorded
from mdsm_ros.models.stable_diffusion.network import (
    StableDiffusion,
    latent_noise,
    make_scheduler,
    unet_blocks,
    unet_features,
)
from mdsm_ros.models.vpd.config import VPDConfig

FEATURE_TIMESTEP = 1  # timestep that VPD gives the UNet for an image without noise
GAMMA = 1e-4  # initial value


class TextAdapter(nn.Module):
    """Adapts CLIP's text features: c + gamma * MLP(c), with gamma very small at first."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))
        self.gamma = nn.Parameter(torch.full((dim,), GAMMA))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(B, T, D) -> (B, T, D)."""
        result: torch.Tensor = tokens + self.gamma * self.mlp(tokens)
        return result


class VPD(HubModel, paper_url="https://arxiv.org/abs/2303.02153"):
    """Computes a mask from image and instruction in one pass of Stable Diffusion's UNet.

    The VAE's encoder and the text encoder are frozen; adapter, UNet and decoder learn. VPD's decoder returns two logits
    per pixel, for background and object; this one returns their difference. VPD always answers with a mask; the present
    logit is an addition of this package.

    Args:
        config: Configuration of the model.
        tokenizer: Tokenizer of CLIP's type.

    Raises:
        ConfigError: No model can be built from the sizes, or peft is needed but not installed.
    """

    config_type = VPDConfig
    config: VPDConfig
    tokenizer_type = CLIPTokenizer

    def __init__(self, config: VPDConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(config, tokenizer)
        self.backbone = StableDiffusion(config.sizes, tokenizer, decoder=False)
        self.backbone.requires_grad_(False)
        unet = self.backbone.unet
        unet.requires_grad_(not config.freeze_unet)
        if config.lora_rank:
            add_lora(unet, config.lora_rank)
        text_dim, unet_dim = self.backbone.text_encoder.config.hidden_size, unet.config.cross_attention_dim
        self.project = nn.Linear(text_dim, unet_dim) if text_dim != unet_dim else nn.Identity()
        self.adapter = TextAdapter(unet_dim) if config.text_adapter else nn.Identity()
        self.head = MaskHead(config.level_channels, config.decoder_channels, config.decoder_norm)
        self.scheduler = make_scheduler()

    def train(self, mode: bool = True) -> VPD:
        """Switches training mode; VAE and text encoder never train."""
        super().train(mode)
        self.backbone.vae.eval()
        self.backbone.text_encoder.eval()
        return self

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The VAE's encoder and the mask head; compiled code would not call the hooks on the UNet."""
        return self.backbone.vae.encoder, self.head

    def encode_text(self, texts: Sequence[str]) -> TextFeatures:
        """Language features of B instructions, adapted."""
        text = self.backbone.encode_text(texts, self.config.max_tokens)
        return TextFeatures(tokens=self.adapter(self.project(text.tokens)), mask=text.mask)

    def initial(
        self,
        images: torch.Tensor,
        text: TextFeatures,
        image_index: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
    ) -> InitialMask:
        """(N, 3, H, W) in [0, 1] -> logits (B, 1, h, w) on the grid of the latents, and present logits (B,).

        ``image_index`` (B,) is the image of each of the B instructions; without it, there is one instruction per image.
        An image is encoded to latents once; everything after that depends on the instruction. ``noise`` (B, 4, h, w),
        standard normal, is used if the configuration needs it. Without it, noise is drawn anew in training, and is
        constant otherwise.
        """
        latents = self._latents(images, image_index)
        strides = () if self.config.attention_mode == "none" else self.config.attention_strides
        features, maps = self._look(latents, text, noise, strides)
        logits, present_logits, _ = self.head(self._with_maps(features, maps))
        return InitialMask(logits, present_logits)

    def attention_maps(self, images: torch.Tensor, text: TextFeatures) -> torch.Tensor:
        """The attention of each pixel to each token, (B, T, h, w): the sum over the maps of ``attention_strides``."""
        latents = self._latents(images, None)
        _, maps = self._look(latents, text, None, self.config.attention_strides)
        return summed_maps(maps.values(), latents.shape[-2:])

    @contextmanager
    def at_noise(self, timestep: int) -> Iterator[None]:
        """Changes the noise of the latents while the context is open; the weights stay.

        Raises:
            ConfigError: The timestep is out of range.
        """
        trained = self.config
        steps = min(trained.denoising_steps, timestep)
        self.config = replace(trained, noise_timestep=timestep, denoising_steps=steps)
        try:
            yield
        finally:
            self.config = trained

    def _latents(self, images: torch.Tensor, image_index: torch.Tensor | None) -> torch.Tensor:
        latents = self.backbone.latents(images, scaled=self.config.scale_latents)
        return latents if image_index is None else latents[image_index]

    def _look(
        self, latents: torch.Tensor, text: TextFeatures, noise: torch.Tensor | None, strides: Sequence[int]
    ) -> tuple[list[torch.Tensor], dict[int, torch.Tensor]]:
        """Features of the four levels, finest first, and attention maps by stride."""
        unet = self.backbone.unet
        sample, timestep = self._noised(latents, text, noise)
        factors = {stride: stride // self.config.latent_stride for stride in strides}
        layers = cross_attention_layers(unet)
        with recorded(layer for factor in factors.values() for layer in layers[factor]) as projections:
            features, _ = unet_features(unet, sample, timestep, text.tokens, tapped_blocks(unet))
        height, width = latents.shape[-2:]
        maps = {
            stride: mean_map(layers[factor], projections, (height // factor, width // factor))
            for stride, factor in factors.items()
        }
        return features[::-1], maps

    def _noised(
        self, latents: torch.Tensor, text: TextFeatures, noise: torch.Tensor | None
    ) -> tuple[torch.Tensor, int]:
        """The UNet's input, and the timestep of the noise in it."""
        config, scheduler = self.config, self.scheduler
        if not config.noise_timestep:
            return latents, FEATURE_TIMESTEP
        noise = latent_noise(latents, self.training) if noise is None else noise
        if not config.denoising_steps:
            return scheduler.add_noise(latents, noise, torch.tensor([config.noise_timestep])), config.noise_timestep
        timesteps = refinement_timesteps(scheduler, config.noise_timestep, config.denoising_steps)
        sample = scheduler.add_noise(latents, noise, timesteps[:1])
        with torch.no_grad():  # gradients flow only through the pass that computes the features
            for timestep in timesteps.tolist():
                predicted = self.backbone.unet(sample, timestep, encoder_hidden_states=text.tokens).sample
                sample = scheduler.step(predicted, timestep, sample).prev_sample
        return sample, FEATURE_TIMESTEP

    def _with_maps(self, features: list[torch.Tensor], maps: dict[int, torch.Tensor]) -> list[torch.Tensor]:
        """The decoder's input levels: features and the maps beside them."""
        if self.config.attention_mode == "daam":
            maps = {self.config.latent_stride: summed_maps(maps.values(), features[0].shape[-2:])}
        return [
            torch.cat([level, maps[stride].to(level.dtype)], dim=1) if stride in maps else level
            for level, stride in zip(features, self.config.level_strides, strict=True)
        ]


def tapped_blocks(unet: UNet2DConditionModel) -> list[nn.Module]:
    """The blocks whose features VPD uses: the last but one of each level of the up path, and the last of the finest.

    For Stable Diffusion 1.5 these are output blocks 1, 4, 7 and 11 of the original code's numbering.
    """
    counts = [len(level.resnets) for level in unet.up_blocks]
    output_blocks = unet_blocks(unet)[-sum(counts) :]
    ends = [sum(counts[: i + 1]) for i in range(len(counts))]
    return [output_blocks[end - 2] for end in ends[:-1]] + [output_blocks[-1]]


def add_lora(unet: UNet2DConditionModel, rank: int) -> None:
    """Adds trainable layers of rank ``rank``, initially 0, to queries, keys and values of the cross-attention.

    Raises:
        ConfigError: Peft is not installed.
    """
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise ConfigError(
            f"lora_rank is {rank}, expected 0 because peft is not installed (pip install peft)"
        ) from error
    unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=r".*\.attn2\.to_[qkv]"))
