"""EfficientNet-Lite0 (Tan and Le 2019, without squeeze-and-excitation), by timm, and the public weights' names."""

from __future__ import annotations

import re
from collections.abc import Mapping

import timm
import torch
from torch import nn

NAME = "tf_efficientnet_lite0"
MEAN = (0.485, 0.456, 0.406)  # statistics of ImageNet's images in [0, 1]
STD = (0.229, 0.224, 0.225)
STRIDES = (2, 4, 8, 16, 32)
"""The channels of the feature maps of ``efficientnet_lite0(features_only=True)``, the finest first."""

_BLOCK = re.compile(r"_blocks\.(\d+)\.(\w+?)\.(.+)")
_OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_INVERTED = {  # an inverted residual block
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_STAGES = (1, 2, 2, 3, 3, 4, 1)  # blocks of each stage


def efficientnet_lite0(*, features_only: bool = False) -> nn.Module:
    """The network with random weights.

    Args:
        features_only: Whether the network returns the five feature maps instead of ImageNet's 1,000 classes.
    """
    model: nn.Module = timm.create_model(NAME, pretrained=False, features_only=features_only)
    return model


def from_public(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Renames the weights of ``efficientnet_lite_pytorch`` to timm's names.

    Args:
        state: Weights by that package's names ("_blocks.3._expand_conv.weight").

    Raises:
        KeyError: A name does not belong to EfficientNet-Lite0.
    """
    places = [(stage, index) for stage, blocks in enumerate(_STAGES) for index in range(blocks)]
    inverted = {int(match[1]) for match in map(_BLOCK.match, state) if match and match[2] == "_expand_conv"}
    renamed = {}
    for name, value in state.items():
        match = _BLOCK.match(name)
        if match:
            number = int(match[1])
            if number >= len(places):
                raise KeyError(name)
            layer = (_INVERTED if number in inverted else _SEPARABLE)[match[2]]
            stage, index = places[number]
            renamed[f"blocks.{stage}.{index}.{layer}.{match[3]}"] = value
        else:
            module, _, rest = name.partition(".")
            renamed[f"{_OUTSIDE[module]}.{rest}"] = value
    return renamed
