"""Four feature levels to the initial mask, top-down (LAVT, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


def make_norm(kind: str, channels: int) -> nn.Module:
    """The normalisation that a configuration names: "batch", or "group" where batches are small."""
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.GroupNorm(8, channels)


class TopDownBlock(nn.Module):
    """Upsamples the coarser features, concatenates the finer level, and mixes them with two 3x3 convolutions."""

    def __init__(self, coarse: int, fine: int, out: int, norm: str) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(coarse + fine, out, 3, padding=1, bias=False),
            make_norm(norm, out),
            nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            make_norm(norm, out),
            nn.ReLU(),
        )

    def forward(self, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        """(B, Cc, h/2, w/2) and (B, Cf, h, w) -> (B, out, h, w)."""
        coarse = functional.interpolate(coarse, size=fine.shape[-2:], mode="bilinear", align_corners=True)
        return self.mix(torch.cat([coarse, fine], dim=1))


class MaskHead(nn.Module):
    """The decoder of LAVT, MDSM and VPD: mask logits at the finest level, and whether the target is in view at all.

    The present/absent logit is ours (neither paper has one). It is read from the decoded features, average and
    maximum over the image, where all four levels and the language have met: a small target is one pixel of the last
    level and would drown in its average.
    """

    def __init__(self, dims: Sequence[int], channels: int, norm: str) -> None:
        super().__init__()
        c1, c2, c3, c4 = dims
        self.blocks = nn.ModuleList(
            [
                TopDownBlock(c4, c3, channels, norm),
                TopDownBlock(channels, c2, channels, norm),
                TopDownBlock(channels, c1, channels, norm),
            ]
        )
        self.mask = nn.Conv2d(channels, 1, kernel_size=1)
        self.present = nn.Sequential(nn.Linear(2 * channels, channels), nn.ReLU(), nn.Linear(channels, 1))

    def forward(self, levels: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Decodes levels (B, C_i, h_i, w_i), the finest first, each half as large as the one before.

        Returns:
            Mask logits (B, 1, h, w) and decoded features (B, channels, h, w) on the finest level's grid; between them
            the present logits (B,).
        """
        x = levels[3]
        for block, finer in zip(self.blocks, (levels[2], levels[1], levels[0]), strict=True):
            x = block(x, finer)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        return self.mask(x), self.present(pooled).squeeze(1), x
