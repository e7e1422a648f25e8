"""A replacement of CLIP: an ImageNet-trained EfficientNet, small enough for a CPU."""

from __future__ import annotations

import torch
from torch import nn

from mdsm_ros.models.common.normalize import IMAGENET_MEAN, IMAGENET_STD, Normalize
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.layers.efficientnet import EfficientNetLite0

FIRST = 1  # channels of its map at stride 4


class EfficientNetPyramid(nn.Module):
    """The semantic branch as an EfficientNet, with a separate map for each of the four stages.

    Its batch norms keep the statistics of the pre-training even in fine-tuning, because batches are small.

    Attributes:
        dims: Channels of the map for each of the four stages.
    """

    def __init__(self, config: MDSMConfig) -> None:
        super().__init__()
        self.normalize = Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self.frozen = config.freeze_efficientnet
        self.network = EfficientNetLite0(0 if self.frozen else config.efficientnet_frozen_stages)
        self.dims: tuple[int, ...] = self.network.dims[FIRST:]
        if self.frozen:
            self.network.requires_grad_(False)

    def train(self, mode: bool = True) -> EfficientNetPyramid:
        """Switches to training mode, without batch statistics."""
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, 3, H, W) in [0, 1] -> (B, C_i, H/s_i, W/s_i) at strides 4, 8, 16 and 32."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            normal = self.normalize(images).contiguous(memory_format=torch.channels_last)
            return tuple(self.network(normal)[FIRST:])
