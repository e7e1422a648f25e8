"""The grounding module (arXiv 2301.05221): the pixels of a category, from the features of a UNet.

Everything happens within one sample: samples of a batch never attend to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import register_parametrization

from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.common.mask_head import make_norm
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig


def unet_channels(unet: Any, blocks: str = "all") -> list[int]:
    """The total number of channels of a UNet's blocks at each resolution, the coarsest first.

    Args:
        unet: Sizes of "unet", with ``block_out_channels`` and ``layers_per_block``.
        blocks: "all", "down" with the middle block, or "up".
    """
    widths, layers = unet["block_out_channels"], unet["layers_per_block"]
    down, up = [0] * len(widths), [0] * len(widths)
    down[0] += widths[0]  # the input convolution
    for level, width in enumerate(widths):
        down[level] += layers * width
        if level + 1 < len(widths):
            down[level + 1] += width  # downsampled
        up[level] += layers * width  # of layers + 1 blocks; the last one returns the next resolution
        up[max(level - 1, 0)] += width
    down[-1] += widths[-1]  # the middle block
    counted = {"all": [sum(both) for both in zip(down, up, strict=True)], "down": down, "up": up}
    return counted[blocks][::-1]


def by_resolution(blocks: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Concatenates features (B, C_i, h_i, w_i) of equal size along the channels, the coarsest first."""
    groups: dict[int, list[torch.Tensor]] = {}
    for block in blocks:
        groups.setdefault(block.shape[-1], []).append(block)
    return [torch.cat(groups[side], dim=1) for side in sorted(groups)]


PUBLISHED_EPS = 1e-4  # of normalisations and of the spectral norm in the public code


class PublishedSpectralNorm(nn.Module):
    """Divides a weight by its largest singular value, estimated as the public code does (that of BigGAN).

    The estimate takes one power iteration from the stored vector in every pass. Training stores the new vector;
    evaluation does not. Torch's ``spectral_norm`` takes no iteration in evaluation, so its estimate differs.

    Args:
        out_channels: Number of rows of the weight.
    """

    u: torch.Tensor

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.register_buffer("u", torch.randn(1, out_channels))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """(C_out, C_in, 3, 3) -> the same shape, with a largest singular value of 1 as (C_out, 9 C_in) matrix."""
        matrix = weight.flatten(1)
        with torch.no_grad():
            v = functional.normalize(self.u @ matrix, eps=PUBLISHED_EPS)
            u = functional.normalize(v @ matrix.T, eps=PUBLISHED_EPS)
            if self.training:
                self.u.copy_(u)
        return weight / (v @ matrix.T @ u.T).squeeze()


class ResidualBlock(nn.Module):
    """Twice normalisation, ReLU and a spectrally normalised 3x3 convolution, added to the input."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            convolution = nn.Conv2d(channels, channels, 3, padding=1)
            layers += [make_norm(norm, channels), nn.ReLU(), spectral_norm(convolution)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        result: torch.Tensor = x + self.layers(x)
        return result


class PublishedBlock(nn.Module):
    """The residual block of the public code, whose shortcut starts after the first normalisation and ReLU.

    There the ReLU works in place on the normalised input, and that tensor is added at the end.
    """

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        self.norms = nn.ModuleList([_plain_norm(norm, channels) for _ in range(2)])
        self.convolutions = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)])
        for convolution in self.convolutions:
            register_parametrization(convolution, "weight", PublishedSpectralNorm(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        shortcut = functional.relu(self.norms[0](x))
        x = functional.relu(self.norms[1](self.convolutions[0](shortcut)))
        result: torch.Tensor = shortcut + self.convolutions[1](x)
        return result


def _plain_norm(kind: str, channels: int) -> nn.Module:
    """A normalisation without scale and shift."""
    if kind == "batch":
        return nn.BatchNorm2d(channels, eps=PUBLISHED_EPS, affine=False)
    return nn.GroupNorm(8, channels, eps=PUBLISHED_EPS, affine=False)


class VisualEncoder(nn.Module):
    """Merges the UNet's resolutions into one map at the latent's resolution, from the coarsest to the finest.

    Args:
        channels: Channels of each resolution, the coarsest first.
        widths: Channels to which they are reduced.
        norm: Normalisation, "batch" or "group".
        published: Whether to build the blocks of the public code.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int], norm: str, *, published: bool = False) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(
            [nn.Conv2d(c, width, 1, bias=not published) for c, width in zip(channels, widths, strict=True)]
        )
        block = PublishedBlock if published else ResidualBlock
        self.mix = nn.ModuleList([block(total, norm) for total in list(accumulate(widths))[1:]])

    def forward(self, groups: Sequence[torch.Tensor]) -> torch.Tensor:
        """Features of each resolution, the coarsest first -> (B, sum of widths, h, w) at the last one's size."""
        finest = groups[-1].shape[-1]
        x = groups[0].new_empty(0)
        for i, (reduce, group) in enumerate(zip(self.reduce, groups, strict=True)):
            side = min(2 * group.shape[-1], finest)
            # reducing before resizing gives the same numbers, as both are linear, for a quarter of the work
            reduced = _resized(reduce(group), side)
            x = reduced if i == 0 else self.mix[i - 1](torch.cat([_resized(x, side), reduced], dim=1))
        return x


