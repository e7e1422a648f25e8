"""Merges attention maps of several sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch.nn import functional


def summed_maps(maps: Iterable[torch.Tensor], size: Sequence[int]) -> torch.Tensor:
    """Upsamples maps (B, T, h_i, w_i) of several sizes and sums them, as DAAM does: (B, T, height, width)."""
    upsampled = [functional.interpolate(m, size=tuple(size), mode="bilinear", align_corners=False) for m in maps]
    return torch.stack(upsampled).sum(dim=0)
