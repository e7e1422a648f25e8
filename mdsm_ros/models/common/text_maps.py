"""Maps of the agreement between the words of an instruction and the features of an ImageNet-trained network.

The network has learned a direction for each of ImageNet's classes. A linear map sends words to such directions, even
words that name no class (DeViSE, Frome et al. 2013). It is initialised by
:func:`mdsm_ros.checkpoints.encoder_checkpoints.align_words`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.models.common.language import TextFeatures

FEATURES = 1280  # channels of EfficientNet-Lite0's last convolution
PADDING_SCORE = -1e4
SCALE = 10.0  # scale of cosines


class TextMaps(nn.Module):
    """Several maps of cosines between positions and words, each with learned attention to the words.

    Args:
        language_dim: Width of the language features.
        channels: Width of the coarsest map of the semantic branch.
        number: Number of maps.
    """

    def __init__(self, language_dim: int, channels: int, number: int) -> None:
        super().__init__()
        self.number = number
        self.last = nn.Conv2d(channels, FEATURES, kernel_size=1)
        self.choose = nn.Linear(language_dim, number)
        self.project = nn.Linear(language_dim, FEATURES)

    def features(self, coarsest: torch.Tensor) -> torch.Tensor:
        """Coarsest map (N, C, h, w) -> unit features (N, 1280, h, w), which do not depend on the language."""
        return functional.normalize(functional.relu6(self.last(coarsest)).float(), dim=1)

    def directions(self, text: TextFeatures) -> torch.Tensor:
        """Language features -> scaled directions (B, number, 1280), which do not depend on the image."""
        scores = self.choose(text.tokens) + (~text.mask).unsqueeze(2) * PADDING_SCORE
        words = scores.softmax(dim=1).transpose(1, 2).to(text.tokens.dtype) @ text.tokens  # (B, number, D)
        return SCALE * functional.normalize(self.project(words).float(), dim=2)

    def forward(self, features: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        """Unit features (B, 1280, h, w) and directions (B, number, 1280) -> (B, number, h, w)."""
        scores = directions.to(features.dtype) @ features.flatten(2)
        return torch.unflatten(scores, 2, features.shape[2:])

    def beside(
        self, levels: Sequence[torch.Tensor], features: torch.Tensor, directions: torch.Tensor
    ) -> list[torch.Tensor]:
        """Appends the maps to the channels of every level (B, C_i, h_i, w_i)."""
        maps = self(features, directions)
        sizes = [level.shape[-2:] for level in levels]
        resized = [functional.interpolate(maps, size=size, mode="bilinear", align_corners=False) for size in sizes]
        return [torch.cat([level, x.to(level.dtype)], dim=1) for level, x in zip(levels, resized, strict=True)]