def _resized(x: torch.Tensor, side: int) -> torch.Tensor:
    return functional.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)


class DecoderLayer(nn.TransformerDecoderLayer):
    """Torch's pre-norm layer without dropout, with attention that has no biases."""

    def __init__(self, dim: int, heads: int, feedforward: int) -> None:
        super().__init__(dim, heads, feedforward, dropout=0.0, batch_first=True, norm_first=True)
        self.self_attn = nn.MultiheadAttention(dim, heads, bias=False, batch_first=True)
        self.multihead_attn = nn.MultiheadAttention(dim, heads, bias=False, batch_first=True)


class GroundingModule(nn.Module):
    """Computes mask logits from features of the UNet and a query.

    Args:
        config: Configuration of the model.
    """

    def __init__(self, config: GroundedDiffusionConfig) -> None:
        super().__init__()
        dim = config.grounding_dim
        channels = [
            2 * total for total in unet_channels(config.sizes["unet"], config.feature_blocks)
        ]  # with and without the text
        width = sum(config.grounding_channels)
        self.patch = config.grounding_patch
        published = config.grounding_as_published
        self.visual = VisualEncoder(channels, config.grounding_channels, config.grounding_norm, published=published)
        self.query = nn.Linear(config.sizes["text_encoder"]["hidden_size"], dim, bias=not published)
        self.memory = nn.Linear(self.patch**2 * width, dim, bias=not published)
        layer = DecoderLayer(dim, config.grounding_num_heads, config.grounding_feedforward)
        last = None if published else nn.LayerNorm(dim)
        self.decoder = nn.TransformerDecoder(layer, config.grounding_num_layers, last)
        self.kernel = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, width)
        )

    def forward(
        self, groups: Sequence[torch.Tensor], queries: torch.Tensor, words: TextFeatures | None = None
    ) -> torch.Tensor:
        """Mask logits at the latent's resolution.

        The published code upsamples the map to the image before the dot product; logits upsampled afterwards are the
        same.

        Args:
            groups: Features (B, C_i, h_i, w_i) of each resolution, the coarsest first, see :func:`by_resolution`.
            queries: Features of the category's words from the text encoder, (B, D).
            words: Features of the whole sentence's tokens, to which the query attends, with the image's patches; None
                for the category alone.

        Returns:
            Logits (B, 1, h, w).
        """
        pixels = self.visual(groups)  # (B, C, h, w)
        patches = functional.unfold(pixels, self.patch, stride=self.patch)  # (B, patch^2 C, number)
        memory = self.memory(patches.transpose(1, 2))
        query, padding = self.query(queries).unsqueeze(1), None  # (B, 1, dim)
        if words is not None:
            query = torch.cat([query, self.query(words.tokens)], dim=1)  # (B, 1 + T, dim)
            padding = functional.pad(~words.mask, (1, 0))
        kernel = self.kernel(self.decoder(query, memory, tgt_key_padding_mask=padding)[:, :1])  # (B, 1, C)
        return torch.einsum("bqc,bchw->bqhw", kernel, pixels)
