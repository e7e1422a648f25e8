"""Stage 1: image and instruction to an initial mask, from Swin, CLIP or both.

With Swin alone this is LAVT (arXiv 2112.02244); MDSM (arXiv 2307.08597) puts CLIP beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from mdsm_ros.models.attention_maps import summed_maps
from mdsm_ros.models.config import FusionConfig
from mdsm_ros.models.fusion import PWAM, LanguageGate
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.language import TextFeatures
from mdsm_ros.models.mask_head import MaskHead
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


class IntermediateStage(nn.Module):
    """Visual stages with PWAM and a language gate after each, and the mask head.

    Args:
        config: sizes.
        swin: None leaves Swin out: CLIP's map alone is projected to every stage, and language enters once a stage
            without a way to the next one.
        clip: None leaves CLIP out.
    """

    def __init__(self, config: FusionConfig, swin: SwinStages | None, clip: ClipPatches | None) -> None:
        super().__init__()
        dims = config.swin_dims
        grids = [config.image_size // (4 << i) for i in range(len(dims))]
        self.swin = swin
        self.clip = clip
        self.join = nn.ModuleList(
            [ParallelJoin(c if swin else 0, clip.dim, c, grid) for c, grid in zip(dims, grids, strict=True)]
            if clip
            else []
        )
        self.pwam = nn.ModuleList([PWAM(c, config.bert_hidden_size) for c in dims])
        self.gate = nn.ModuleList([LanguageGate(c) for c in dims] if swin else [])
        self.norm = nn.ModuleList([nn.LayerNorm(c) for c in dims])
        self.head = MaskHead(dims, config.decoder_channels, config.decoder_norm)

    def forward(self, images: torch.Tensor, text: TextFeatures, image_index: torch.Tensor | None = None) -> InitialMask:
        """(N, 3, H, W) in [0, 1] and the features of B instructions -> B initial masks.

        ``image_index`` (B,) says which image each instruction is about, in order where absent (N = B). What language
        does not touch, CLIP and the first Swin stage, is computed once an image.
        """
        clip: torch.Tensor | None = self.clip(images) if self.clip is not None else None
        x = self.swin.stage(0, self.swin.patches(images)) if self.swin is not None else None
        if image_index is not None:
            images = images[image_index]
            x, clip = (None if branch is None else branch[image_index] for branch in (x, clip))
        visual: list[torch.Tensor] = []
        fused: list[torch.Tensor] = []
        for i, (pwam, norm) in enumerate(zip(self.pwam, self.norm, strict=True)):
            if i and self.swin is not None and x is not None:
                x = self.swin.stage(i, x)
            seen = self.join[i](x, clip) if clip is not None else x
            assert seen is not None  # one branch is there
            visual.append(seen)
            crossmodal = pwam(seen, text)
            fused.append(norm(crossmodal).permute(0, 3, 1, 2))
            if self.swin is not None:
                x = seen + self.gate[i](crossmodal)
        logits, present_logits, decoded = self.head(fused)
        features = CrossmodalFeatures(images, text, tuple(visual), tuple(fused), decoded)
        return InitialMask(logits, present_logits, features)

    def attention_maps(self, features: CrossmodalFeatures) -> torch.Tensor:
        """How much each pixel looked at each token, (B, T, H/4, W/4): the sum over the four stages."""
        maps = []
        for pwam, visual in zip(self.pwam, features.visual, strict=True):
            assert isinstance(pwam, PWAM)
            maps.append(pwam.attention(visual, features.text).transpose(1, 2).unflatten(2, visual.shape[1:3]))
        return summed_maps(maps, maps[0].shape[2:])
