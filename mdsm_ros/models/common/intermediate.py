"""Stage 1: an initial mask from image and instruction, with Swin, CLIP or both.

With Swin alone this is LAVT (arXiv 2112.02244); MDSM (arXiv 2307.08597) puts CLIP beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import nn

from mdsm_ros.models.common.attention_maps import summed_maps
from mdsm_ros.models.common.fusion import PWAM, LanguageGate
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.common.mask_head import MaskHead
from mdsm_ros.models.common.semantic import EfficientNetPyramid
from mdsm_ros.models.common.text_maps import TextMaps
from mdsm_ros.models.common.vision import ClipPatches, ParallelJoin, SwinStages
from mdsm_ros.models.config import FusionConfig
from mdsm_ros.models.interface import InitialMask

SemanticBranch = ClipPatches | EfficientNetPyramid


@dataclass(frozen=True)
class CrossmodalFeatures:
    """The features of stage 1, stored so that refinement and auxiliary losses need not compute them again.

    Attributes:
        images: Images (B, 3, H, W) in [0, 1].
        text: Language features.
        visual: Joined features of both branches before fusion, for each of the four stages, (B, H/s_i, W/s_i, C_i).
        fused: Fused features of the four levels, (B, C_i, H/s_i, W/s_i).
        decoded: Last features of the mask head, (B, D, H/4, W/4).
        fine: Finest map of the semantic branch, (B, C, H/4, W/4). None if it meets the language, if there is no such
            branch, or if its maps come from a cache.
    """

    images: torch.Tensor
    text: TextFeatures
    visual: tuple[torch.Tensor, ...]
    fused: tuple[torch.Tensor, ...]
    decoded: torch.Tensor
    fine: torch.Tensor | None = None


class Place(nn.Module):
    """Adds the position in the image to each feature."""

    grid: torch.Tensor

    def __init__(self, dim: int, side: int) -> None:
        super().__init__()
        axis = (torch.arange(side) + 0.5) / side * 2 - 1
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("grid", torch.stack([x, y], dim=-1), persistent=False)
        self.embed = nn.Sequential(nn.Linear(2, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, side, side, C) -> the same shape."""
        result: torch.Tensor = x + self.embed(self.grid)
        return result


