"""A UNet with attention to words (arXiv 2112.10752), with the names of diffusers' UNet2DConditionModel.

It has the parts of that class that MDSM's refiner needs: convolutions at all levels, and attention among pixels and to
the words at the coarsest levels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.models.layers.recompute import Recomputing

GROUPS = 8  # groups of the group norms
WAVELENGTHS = 10_000  # ratio of the slowest to the fastest wave of the timestep's embedding
PADDING = -10_000.0  # added to the logits of padding


def embed_timesteps(timesteps: torch.Tensor, dim: int) -> torch.Tensor:
    """Cosine and sine waves of timesteps: (B,) -> (B, dim)."""
    half = dim // 2
    exponent = -math.log(WAVELENGTHS) * torch.arange(half, dtype=torch.float32, device=timesteps.device) / half
    waves = timesteps[:, None].float() * exponent.exp()[None]
    return torch.cat([waves.cos(), waves.sin()], dim=-1)


Memory = tuple[torch.Tensor, torch.Tensor]  # keys and values of an attention layer


@dataclass(frozen=True)
class Shared:
    """The part of a UNet's input that does not change between denoising steps, as its layers read it.

    Attributes:
        memories: Keys and values of the words for each :class:`Transformer` in the order of the path.
        bias: Additive score of each word, (B, 1, 1, T).
        weight: Part of the first convolution's weight for the map that changes, (C', C, 3, 3); None for all of it.
        mapped: The first convolution of the constant maps with its bias, (B, C', h, w); None without constant maps.
    """

    memories: tuple[Memory, ...]
    bias: torch.Tensor
    weight: torch.Tensor | None = None
    mapped: torch.Tensor | None = None

    def repeated(self, times: int) -> Shared:
        """Each row of the batch several times in turn."""
        if times == 1:
            return self
        memories = tuple((k.repeat_interleave(times, 0), v.repeat_interleave(times, 0)) for k, v in self.memories)
        mapped = None if self.mapped is None else self.mapped.repeat_interleave(times, 0)
        return Shared(memories, self.bias.repeat_interleave(times, 0), self.weight, mapped)


class ResBlock(nn.Module):
    """A residual block of two convolutions with the timestep."""

    def __init__(self, inputs: int, outputs: int, time_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_dim, outputs)
        self.norm2 = nn.GroupNorm(GROUPS, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.conv_shortcut = nn.Conv2d(inputs, outputs, 1)
        self.widens = inputs != outputs

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) and the timestep after its SiLU, (B, E) -> (B, C', h, w)."""
        y = self.conv1(functional.silu(self.norm1(x)))
        y = y + self.time_emb_proj(time)[:, :, None, None]
        y = self.conv2(functional.silu(self.norm2(y)))
        result: torch.Tensor = (self.conv_shortcut(x) if self.widens else x) + y
        return result


class Attention(nn.Module):
    """Queries of pixels; keys and values of pixels or words."""

    def __init__(self, dim: int, context_dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(context_dim, dim, bias=False)
        self.to_v = nn.Linear(context_dim, dim, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])

    def _by_head(self, x: torch.Tensor) -> torch.Tensor:
        return torch.unflatten(x, 2, (self.heads, -1)).transpose(1, 2)

    def read(self, context: torch.Tensor) -> Memory:
        """(B, T, D) -> keys and values, (B, heads, T, C / heads) each."""
        return self._by_head(self.to_k(context)), self._by_head(self.to_v(context))

    def forward(self, x: torch.Tensor, memory: Memory, bias: torch.Tensor | None = None) -> torch.Tensor:
        """(B, N, C) and the result of :meth:`read` -> (B, N, C); ``bias`` (B, 1, 1, T) is added to the logits."""
        query, (key, value) = self._by_head(self.to_q(x)), memory
        if bias is not None:
            bias = bias.expand(-1, self.heads, -1, -1)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        projected: torch.Tensor = self.to_out[0](seen.transpose(1, 2).flatten(2))
        return projected


class GatedLinear(nn.Module):
    """GEGLU (arXiv 2002.05202)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inputs, 2 * outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, N, C) -> (B, N, C')."""
        value, gate = self.proj(x).chunk(2, dim=-1)
        gated: torch.Tensor = value * functional.gelu(gate)
        return gated


class TransformerBlock(nn.Module):
    """Attention among pixels, attention to words, and a feed-forward network."""

    def __init__(self, dim: int, context_dim: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn1 = Attention(dim, dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.attn2 = Attention(dim, context_dim, heads)
        self.norm3 = nn.LayerNorm(dim)
        layers = [GatedLinear(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim)]  # numbered as in diffusers
        self.ff = nn.ModuleDict({"net": nn.Sequential(*layers)})

    def forward(self, x: torch.Tensor, memory: Memory, bias: torch.Tensor) -> torch.Tensor:
        """(B, N, C) -> the same."""
        seen = self.norm1(x)
        x = self.attn1(seen, self.attn1.read(seen)) + x
        x = self.attn2(self.norm2(x), memory, bias) + x
        result: torch.Tensor = self.ff["net"](self.norm3(x)) + x
        return result


class Transformer(nn.Module):
    """A :class:`TransformerBlock` over the pixels of a map."""

    def __init__(self, dim: int, context_dim: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, dim, eps=1e-6)
        self.proj_in = nn.Conv2d(dim, dim, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(dim, context_dim, heads)])
        self.proj_out = nn.Conv2d(dim, dim, 1)

    def read(self, words: torch.Tensor) -> Memory:
        """Features of the words (B, T, D) -> their keys and values."""
        block = self.transformer_blocks[0]
        assert isinstance(block, TransformerBlock)
        return block.attn2.read(words)

    def forward(self, x: torch.Tensor, memory: Memory, bias: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        pixels = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).flatten(1, 2)
        pixels = self.transformer_blocks[0](pixels, memory, bias)
        result: torch.Tensor = self.proj_out(pixels.unflatten(1, x.shape[-2:]).permute(0, 3, 1, 2).contiguous()) + x
        return result


class Resample(nn.Module):
    """A convolution that halves the grid, or one after doubling the grid."""

    def __init__(self, dim: int, *, up: bool) -> None:
        super().__init__()
        self.up = up
        self.conv = nn.Conv2d(dim, dim, 3, stride=1 if up else 2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> (B, C, h', w')."""
        resized: torch.Tensor = self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest") if self.up else x)
        return resized


class Level(nn.Module):
    """The blocks of one resolution on the down path, in the middle or on the up path.

    Args:
        pairs: Input and output channels of each :class:`ResBlock`.
        time_dim: Width of the timestep's embedding.
        context_dim: Width of the words' features; 0 for a level without attention.
        heads: Number of attention heads.
        resample: Resampling: "down", "up", or "" at the last level of each path.
    """

    def __init__(
        self, pairs: Sequence[tuple[int, int]], time_dim: int, context_dim: int, heads: int, resample: str = ""
    ) -> None:
        super().__init__()
        dim = pairs[-1][1]
        self.resnets = nn.ModuleList(ResBlock(inputs, outputs, time_dim) for inputs, outputs in pairs)
        self.attentions = nn.ModuleList(Transformer(dim, context_dim, heads) for _ in pairs if context_dim)
        self.downsamplers = nn.ModuleList([Resample(dim, up=False)] if resample == "down" else [])
        self.upsamplers = nn.ModuleList([Resample(dim, up=True)] if resample == "up" else [])

    def layer(
        self, index: int, x: torch.Tensor, time: torch.Tensor, memories: Sequence[Memory], bias: torch.Tensor
    ) -> torch.Tensor:
        """Runs one block, with attention if the level has it."""
        x = self.resnets[index](x, time)
        return self.attentions[index](x, memories[index], bias) if self.attentions else x


class DownLevel(Level):
    """A level of the down path."""

    def forward(
        self, x: torch.Tensor, time: torch.Tensor, memories: Sequence[Memory], bias: torch.Tensor
    ) -> list[torch.Tensor]:
        """(B, C, h, w) -> the outputs of the blocks; the last one is the next level's input."""
        outputs = []
        for i in range(len(self.resnets)):
            x = self.layer(i, x, time, memories, bias)
            outputs.append(x)
        return [*outputs, *(down(x) for down in self.downsamplers)]


class UpLevel(Level):
    """A level of the up path."""

    def forward(
        self,
        x: torch.Tensor,
        skips: Sequence[torch.Tensor],
        time: torch.Tensor,
        memories: Sequence[Memory],
        bias: torch.Tensor,
    ) -> torch.Tensor:
        """(B, C, h, w) and one map of the down path per block, the last first -> (B, C', h', w')."""
        for i, skip in enumerate(skips):
            x = self.layer(i, torch.cat([x, skip], dim=1), time, memories, bias)
        for up in self.upsamplers:
            x = up(x)
        return x


class MiddleLevel(Level):
    """The level between both paths: attention between two blocks."""

    def __init__(self, dim: int, time_dim: int, context_dim: int, heads: int) -> None:
        super().__init__([(dim, dim)] * 2, time_dim, context_dim, heads)
        del self.attentions[1]

    def forward(
        self, x: torch.Tensor, time: torch.Tensor, memories: Sequence[Memory], bias: torch.Tensor
    ) -> torch.Tensor:
        """(B, C, h, w) -> the same."""
        result: torch.Tensor = self.resnets[1](self.layer(0, x, time, memories, bias), time)
        return result


class UNet(Recomputing):
    """Predicts a map from a map, a timestep and words.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        channels: Number of channels of each level, the finest first: multiples of the group norms' 8.
        layers: Number of blocks per level of the down path; the up path has one more.
        attentive: Number of coarsest levels with attention.
        context_dim: Width of the words' features.
        heads: Number of attention heads.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        channels: Sequence[int],
        layers: int,
        attentive: int,
        context_dim: int,
        heads: int,
    ) -> None:
        super().__init__()
        self.channels = tuple(channels)
        last, time_dim = len(channels) - 1, 4 * channels[0]
        contexts = [context_dim if i > last - attentive else 0 for i in range(len(channels))]
        self.conv_in = nn.Conv2d(inputs, channels[0], 3, padding=1)
        self.time_embedding = nn.ModuleDict(
            {"linear_1": nn.Linear(channels[0], time_dim), "linear_2": nn.Linear(time_dim, time_dim)}
        )
        self.down_blocks = nn.ModuleList()
        given = [channels[0]]  # channels of the skip connections
        for i, dim in enumerate(channels):
            pairs = [(dim if j else given[-1], dim) for j in range(layers)]
            self.down_blocks.append(DownLevel(pairs, time_dim, contexts[i], heads, "down" if i < last else ""))
            given += [dim] * (layers + (i < last))
        self.mid_block = MiddleLevel(channels[-1], time_dim, context_dim, heads)
        self.up_blocks = nn.ModuleList()
        below = channels[-1]
        for i, dim in reversed(list(enumerate(channels))):
            pairs = [((dim if j else below) + given.pop(), dim) for j in range(layers + 1)]
            self.up_blocks.append(UpLevel(pairs, time_dim, contexts[i], heads, "up" if i else ""))
            below = dim
        self.conv_norm_out = nn.GroupNorm(GROUPS, channels[0])
        self.conv_out = nn.Conv2d(channels[0], outputs, 3, padding=1)

    def _levels(self) -> list[Level]:
        """All levels in the order in which they run."""
        return cast("list[Level]", [*self.down_blocks, self.mid_block, *self.up_blocks])

    def share(self, words: torch.Tensor, mask: torch.Tensor, constant: torch.Tensor | None = None) -> Shared:
        """Computes what all steps with the same words and constant maps have in common.

        Args:
            words: Features of the words (B, T, D).
            mask: Whether a word is not padding, bool (B, T).
            constant: The last input channels if they are the same at each step, (B, C, h, w); None if all may change.
        """
        transformers = (cast(Transformer, t) for level in self._levels() for t in level.attentions)
        memories = tuple(transformer.read(words) for transformer in transformers)
        bias = ((1 - mask.to(words.dtype)) * PADDING)[:, None, None]
        if constant is None:
            return Shared(memories, bias)
        changing, fixed = torch.split(
            self.conv_in.weight, [self.conv_in.in_channels - constant.shape[1], constant.shape[1]], 1
        )
        mapped = functional.conv2d(constant, fixed, self.conv_in.bias, padding=1)
        return Shared(memories, bias, changing.contiguous(), mapped)

    def forward(self, x: torch.Tensor, timesteps: torch.Tensor, shared: Shared) -> torch.Tensor:
        """Predicts a map.

        Args:
            x: Input map without the constant channels, (B, C, h, w); all halvings must divide h and w.
            timesteps: Timesteps (B,).
            shared: Result of :meth:`share`.

        Returns:
            Predicted map (B, outputs, h, w).
        """
        waves = embed_timesteps(timesteps, self.channels[0]).to(x.dtype)
        time = self.time_embedding["linear_2"](functional.silu(self.time_embedding["linear_1"](waves)))
        time = functional.silu(time)  # as all blocks read it
        memories, bias = list(shared.memories), shared.bias

        def taken(level: Level) -> list[Memory]:
            number = len(level.attentions)
            first = memories[:number]
            del memories[:number]
            return first

        if shared.weight is None or shared.mapped is None:
            x = self.conv_in(x)
        else:
            x = functional.conv2d(x, shared.weight, padding=1) + shared.mapped
        skips = [x]
        for level in cast("Iterable[Level]", self.down_blocks):
            skips += self.run(level, skips[-1], time, taken(level), bias)
        x = self.run(self.mid_block, skips[-1], time, taken(self.mid_block), bias)
        for level in cast("Iterable[Level]", self.up_blocks):
            number = len(level.resnets)
            x = self.run(level, x, skips[: -number - 1 : -1], time, taken(level), bias)
            del skips[-number:]
        result: torch.Tensor = self.conv_out(functional.silu(self.conv_norm_out(x)))
        return result
