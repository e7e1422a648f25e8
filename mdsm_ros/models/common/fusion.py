"""Pixel-word attention (PWAM) and the language gate, from the formulas of LAVT (arXiv 2112.02244, section 3)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.models.common.language import TextFeatures, Words

PADDING_SCORE = -1e4  # additive attention score of padding, as in LAVT; its exp() is 0 in half precision, too


class PWAM(nn.Module):
    """Every pixel attends to the words that concern it: pixels are queries, tokens are keys and values.

    The attention is pixel x token, never pixel x pixel, so its cost is linear in the number of pixels.
    """

    def __init__(self, dim: int, language_dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(language_dim, dim)
        self.value = nn.Linear(language_dim, dim)
        self.language_out = nn.Linear(dim, dim)
        self.visual = nn.Sequential(nn.Linear(dim, dim), nn.GELU())
        self.out = nn.Sequential(nn.Linear(dim, dim), nn.GELU())
        self.norm = nn.InstanceNorm1d(dim)

    def _instance_norm(self, x: torch.Tensor) -> torch.Tensor:
        normed: torch.Tensor = self.norm(x.transpose(1, 2)).transpose(1, 2)  # normalises each channel over the pixels
        return normed

    def read(self, text: TextFeatures) -> Words:
        """The part of the attention that depends on the instructions alone.

        The output projection is linear, so it is applied to T values instead of to h*w weighted sums of them.
        """
        key, value = self.key(text.tokens), self.value(text.tokens)  # (B, T, C)
        kept = text.mask.unsqueeze(-1).to(key.dtype)
        key = (key * (kept * key.shape[-1] ** -0.5)).transpose(1, 2)
        value = functional.linear(value * kept, self.language_out.weight)
        return Words(key, value, (~text.mask).unsqueeze(1).to(key.dtype) * PADDING_SCORE)

    def attention(self, visual: torch.Tensor, words: Words) -> torch.Tensor:
        """(B, h, w, C) and the tokens -> how much each pixel looks at each token, (B, h*w, T)."""
        query = self._instance_norm(self.query(visual.flatten(1, 2)))  # (B, h*w, C)
        weights: torch.Tensor = torch.baddbmm(words.padding, query, words.key).softmax(dim=-1)
        return weights

    def forward(self, visual: torch.Tensor, words: Words) -> torch.Tensor:
        """(B, h, w, C) and the tokens -> fused features (B, h, w, C)."""
        pixels = visual.flatten(1, 2)  # (B, h*w, C)
        gathered = torch.baddbmm(self.language_out.bias, self.attention(visual, words), words.value)
        fused: torch.Tensor = self.out(self.visual(pixels) * self._instance_norm(gathered)).view_as(visual)
        return fused


class LanguageGate(nn.Module):
    """The gate of the fused features that enter the next Swin stage: tanh(W2 relu(W1 F)) * F."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(dim, dim, bias=False), nn.ReLU(), nn.Linear(dim, dim, bias=False), nn.Tanh()
        )

    def forward(self, fused: torch.Tensor) -> torch.Tensor:
        """(..., C) -> (..., C)."""
        gated: torch.Tensor = self.gate(fused) * fused
        return gated
