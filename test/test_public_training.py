"""The decoders of public models learn from labels, with tiny random checkpoints in place of the public ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from boxes import write_boxes
from safetensors.torch import load_file

from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.models.interface import TunableModel
from mdsm_ros.segmenter import Segmenter
from training.datasets.dataset import InstructionDataset
from training.train.command import main
from training.train.public.config import PublicTrainConfig, public_config, read_any_config
from training.train.public.features import cache_public_features
from training.train.public.stage import PublicStage

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("public_models", "one_thread")]
TUNABLE = ("clipseg", "grounded-sam2")
DECODER = {"clipseg": "decoder.", "grounded-sam2": "mask_decoder."}
STEPS = 8
CONFIG: dict[str, Any] = {
    "instructions_per_image": 2,
    "stage1": {"steps": STEPS, "images": 3, "learning_rate": 1e-2, "dice_weight": 1.0},
    "ema_decay": 0.0,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("public")
    write_boxes(root, "train", 4)
    return root


def train(data: Path, out: Path, name: str, *options: str) -> int:
    config = out.parent / f"{out.name}.yaml"
    config.write_text(yaml.safe_dump(CONFIG | {"public": name}))
    return main(["--config", str(config), "--data", str(data), "--out", str(out), "--device", "cpu", *options])


def loaded(name: str | Path) -> TunableModel:
    model = load_model(name)
    assert isinstance(model, TunableModel)
    return model


@torch.inference_mode()
def test_cached_features_give_the_masks_of_the_whole_model() -> None:
    images, texts = torch.rand(2, 3, 64, 96), ["take the red cup", "get the pillow"]
    clipseg = loaded("clipseg")
    square = images[..., :64]
    whole = clipseg.initial(square, clipseg.encode_text(texts))
    parts = clipseg.tuned_mask(clipseg.frozen_features(square), clipseg.frozen_text(texts), torch.zeros(2, 4))
    torch.testing.assert_close(parts.logits, whole.logits)
    torch.testing.assert_close(parts.present_logits, whole.present_logits)
    sam: Any = loaded("grounded-sam2")
    boxes = torch.tensor([[0.1, 0.2, 0.6, 0.9], [0.0, 0.0, 0.5, 0.5]])
    parts = sam.tuned_mask(sam.frozen_features(images), sam.frozen_text(texts), boxes)
    torch.testing.assert_close(parts.logits, torch.stack(sam._masks(images, [box[None] for box in boxes])))


@pytest.mark.parametrize("name", TUNABLE)
def test_only_the_decoder_learns_and_the_folder_answers(data: Path, tmp_path: Path, name: str) -> None:
    assert train(data, tmp_path / "run", name) == 0
    folder = tmp_path / "run" / "model"
    new, old = (loaded(model).tuned_network.state_dict() for model in (folder, name))
    changed = {key for key in new if not torch.equal(new[key], old[key])}
    assert changed
    assert all(key.startswith(DECODER[name]) for key in changed)
    saved = torch.load(tmp_path / "run" / "stage1.pt", weights_only=True)["stage"]
    assert sum(value.numel() for value in saved.values()) == sum(p.numel() for p in loaded(name).tuned_parameters)
    values = json.loads((folder / "config.json").read_text())
    assert values[loaded(name).tuned_field] == "network"
    assert values.get("detector", "IDEA-Research/grounding-dino-tiny") == "IDEA-Research/grounding-dino-tiny"
    network = folder / "network"
    assert (network / "model.safetensors").stat().st_mode == (network / "config.json").stat().st_mode
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    one, other = (
        Segmenter.from_pretrained(model, device="cpu").segment(image, "get the cup") for model in (folder, name)
    )
    assert not np.array_equal(one.probability, other.probability)


@pytest.mark.parametrize("name", TUNABLE)
def test_the_loss_falls(data: Path, tmp_path: Path, name: str) -> None:
    assert train(data, tmp_path / "run", name) == 0
    config = PublicTrainConfig(public=name, **{**CONFIG, "stage1": read_any_config(tmp_path / "run.yaml").stage1})
    dataset = InstructionDataset(Dataset(data), "train", config.side, cache=False)
    losses = []
    for model in (loaded(name), loaded(tmp_path / "run" / "model")):
        dataset.features = cache_public_features(model, dataset)
        with torch.inference_mode():
            losses.append(float(PublicStage(model, config)(dataset.collate(range(len(dataset))), 0)["mask"]))
    assert losses[1] < losses[0]


def test_a_resumed_training_ends_with_the_same_weights(data: Path, tmp_path: Path) -> None:
    assert train(data, tmp_path / "whole", "clipseg") == 0
    assert train(data, tmp_path / "parts", "clipseg", "--max-seconds", "0") == 0
    assert torch.load(tmp_path / "parts" / "stage1.pt", weights_only=True)["step"] == 1
    assert train(data, tmp_path / "parts", "clipseg", "--resume") == 0
    whole, parts = (load_file(tmp_path / run / "model/network/model.safetensors") for run in ("whole", "parts"))
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


def test_a_trained_model_can_be_trained_again(data: Path, tmp_path: Path) -> None:
    assert train(data, tmp_path / "first", "clipseg") == 0
    assert train(data, tmp_path / "second", str(tmp_path / "first" / "model")) == 0
    assert loaded(tmp_path / "second" / "model").config.image_size == 352


def test_a_batch_without_targets_teaches_a_mask_decoder_nothing(data: Path) -> None:
    model = loaded("grounded-sam2")
    config = PublicTrainConfig(public="grounded-sam2", **{**CONFIG, "stage1": None})  # type: ignore[arg-type]
    dataset = InstructionDataset(Dataset(data), "train", 64, cache=False)
    dataset.features = cache_public_features(model, dataset)
    absent = [i for i, instruction in enumerate(dataset.instructions) if not instruction.annotation_ids]
    assert absent
    loss = PublicStage(model, config)(dataset.collate(absent), 0)["loss"]
    loss.backward()
    assert float(loss) == 0.0
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in model.tuned_parameters)


@pytest.mark.parametrize("options", [("--val-data", "x"), ("--stage", "1"), ("--stage", "2"), ("--stage", "distill")])
def test_options_of_other_trainings_are_refused(
    data: Path, tmp_path: Path, options: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(data, tmp_path / "run", "clipseg", *options) == 2
    assert f"{' is '.join(options)}, expected none" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("name", "value"), [("evaluate_epochs", [1]), ("evaluate_steps", 5), ("stream_workers", 2)])
def test_fields_of_other_trainings_are_refused(tmp_path: Path, name: str, value: object) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"public": "clipseg", name: value}))
    with pytest.raises(ConfigError, match=rf"{name} is .*, expected none"):
        read_any_config(tmp_path / "config.yaml")


def test_models_that_cannot_be_trained(tmp_path: Path, data: Path, untrained_weights: Path) -> None:
    with pytest.raises(WeightsError, match="decoder cannot be trained here, expected clipseg, grounded-sam2"):
        public_config("sam3")
    with pytest.raises(WeightsError, match="of type mdsm, expected a public one"):
        public_config(str(untrained_weights))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"public": "clipseg", "loss_stride": 3}))
    with pytest.raises(ConfigError, match="loss_stride is 3, expected a divisor of 32"):
        read_any_config(tmp_path / "config.yaml")
