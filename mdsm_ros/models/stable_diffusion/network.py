"""The three networks of a latent diffusion model in the form of Stable Diffusion 1 (arXiv 2112.10752).

VPD, Grounded Diffusion and DAAM segment by the features of its UNet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerBase

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.common.hooks import outputs_of
from mdsm_ros.models.common.language import TextFeatures

NOISE_SEED = 0


class StableDiffusion(nn.Module):
    """VAE, text encoder and UNet; the tokenizer is an argument, so nothing is read from disk here.

    Args:
        sizes: Sizes in the form of :data:`~mdsm_ros.models.stable_diffusion.config.SD15`.
        tokenizer: Tokenizer of CLIP's type.
        decoder: Whether to include the VAE's decoder, for generating images.

    Raises:
        ConfigError: Diffusers or transformers cannot build networks from the sizes.
    """

    scaling_factor: torch.Tensor

    def __init__(
        self, sizes: Mapping[str, Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase, decoder: bool
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        try:
            self.vae = AutoencoderKL(**sizes["vae"])
            self.unet = UNet2DConditionModel(**sizes["unet"])
            self.text_encoder = CLIPTextModel(CLIPTextConfig(**sizes["text_encoder"]))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"sizes cannot be built from: {error}") from error
        if not decoder:
            del self.vae.decoder, self.vae.post_quant_conv
        # stored with the weights, since it belongs to a checkpoint and not to a size
        self.register_buffer("scaling_factor", torch.tensor(float(self.vae.config.scaling_factor)))

    def latents(self, images: torch.Tensor, scaled: bool = True) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 4, h, w): the mode of the VAE's posterior, times its scaling factor."""
        mode = self.vae.encode(2 * images - 1).latent_dist.mode()
        latents: torch.Tensor = mode * self.scaling_factor if scaled else mode
        return latents

    def encode_text(self, texts: Sequence[str], max_tokens: int | None = None) -> TextFeatures:
        """Computes the last hidden states of the text encoder.

        Args:
            texts: Instructions, B of them.
            max_tokens: Length T to which they are padded or cut; None for the encoder's maximum, as in Stable
                Diffusion.

        Returns:
            Tokens (B, T, D) and mask (B, T), True up to the end-of-text token.
        """
        batch = self.tokenizer(
            list(texts),
            padding="max_length",
            truncation=True,
            max_length=max_tokens or self.text_encoder.config.max_position_embeddings,
            return_tensors="pt",
        ).to(self.text_encoder.device)
        hidden = self.text_encoder(input_ids=batch["input_ids"]).last_hidden_state
        return TextFeatures(tokens=hidden, mask=batch["attention_mask"].bool())


def make_scheduler() -> DDIMScheduler:
    """The noise schedule of Stable Diffusion's training."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        timestep_spacing="trailing",
    )


def latent_noise(latents: torch.Tensor, training: bool) -> torch.Tensor:
    """Standard normal noise for latents (B, 4, h, w): new in training, else the same for all latents of a size."""
    if training:
        return torch.randn_like(latents)  # uses the generator that the training loop seeds in every step
    generator = torch.Generator().manual_seed(NOISE_SEED)
    return torch.randn(latents.shape[1:], generator=generator).to(latents).expand_as(latents)


def word_tokens(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], words: Sequence[str], length: int, *, every: bool = False
) -> torch.Tensor:
    """Marks the tokens of some words in each text, bool (B, length).

    Args:
        tokenizer: Tokenizer of the model.
        texts: Sentences, B of them.
        words: Words for each sentence. If they do not occur, no token is marked.
        length: Length to which sentences are padded.
        every: Whether every occurrence of the words counts; otherwise the last one.
    """
    batch = tokenizer(
        list(texts),
        padding="max_length",
        truncation=True,
        max_length=length,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    first, last = batch["offset_mapping"].unbind(dim=-1)  # character ranges; special tokens have none
    chosen = torch.zeros_like(first, dtype=torch.bool)
    for row, (text, word) in enumerate(zip(texts, words, strict=True)):
        found = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
        for begin, end in found if every else found[-1:]:
            chosen[row] |= (first[row] >= begin) & (last[row] <= end) & (last[row] > first[row])
    return chosen


def unet_blocks(unet: UNet2DConditionModel) -> list[nn.Module]:
    """The modules whose outputs are the UNet's blocks, ordered and numbered as in the original code.

    With two layers per level: 12 input blocks (0 to 11), the middle one (12), 12 output blocks (13 to 24). The output
    block at the end of a level returns the upsampled map.
    """
    blocks: list[nn.Module] = [unet.conv_in]
    for level in unet.down_blocks:
        blocks += getattr(level, "attentions", level.resnets)
        blocks += level.downsamplers or []
    blocks.append(unet.mid_block)
    for level in unet.up_blocks:
        layers = list(getattr(level, "attentions", level.resnets))
        blocks += layers if not level.upsamplers else [*layers[:-1], *level.upsamplers]
    return blocks


def unet_features(
    unet: UNet2DConditionModel,
    latents: torch.Tensor,
    timestep: torch.Tensor | int,
    tokens: torch.Tensor,
    blocks: Sequence[nn.Module],
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Runs the UNet once and returns the outputs of some of its blocks, see :func:`unet_blocks`.

    Args:
        unet: UNet to run.
        latents: Noisy latents (B, 4, h, w).
        timestep: Timestep of the noise in the latents.
        tokens: Features of the tokens for cross-attention, (B, T, D).
        blocks: Blocks whose outputs are returned.

    Returns:
        The features (B, C_i, h_i, w_i) of each block, and the UNet's own output (B, 4, h, w).
    """
    with outputs_of(blocks) as found:
        output = unet(latents, timestep, encoder_hidden_states=tokens).sample
    return [found[block] for block in blocks], output
