"""EfficientNet-Lite0's feature maps (Tan and Le 2019), with the names of timm's tf_efficientnet_lite0."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-3  # epsilon of the batch norms
STEM = 32  # channels
STAGES = (  # kernel size, stride, expansion, channels, blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
LEVELS = (0, 1, 2, 4, 6)  # the last stage at each stride


class SameConv(nn.Conv2d):
    """A convolution without bias, padded as in TensorFlow: uneven padding is larger below and on the right."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        nn.init.normal_(self.weight, std=math.sqrt(2.0 / (kernel * kernel * outputs // groups)))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride))."""
        if self.groups > 1 and input.requires_grad and torch.is_autocast_enabled("cpu"):
            # In bfloat16, PyTorch's backward pass of a depthwise convolution takes six times as long on a CPU.
            with torch.autocast("cpu", enabled=False):
                return self._convolve(input.float().contiguous(memory_format=torch.channels_last))
        return self._convolve(input)

    def _convolve(self, input: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return functional.conv2d(input, self.weight, padding=kernel // 2, groups=self.groups)
        tall, wide = (max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in input.shape[-2:])
        padded = functional.pad(input, (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2))
        return functional.conv2d(padded, self.weight, stride=stride, groups=self.groups)


def norm(channels: int) -> nn.BatchNorm2d:
    """A batch norm."""
    return nn.BatchNorm2d(channels, eps=EPSILON)


class Separable(nn.Module):
    """A depthwise convolution and a pointwise one."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = SameConv(inputs, inputs, kernel, stride, groups=inputs)
        self.bn1 = norm(inputs)
        self.conv_pw = SameConv(inputs, outputs, 1)
        self.bn2 = norm(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, C', H', W')."""
        y: torch.Tensor = self.bn2(self.conv_pw(functional.relu6(self.bn1(self.conv_dw(x)))))
        return y


class InvertedResidual(nn.Module):
    """Expands, convolves depthwise, and projects; adds the input if the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.conv_pw = SameConv(inputs, width, 1)
        self.bn1 = norm(width)
        self.conv_dw = SameConv(width, width, kernel, stride, groups=width)
        self.bn2 = norm(width)
        self.conv_pwl = SameConv(width, outputs, 1)
        self.bn3 = norm(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) -> (B, C', H', W')."""
        y = functional.relu6(self.bn1(self.conv_pw(x)))
        y = functional.relu6(self.bn2(self.conv_dw(y)))
        y = self.bn3(self.conv_pwl(y))
        result: torch.Tensor = y + x if self.residual else y
        return result


class EfficientNetLite0(nn.Module):
    """Computes five feature maps of normalised pixels.

    Args:
        frozen_stages: The first stages, with the stem, that are never trained; 0 trains all.

    Attributes:
        dims: Channels of the maps, the finest first.
    """

    dims = tuple(STAGES[level][3] for level in LEVELS)

    def __init__(self, frozen_stages: int = 0) -> None:
        super().__init__()
        self.conv_stem = SameConv(3, STEM, 3, stride=2)
        self.bn1 = norm(STEM)
        inputs = STEM
        stages: list[nn.Module] = []
        for kernel, stride, expansion, outputs, number in STAGES:
            blocks: list[nn.Module] = []
            for i in range(number):
                step = stride if i == 0 else 1
                blocks.append(
                    Separable(inputs, outputs, kernel, step)
                    if expansion == 1
                    else InvertedResidual(inputs, outputs, kernel, step, expansion)
                )
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        if frozen_stages:
            nn.ModuleList([self.conv_stem, self.bn1, *self.blocks[:frozen_stages]]).requires_grad_(False)

    def forward(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """(B, 3, H, W) -> (B, C_i, H/s_i, W/s_i) at strides 2, 4, 8, 16 and 32."""
        x = functional.relu6(self.bn1(self.conv_stem(pixels)))
        maps = []
        for i, stage in enumerate(self.blocks):
            x = stage(x)
            if i in LEVELS:
                maps.append(x)
        return maps
