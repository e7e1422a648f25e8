"""Merges attention maps of several sizes, and those of a word's tokens (DAAM, arXiv 2210.04885)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch.nn import functional


def summed_maps(maps: Iterable[torch.Tensor], size: Sequence[int]) -> torch.Tensor:
    """Upsamples maps (B, T, h_i, w_i) of several sizes and sums them, as DAAM does: (B, T, height, width)."""
    upsampled = [functional.interpolate(m, size=tuple(size), mode="bilinear", align_corners=False) for m in maps]
    return torch.stack(upsampled).sum(dim=0)


def published_heat(maps: Iterable[torch.Tensor], size: Sequence[int]) -> torch.Tensor:
    """Merges maps of layers and heads as DAAM's public code does.

    Args:
        maps: Maps of each layer, (B, heads, T, h_i, w_i), summed over the timesteps.
        size: Height and width of the result.

    Returns:
        The mean over layers and heads of the maps upsampled bicubically without negative values, (B, T, height, width).
    """
    total, count = torch.zeros(()), 0
    for layer in maps:
        for head in layer.float().unbind(dim=1):
            upsampled = functional.interpolate(head, size=tuple(size), mode="bicubic", align_corners=False)
            total = total.to(upsampled) + upsampled.clamp(min=0)
            count += 1
    return total / count


def scaled_heat(heat: torch.Tensor, marked: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """The heat of a word, from its minimum to its maximum over the image, as in DAAM's public code.

    Args:
        heat: Heat of each token, (B, T, h, w).
        marked: Whether a token belongs to the word, bool (B, T).
        size: Height and width of the image.

    Returns:
        Heat from 0 to 1, (B, 1, height, width); 0 everywhere if no token is marked.
    """
    weight = marked.to(heat)
    word = torch.einsum("bt,bthw->bhw", weight, heat) / weight.sum(dim=1).clamp(min=1)[:, None, None]
    word = functional.interpolate(word.unsqueeze(1), size=tuple(size), mode="bicubic", align_corners=False)
    least, most = word.amin(dim=(2, 3), keepdim=True), word.amax(dim=(2, 3), keepdim=True)
    return (word - least) / (most - least + 1e-8)