class IntermediateStage(nn.Module):
    """Visual stages with PWAM and a language gate after each, and the mask head.

    Args:
        config: Configuration with the sizes.
        swin: Swin encoder. None leaves it out: the semantic branch's maps alone are projected to every stage, and
            language enters each stage without reaching the next one.
        clip: Semantic branch: CLIP or its replacement. None leaves it out.
        text_maps: Maps of the agreement with the words, an additional input of every stage. None for no maps.
    """

    def __init__(
        self,
        config: FusionConfig,
        swin: SwinStages | None,
        clip: SemanticBranch | None,
        text_maps: TextMaps | None = None,
    ) -> None:
        super().__init__()
        dims, finest = config.fused_dims, config.finest_level
        grids = [config.image_size // (4 << i) for i in range(finest, len(config.swin_dims))]
        self.finest = finest
        self.swin = swin
        self.clip = clip
        self.text_maps = text_maps
        maps = text_maps.number if text_maps else 0
        seen = [d + maps for d in clip.dims[finest:]] if clip else []
        widths = [c if swin and (i or swin.from_image) else 0 for i, c in enumerate(dims)]
        self.join = nn.ModuleList(
            ParallelJoin(width, d, c, grid) for width, d, c, grid in zip(widths, seen, dims, grids, strict=False)
        )
        places = zip(dims, grids, strict=True) if config.coordinates else ()
        self.place = nn.ModuleList(Place(c, grid) for c, grid in places)
        self.pwam = nn.ModuleList([PWAM(c, config.bert_hidden_size) for c in dims])
        self.gate = nn.ModuleList([LanguageGate(c) for c in dims] if swin else [])
        self.norm = nn.ModuleList([nn.LayerNorm(c) for c in dims])
        self.head = MaskHead(
            dims, config.decoder_channels, config.decoder_norm, config.decoder_block, config.decoder_last_channels
        )

    def forward(
        self,
        images: torch.Tensor,
        text: TextFeatures,
        image_index: torch.Tensor | None = None,
        semantic: Sequence[torch.Tensor] | None = None,
    ) -> InitialMask:
        """(N, 3, H, W) in [0, 1] and the features of B instructions -> B initial masks.

        Args:
            images: Images (N, 3, H, W) in [0, 1].
            text: Language features of B instructions.
            image_index: Image of each instruction, (B,); None for one instruction per image (N = B). The parts without
                language, which are the semantic branch and the first Swin stage, run once per image.
            semantic: Result of :meth:`semantic` for the N images, if it was computed before.
        """
        text = self.read(text)
        assert text.words is not None
        fine = None
        if semantic is None:
            levels = self.clip(images) if self.clip is not None else ()
            semantic = levels[self.finest :]
            fine = levels[0] if levels and self.finest else None
        features = self.text_maps.features(semantic[-1]) if self.text_maps is not None else None
        x = self._without_language(images)
        if image_index is not None:
            images = images[image_index]
            x = None if x is None else x[image_index]
            semantic = [level[image_index] for level in semantic]
            fine = None if fine is None else fine[image_index]
            features = None if features is None else features[image_index]
        if self.text_maps is not None and features is not None and text.directions is not None:
            semantic = self.text_maps.beside(semantic, features, text.directions)
        visual: list[torch.Tensor] = []
        fused: list[torch.Tensor] = []
        for i, (pwam, norm, words) in enumerate(zip(self.pwam, self.norm, text.words, strict=True)):
            if i and self.swin is not None and x is not None:
                x = self.swin.stage(self.finest + i, x)
            seen = self.join[i](x, semantic[i]) if semantic else x
            assert seen is not None  # at least one branch exists
            if self.place:
                seen = self.place[i](seen)
            visual.append(seen)
            crossmodal = pwam(seen, words)
            fused.append(norm(crossmodal).permute(0, 3, 1, 2))
            if self.swin is not None:
                x = seen + self.gate[i](crossmodal)
        logits, present_logits, decoded = self.head(fused)
        crossmodal_features = CrossmodalFeatures(images, text, tuple(visual), tuple(fused), decoded, fine)
        return InitialMask(logits, present_logits, crossmodal_features)

    def read(self, text: TextFeatures) -> TextFeatures:
        """Adds what this stage computes from the instructions alone, if it is not there yet."""
        if text.words is not None:
            return text
        words = tuple(cast(PWAM, pwam).read(text) for pwam in self.pwam)
        return replace(text, words=words, directions=self.text_maps.directions(text) if self.text_maps else None)

    def semantic(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(N, 3, H, W) in [0, 1] -> the semantic branch's maps of the levels that language meets, the finest first."""
        assert self.clip is not None
        maps: tuple[torch.Tensor, ...] = self.clip(images)[self.finest :]
        return maps

    def _without_language(self, images: torch.Tensor) -> torch.Tensor | None:
        """Runs Swin up to the first stage with language: (N, 3, H, W) -> (N, h, w, C)."""
        if self.swin is None or not self.swin.from_image:
            return None
        x = self.swin.patches(images)
        for i in range(self.finest + 1):
            x = self.swin.stage(i, x)
        return x

    def attention_maps(self, features: CrossmodalFeatures) -> torch.Tensor:
        """The attention of each pixel to each token, (B, T, H/4, W/4): the sum over the four stages."""
        maps = []
        words = self.read(features.text).words
        assert words is not None
        for pwam, visual, read in zip(self.pwam, features.visual, words, strict=True):
            assert isinstance(pwam, PWAM)
            maps.append(torch.unflatten(pwam.attention(visual, read).transpose(1, 2), 2, visual.shape[1:3]))
        return summed_maps(maps, maps[0].shape[2:])
