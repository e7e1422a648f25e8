"""Swin (arXiv 2103.14030), one stage at a time, with the names of timm's SwinTransformer.

Its blocks pad their grid to whole windows before they shift it, as LAVT's Swin does. timm shifts first, so its
attention mask misses the seam if padding is needed: at 480 pixels with windows of 12, in the last two stages. Without
padding both are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.models.layers.recompute import Recomputing

PATCH = 4  # pixels on a side
MASKED = -100.0  # added to the logits of positions that are not neighbours in the image
INIT_DEVIATION = 0.02


def to_windows(x: torch.Tensor, side: int) -> torch.Tensor:
    """(B, H, W, C) -> (B * windows, side * side, C)."""
    x = torch.unflatten(torch.unflatten(x, 2, (-1, side)), 1, (-1, side))  # (B, rows, side, columns, side, C)
    return x.transpose(2, 3).reshape(-1, side * side, x.shape[-1])


def from_windows(windows: torch.Tensor, side: int, height: int, width: int) -> torch.Tensor:
    """The inverse: (B * windows, side * side, C) -> (B, height, width, C)."""
    x = windows.view(-1, height // side, width // side, side, side, windows.shape[-1])
    return x.transpose(2, 3).reshape(-1, height, width, windows.shape[-1])


def relative_positions(side: int) -> torch.Tensor:
    """The row of the bias table for each pair of positions in a window, (side^2, side^2)."""
    places = torch.cartesian_prod(torch.arange(side), torch.arange(side))
    offsets = places[:, None] - places[None] + (side - 1)  # from 0 to 2 side - 2
    return offsets[..., 0] * (2 * side - 1) + offsets[..., 1]


def shift_mask(grid: int, side: int, shift: int) -> torch.Tensor:
    """The attention mask (windows, side^2, side^2), below 0 for pairs that only shifting made neighbours.

    Args:
        grid: Side of the grid, a multiple of the window's.
        side: Side of a window.
        shift: Number of pixels by which the grid was shifted.
    """
    zone = torch.zeros(grid)
    zone[grid - side : grid - shift], zone[grid - shift :] = 1.0, 2.0
    zones = to_windows((3 * zone[:, None] + zone[None])[None, :, :, None], side).squeeze(2)
    return torch.where(zones[:, None] == zones[:, :, None], 0.0, MASKED)


class WindowAttention(nn.Module):
    """Attention within windows, with a bias for each relative position."""

    relative_position_index: torch.Tensor

    def __init__(self, dim: int, heads: int, side: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * side - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=INIT_DEVIATION)
        self.register_buffer("relative_position_index", relative_positions(side), persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(B * windows, N, C) -> the same; ``mask`` is (windows, N, N), added to the logits."""
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        logits = (query * self.scale) @ key.transpose(-2, -1)
        logits = logits + self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        if mask is not None:
            logits = (logits.unflatten(0, (-1, len(mask))) + mask[:, None]).flatten(0, 1)
        seen = logits.softmax(dim=-1) @ value
        projected: torch.Tensor = self.proj(seen.transpose(1, 2).flatten(2))
        return projected


class DropPath(nn.Module):
    """Stochastic depth (arXiv 1603.09382): drops a branch for some samples of a training batch."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.keep = 1.0 - rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, ...) -> the same."""
        if self.keep == 1.0 or not self.training:
            return x
        kept = x.new_empty(len(x), *(1 for _ in x.shape[1:])).bernoulli_(self.keep)
        return x * kept.div_(self.keep)


