"""The Multimodal Diffusion Segmentation Model (arXiv 2307.08597), both stages put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from mdsm_ros.hub import HubModel
from mdsm_ros.models import diffusion
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.fusion import PWAM, LanguageGate
from mdsm_ros.models.language import LanguageEncoder, TextFeatures
from mdsm_ros.models.mask_head import MaskHead
from mdsm_ros.models.refiner import Refiner
from mdsm_ros.models.vision import ClipPatches, ParallelJoin, SwinStages


@dataclass(frozen=True)
class CrossmodalFeatures:
    """What stage 1 saw, kept so that refinement and auxiliary losses do not compute it again.

    Attributes:
        images: (B, 3, H, W) in [0, 1].
        text: the language features.
        visual: the joined Swin and CLIP features of the four stages before fusion, (B, H/s_i, W/s_i, C_i).
        fused: the four fused levels, (B, C_i, H/s_i, W/s_i).
        decoded: (B, D, H/4, W/4) the mask head's last features.
    """

    images: torch.Tensor
    text: TextFeatures
    visual: tuple[torch.Tensor, ...]
    fused: tuple[torch.Tensor, ...]
    decoded: torch.Tensor


@dataclass(frozen=True)
class InitialMask:
    """The answer of stage 1: mask logits (B, 1, H/4, W/4), present logits (B,), and the features."""

    logits: torch.Tensor
    present_logits: torch.Tensor
    features: CrossmodalFeatures


class IntermediateStage(nn.Module):
    """Stage 1: Swin and CLIP in parallel, PWAM and a language gate after each stage, and the mask head."""

    def __init__(self, config: MDSMConfig) -> None:
        super().__init__()
        dims = config.swin_dims
        self.swin = SwinStages(config)
        self.clip = ClipPatches(config) if config.use_clip else None
        self.join = nn.ModuleList([ParallelJoin(c, config.clip_hidden_size) for c in dims] if config.use_clip else [])
        self.pwam = nn.ModuleList([PWAM(c, config.bert_hidden_size) for c in dims])
        self.gate = nn.ModuleList([LanguageGate(c) for c in dims])
        self.norm = nn.ModuleList([nn.LayerNorm(c) for c in dims])
        self.head = MaskHead(dims, config.decoder_channels, config.decoder_norm)

    def forward(self, images: torch.Tensor, text: TextFeatures, image_index: torch.Tensor | None = None) -> InitialMask:
        """(N, 3, H, W) in [0, 1] and the features of B instructions -> B initial masks.

        ``image_index`` (B,) says which image each instruction is about, in order where absent (N = B). What language
        does not touch, CLIP and the first Swin stage, is computed once an image.
        """
        clip = self.clip(images) if self.clip is not None else None
        x = self.swin.stage(0, self.swin.patches(images))
        if image_index is not None:
            images, x = images[image_index], x[image_index]
            clip = clip[image_index] if clip is not None else None
        visual, fused = [], []
        for i, (pwam, gate, norm) in enumerate(zip(self.pwam, self.gate, self.norm, strict=True)):
            x = self.swin.stage(i, x) if i else x
            if clip is not None:
                x = self.join[i](x, clip)
            visual.append(x)
            crossmodal = pwam(x, text)
            fused.append(norm(crossmodal).permute(0, 3, 1, 2))
            x = x + gate(crossmodal)
        logits, present_logits, decoded = self.head(fused)
        features = CrossmodalFeatures(images, text, tuple(visual), tuple(fused), decoded)
        return InitialMask(logits, present_logits, features)


class MDSM(nn.Module, HubModel):
    """Image and instruction to an initial mask, and from there by diffusion to a refined one.

    Args:
        config: sizes of everything.
        tokenizer: a BERT tokenizer of at most ``config.vocab_size`` entries.
    """

    def __init__(self, config: MDSMConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.language = LanguageEncoder(config, tokenizer)
        self.intermediate = IntermediateStage(config)
        self.refiner = Refiner(config)
        self.scheduler = diffusion.make_scheduler(config)

    def encode_text(self, texts: Sequence[str]) -> TextFeatures:
        """Language features of B instructions."""
        return self.language(texts)

    def initial(self, images: torch.Tensor, text: TextFeatures, image_index: torch.Tensor | None = None) -> InitialMask:
        """Stage 1: (N, 3, H, W) in [0, 1] -> logits (B, 1, H/4, W/4), present logits (B,), features.

        ``image_index`` (B,) names the image of each of the B instructions; absent, there is one instruction an image.
        """
        return self.intermediate(images, text, image_index)

    def mask_noise(self, batch_size: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Standard normal noise (B, 1, grid, grid), drawn on the CPU so that a seed means the same on every device."""
        return torch.randn((batch_size, 1, self.refiner.grid, self.refiner.grid), generator=generator)

    def refine(
        self, features: CrossmodalFeatures, logits: torch.Tensor, steps: int, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Stage 2: refines the initial mask in ``steps`` (at least 1) denoising steps.

        Returns:
            (B, 1, grid, grid) logits of the refined mask.
        """
        condition = self.refiner.condition(features.images, logits, (features.decoded, *features.fused))
        noise = self.mask_noise(len(logits), generator).to(logits)
        grid = noise.shape[-2:]
        return diffusion.refine(
            lambda noisy, timesteps: self.refiner(noisy, timesteps, condition, features.text),
            self.scheduler,
            functional.interpolate(logits, size=grid, mode="bilinear", align_corners=False),
            noise,
            self.config.start_timestep,
            steps,
        )
