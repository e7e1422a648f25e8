"""Which pixels looked at which token: maps of the cross-attention in a UNet of diffusers.

Maps are computed beside the UNet from the queries and keys that its layers make, so that its attention may run in
whatever fast way it does, under gradient checkpointing and with LoRA, and nothing of it is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import nn

from mdsm_ros.models.common.hooks import outputs_of

Projections = dict[nn.Module, torch.Tensor]  # queries (B, h * w, C) and keys (B, T, C) by the layers that made them


def cross_attention_layers(unet: UNet2DConditionModel) -> dict[int, list[Attention]]:
    """The cross-attention layers of the way down and the way up, by how much coarser than the latents they work.

    The middle block is left out, as VPD and DAAM do.
    """
    layers: dict[int, list[Attention]] = {}
    numbered = [*enumerate(unet.down_blocks), *enumerate(reversed(unet.up_blocks))]
    for number, level in numbered:
        for transformer in getattr(level, "attentions", []):
            layers.setdefault(1 << number, []).extend(block.attn2 for block in transformer.transformer_blocks)
    return layers


def recorded(layers: Iterable[Attention]) -> AbstractContextManager[Projections]:
    """Keeps what the layers project while the UNet runs inside of the context; of several passes, that of the last."""
    return outputs_of([projection for layer in layers for projection in (layer.to_q, layer.to_k)])


def mean_map(layers: Sequence[Attention], projections: Projections, size: Sequence[int]) -> torch.Tensor:
    """How much each pixel looks at each token, mean over the heads and over layers of equal size.

    Args:
        layers: of which :func:`recorded` kept the projections.
        projections: of one pass.
        size: height and width of the grid on which the layers work.

    Returns:
        (B, T, height, width); over the tokens, every pixel's sum is 1.
    """
    maps = []
    for layer in layers:
        query, key = (layer.head_to_batch_dim(projections[projection]) for projection in (layer.to_q, layer.to_k))
        probabilities = layer.get_attention_scores(query, key)  # (B * heads, height * width, T)
        maps.append(probabilities.unflatten(0, (-1, layer.heads)).mean(dim=1))
    mean: torch.Tensor = torch.unflatten(torch.stack(maps).mean(dim=0).transpose(1, 2), 2, tuple(size))
    return mean