class Block(nn.Module):
    """Attention in windows, shifted or not, and a feed-forward network.

    Args:
        dim: Number of channels.
        heads: Number of attention heads.
        grid: Side of the grid.
        window: Side of a window; a smaller grid is one window and not shifted.
        shifted: Whether windows are shifted by half their side.
        drop_path: Probability that a branch is dropped in training.
    """

    attn_mask: torch.Tensor | None

    def __init__(self, dim: int, heads: int, grid: int, window: int, shifted: bool, drop_path: float) -> None:
        super().__init__()
        self.side = min(grid, window)
        self.shift = window // 2 if shifted and grid > window else 0
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, heads, self.side)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(dim, 4 * dim), "fc2": nn.Linear(4 * dim, dim)})
        self.drop_path = DropPath(drop_path)
        padded = math.ceil(grid / self.side) * self.side
        mask = shift_mask(padded, self.side, self.shift) if self.shift else None
        self.register_buffer("attn_mask", mask, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C) -> the same."""
        x = x + self.drop_path(self._attend(self.norm1(x)))
        hidden = functional.gelu(self.mlp["fc1"](self.norm2(x)))
        result: torch.Tensor = x + self.drop_path(self.mlp["fc2"](hidden))
        return result

    def _attend(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[1:3]
        x = functional.pad(x, (0, 0, 0, -width % self.side, 0, -height % self.side))
        padded = x.shape[1:3]
        if self.shift:
            x = x.roll((-self.shift, -self.shift), dims=(1, 2))
        x = from_windows(self.attn(to_windows(x, self.side), self.attn_mask), self.side, *padded)
        if self.shift:
            x = x.roll((self.shift, self.shift), dims=(1, 2))
        return x[:, :height, :width]


class PatchMerging(nn.Module):
    """Halves the grid and doubles the channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C) -> (B, h/2, w/2, 2C)."""
        x = functional.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        x = torch.unflatten(torch.unflatten(x, 2, (-1, 2)), 1, (-1, 2)).permute(0, 1, 3, 4, 2, 5).flatten(3)
        reduced: torch.Tensor = self.reduction(self.norm(x))
        return reduced


class Stage(Recomputing):
    """The blocks of one resolution, after a downsampling of the previous stage's grid."""

    def __init__(
        self, dim: int, heads: int, grid: int, window: int, drop_paths: Sequence[float], *, downsample: bool
    ) -> None:
        super().__init__()
        self.downsample = PatchMerging(dim // 2) if downsample else nn.Identity()
        self.blocks = nn.ModuleList(
            Block(dim, heads, grid, window, bool(i % 2), drop_path) for i, drop_path in enumerate(drop_paths)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C) of the previous stage -> (B, h', w', C')."""
        x = self.downsample(x)
        for block in self.blocks:
            x = self.run(block, x)
        return x


class PatchEmbed(nn.Module):
    """Projects patches of pixels to the first stage's channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(dim)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, H/4, W/4, C)."""
        patches: torch.Tensor = self.norm(self.proj(images).permute(0, 2, 3, 1))
        return patches


class Swin(nn.Module):
    """The four stages.

    Args:
        image_size: Side of the images in pixels.
        dim: Channels of the first stage; each further one doubles them.
        depths: Number of blocks of each stage.
        heads: Number of attention heads of each stage.
        window: Side of the windows.
        drop_path: Rate of :class:`DropPath` in the last block; it grows linearly from 0.
        first: First stage that exists; 0 includes the patches before it. Missing stages have no parameters.
    """

    def __init__(
        self,
        image_size: int,
        dim: int,
        depths: Sequence[int],
        heads: Sequence[int],
        window: int,
        drop_path: float,
        first: int = 0,
    ) -> None:
        super().__init__()
        last = max(1, sum(depths) - 1)
        before = [sum(depths[:i]) for i in range(len(depths))]
        rates = [[drop_path * (n + i) / last for i in range(depth)] for n, depth in zip(before, depths, strict=True)]
        self.patch_embed = PatchEmbed(dim) if first == 0 else nn.Identity()
        self.layers = nn.ModuleList(
            Stage(dim << i, heads[i], image_size // (PATCH << i), window, rates[i], downsample=i > 0)
            if i >= first
            else nn.Identity()
            for i in range(len(depths))
        )
        self.apply(_initialize)


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=INIT_DEVIATION)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
