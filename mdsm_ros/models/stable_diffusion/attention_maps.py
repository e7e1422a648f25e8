"""Maps of the cross-attention between pixels and tokens in a UNet of diffusers.

Maps are computed beside the UNet from the queries and keys of its layers. So the UNet is not changed, and its attention
may use any fast kernel, gradient checkpointing and LoRA.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import nn

from mdsm_ros.models.common.hooks import outputs_of

Projections = dict[nn.Module, torch.Tensor]  # queries (B, h * w, C) and keys (B, T, C) by layer


def cross_attention_layers(unet: UNet2DConditionModel) -> dict[int, list[Attention]]:
    """The cross-attention layers of the down and up paths, by their stride relative to the latents.

    The middle block is left out, as VPD and DAAM do.
    """
    layers: dict[int, list[Attention]] = {}
    numbered = [*enumerate(unet.down_blocks), *enumerate(reversed(unet.up_blocks))]
    for number, level in numbered:
        for transformer in getattr(level, "attentions", []):
            layers.setdefault(1 << number, []).extend(block.attn2 for block in transformer.transformer_blocks)
    return layers


def recorded(layers: Iterable[Attention]) -> AbstractContextManager[Projections]:
    """Records the projections of the layers while the UNet runs inside the context; of several passes, the last."""
    return outputs_of([projection for layer in layers for projection in (layer.to_q, layer.to_k)])


def head_maps(layer: Attention, projections: Projections, size: Sequence[int]) -> torch.Tensor:
    """Computes the attention of each pixel to each token in each head of a layer.

    Args:
        layer: Layer whose projections :func:`recorded` stored.
        projections: Projections of one pass.
        size: Height and width of the layer's grid.

    Returns:
        Attention (B, heads, T, height, width); the sum over the tokens is 1 for every pixel of a head.
    """
    query, key = (layer.head_to_batch_dim(projections[projection]) for projection in (layer.to_q, layer.to_k))
    probabilities = layer.get_attention_scores(query, key)  # (B * heads, height * width, T)
    maps = probabilities.unflatten(0, (-1, layer.heads)).transpose(2, 3)
    unflattened: torch.Tensor = torch.unflatten(maps, 3, tuple(size))
    return unflattened


def mean_map(layers: Sequence[Attention], projections: Projections, size: Sequence[int]) -> torch.Tensor:
    """Computes the attention of each pixel to each token: the mean over the heads and over layers of equal size.

    Args:
        layers: Layers whose projections :func:`recorded` stored.
        projections: Projections of one pass.
        size: Height and width of the layers' grid.

    Returns:
        Attention (B, T, height, width); the sum over the tokens is 1 for every pixel.
    """
    maps = []
    for layer in layers:
        query, key = (layer.head_to_batch_dim(projections[projection]) for projection in (layer.to_q, layer.to_k))
        probabilities = layer.get_attention_scores(query, key)  # (B * heads, height * width, T)
        maps.append(probabilities.unflatten(0, (-1, layer.heads)).mean(dim=1))
    mean: torch.Tensor = torch.unflatten(torch.stack(maps).mean(dim=0).transpose(1, 2), 2, tuple(size))
    return mean
