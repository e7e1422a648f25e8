"""A standard semantic segmentation model: EfficientNet-Lite0 below a head of torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.lraspp import LRASPPHead

from mdsm_ros.checkpoints.encoder_checkpoints import load_semantic
from mdsm_ros.errors import WeightsError
from mdsm_ros.models.common.normalize import IMAGENET_MEAN, IMAGENET_STD, Normalize
from mdsm_ros.models.layers.efficientnet import EfficientNetLite0
from training.drawn.semantic.config import SemanticConfig

LEVELS = {"lraspp": (2, 4), "deeplabv3": (3,)}  # of EfficientNet's five maps: strides 8 and 32, stride 16
INNER_CHANNELS = 128  # torchvision's for LR-ASPP


class Encoder(nn.Module):
    """The maps of an EfficientNet that a head needs; its batch norms keep the statistics of the pre-training.

    Args:
        config: Configuration of the model.
    """

    def __init__(self, config: SemanticConfig) -> None:
        super().__init__()
        self.levels = LEVELS[config.head]
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.network = EfficientNetLite0()
        self.network.requires_grad_(not config.freeze_encoder)
        self.dims = [self.network.dims[level] for level in self.levels]

    def train(self, mode: bool = True) -> Encoder:
        """Switches to training mode, without batch statistics."""
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(N, 3, S, S) in [0, 1] -> (N, C_i, S/s_i, S/s_i) for each level, the finest first."""
        found = self.network(self.normalize(images))
        return tuple(found[level] for level in self.levels)


class SemanticModel(nn.Module):
    """Logits of each category, and of the background as number 0, for every pixel.

    Args:
        config: Configuration of the model.
        classes: Number of categories with the background.

    Raises:
        WeightsError: The checkpoint of the EfficientNet cannot be loaded.
    """

    def __init__(self, config: SemanticConfig, classes: int) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        if config.checkpoint is not None:
            try:
                load_semantic(self.encoder.network, config.checkpoint)
            except (OSError, RuntimeError, ValueError) as error:
                raise WeightsError(f"checkpoint {config.checkpoint!r} cannot be loaded: {error}") from error
        dims = self.encoder.dims
        self.head: nn.Module = (
            LRASPPHead(dims[0], dims[1], classes, INNER_CHANNELS)
            if config.head == "lraspp"
            else DeepLabHead(dims[0], classes)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, 3, S, S) in [0, 1] -> logits (N, classes, h, w) at the stride of the finest level."""
        return self.of_maps(self.encoder(images))

    def of_maps(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Logits (N, classes, h, w) from the encoder's maps, (N, C_i, h_i, w_i) each."""
        if isinstance(self.head, LRASPPHead):
            return cast(torch.Tensor, self.head({"low": maps[0], "high": maps[1]}))
        return cast(torch.Tensor, self.head(maps[0]))


def resized(logits: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Logits (N, C, h, w) on another grid, (N, C, height, width)."""
    return functional.interpolate(logits.float(), size=(height, width), mode="bilinear", align_corners=False)
