"""The initial mask from four feature levels, top-down (LAVT, section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


def make_norm(kind: str, channels: int) -> nn.Module:
    """The normalisation that a configuration names: "batch", or "group" for small batches."""
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.GroupNorm(8, channels)


def _full(inside: int, out: int) -> nn.Module:
    return nn.Conv2d(inside, out, 3, padding=1, bias=False)


def _bottleneck(inside: int, out: int) -> nn.Module:
    """Reduces the channels before the convolution over pixels."""
    narrow = nn.Conv2d(inside, out, 1, bias=False) if inside > out else nn.Identity()
    return nn.Sequential(narrow, _full(out, out))


CONVOLUTIONS = {"full": _full, "bottleneck": _bottleneck}
"""The decoder blocks by their name in the configuration's ``decoder_block``."""


class TopDownBlock(nn.Module):
    """Upsamples the coarser features, concatenates the finer level, and mixes them with two convolutions."""

    def __init__(self, coarse: int, fine: int, out: int, norm: str, block: str = "full") -> None:
        super().__init__()
        convolution = CONVOLUTIONS[block]
        self.mix = nn.Sequential(
            convolution(coarse + fine, out),
            make_norm(norm, out),
            nn.ReLU(),
            convolution(out, out),
            make_norm(norm, out),
            nn.ReLU(),
        )

    def forward(self, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        """(B, Cc, h/2, w/2) and (B, Cf, h, w) -> (B, out, h, w)."""
        coarse = functional.interpolate(coarse, size=fine.shape[-2:], mode="bilinear", align_corners=True)
        mixed: torch.Tensor = self.mix(torch.cat([coarse, fine], dim=1))
        return mixed


class MaskHead(nn.Module):
    """The decoder of LAVT, MDSM and VPD: mask logits at the finest level, and a logit for "in view".

    Args:
        dims: Channels of the levels, the finest first.
        channels: Channels of the blocks.
        norm: Normalisation, "batch" or "group".
        block: Name of the blocks' convolutions, see :data:`CONVOLUTIONS`.
        last: Channels of the last block; None for ``channels``. It runs at the finest level, where a full block of LAVT
            costs more than all others together.

    The present logit is an addition of this package (neither paper has one). It uses the average and the maximum of the
    decoded features over the image, which combine all four levels and the language. A small target is one pixel of the
    last level and would vanish in that level's average.
    """

    def __init__(
        self, dims: Sequence[int], channels: int, norm: str, block: str = "full", last: int | None = None
    ) -> None:
        super().__init__()
        coarsest, *finer = reversed(dims)
        widths = [coarsest, *[channels] * (len(finer) - 1)]
        outs = [*[channels] * (len(finer) - 1), last or channels]
        self.blocks = nn.ModuleList(
            TopDownBlock(width, fine, out, norm, block) for width, fine, out in zip(widths, finer, outs, strict=True)
        )
        decoded = outs[-1]
        self.mask = nn.Conv2d(decoded, 1, kernel_size=1)
        self.present = nn.Sequential(nn.Linear(2 * decoded, decoded), nn.ReLU(), nn.Linear(decoded, 1))

    def forward(self, levels: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Decodes levels (B, C_i, h_i, w_i), the finest first, each half as large as the one before.

        Returns:
            Mask logits (B, 1, h, w) and decoded features (B, last, h, w) on the finest level's grid; between them
            the present logits (B,).
        """
        x = levels[-1]
        for block, finer in zip(self.blocks, reversed(levels[:-1]), strict=True):
            x = block(x, finer)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        return self.mask(x), self.present(pooled).squeeze(1), x
