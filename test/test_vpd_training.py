"""VPD from a pipeline folder through training to a model that answers, is evaluated and shows its attention."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from boxes import write_boxes
from diffusion_stand_ins import TOY, write_pipeline
from PIL import Image
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mdsm_ros.checkpoints.pretrained import save_random
from mdsm_ros.commands.main import main as mdsm
from mdsm_ros.segmenter import Segmenter
from training.evaluation import evaluate
from training.train.command import main

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]

STEPS = 20
IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with datasets for training and validation and a pipeline to start from."""
    root = tmp_path_factory.mktemp("vpd")
    write_boxes(root / "train", "train", 24)
    write_boxes(root / "val", "val", 6)
    write_pipeline(root / "pipeline")
    return root


def configuration(root: Path, name: str, stage1: dict[str, Any], **model: Any) -> Path:
    """A shipped configuration at sizes that train here."""
    config = yaml.safe_load(Path(f"config/train/{name}.yaml").read_text())
    fields = {"checkpoint": str(root / "pipeline"), "sizes": TOY, "image_size": 64, "max_tokens": 24}
    fields |= {"decoder_channels": 16} | model
    config |= {"model": json.loads(json.dumps(fields)), "mixed_precision": "no", "num_workers": 0}
    config["stage1"] |= stage1
    path = root / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def train(root: Path, config: Path, out: str, *options: str) -> int:
    paths = ["--config", config, "--data", root / "train", "--val-data", root / "val", "--out", root / out]
    return main([*map(str, paths), "--device", "cpu", *options])


@pytest.fixture(scope="module")
def trained(workplace: Path) -> Path:
    stage1 = {"steps": STEPS, "images": 4, "learning_rate": 3e-3, "warmup_steps": 2}
    config = configuration(workplace, "vpd-tiny", stage1, noise_timestep=50)
    assert train(workplace, config, "run") == 0
    return workplace / "run"


def test_training_lowers_the_loss_and_leaves_the_frozen_parts_alone(trained: Path, workplace: Path) -> None:
    events = EventAccumulator(str(trained / "tensorboard/stage1"))
    events.Reload()
    losses = [event.value for event in events.Scalars("loss/loss")]
    assert losses[-1] < 0.9 * losses[0]
    model = load_file(trained / "model/model.safetensors")
    for part, file in (
        ("vae", "diffusion_pytorch_model"),
        ("text_encoder", "model"),
        ("unet", "diffusion_pytorch_model"),
    ):
        start = load_file(workplace / "pipeline" / part / f"{file}.safetensors")
        prefix = f"backbone.{part}."
        pairs = [(model[name], start[name[len(prefix) :]]) for name in model if name.startswith(prefix)]
        changed = [not torch.allclose(ours.float(), theirs, atol=1e-3) for ours, theirs in pairs]
        assert any(changed) == (part == "unet")


def test_a_resumed_training_draws_the_same_noise(trained: Path, workplace: Path) -> None:
    config = workplace / "vpd-tiny.yaml"
    assert train(workplace, config, "resumed", "--max-seconds", "1") == 0
    assert 0 < torch.load(workplace / "resumed/stage1.pt", weights_only=True)["step"] < STEPS
    assert train(workplace, config, "resumed", "--resume") == 0
    whole, resumed = (torch.load(run / "stage1.pt", weights_only=True) for run in (trained, workplace / "resumed"))
    assert whole["step"] == resumed["step"] == STEPS
    for name, value in whole["stage"].items():
        assert torch.equal(resumed["stage"][name], value), name


@pytest.mark.parametrize("acceleration", ["none", "half"])
def test_the_trained_model_answers_in_one_stage(trained: Path, acceleration: str) -> None:
    segmenter = Segmenter.from_pretrained(trained / "model", device="cpu", acceleration=acceleration)
    (answer,) = segmenter.stream(IMAGE, "bring me the red wide box")
    assert answer.stage == "initial"
    assert answer.mask.shape == (48, 64)
    assert np.array_equal(segmenter.segment(IMAGE, "bring me the red wide box").probability, answer.probability)


def test_the_command_line_segments_and_evaluates(
    trained: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(IMAGE).save(workplace / "photo.png")
    model = ["--model", str(trained / "model"), "--device", "cpu"]
    out = ["--out", str(workplace / "overlay.png"), "--json"]
    assert mdsm(["segment", str(workplace / "photo.png"), "bring me the red box", *model, *out]) == 0
    assert json.loads(capsys.readouterr().out)["stage"] == "initial"
    assert evaluate.main(["--data", str(workplace / "val"), "--split", "val", *model, "--untrained"]) == 0
    printed = capsys.readouterr().out
    assert "initial mIoU" in printed
    assert "refined mIoU" not in printed


def test_the_public_recipe_runs_two_steps(workplace: Path) -> None:
    config = configuration(workplace, "vpd-sd15", {"steps": 2, "images": 2})
    assert train(workplace, config, "recipe") == 0
    assert (workplace / "recipe/model/model.safetensors").exists()


def test_a_checkpoint_that_is_not_there_ends_the_training_with_one_line(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(
        workplace, "vpd-tiny", {"steps": 2, "warmup_steps": 0}, checkpoint=str(workplace / "nothing")
    )
    assert train(workplace, config, "nothing-run") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("mdsm-train: ")
    assert "nothing" in error


def test_random_weights_for_timing(tmp_path: Path) -> None:
    save_random("vpd-tiny", tmp_path / "random")
    answer = Segmenter.from_pretrained(tmp_path / "random", device="cpu").segment(IMAGE, "get the cup")
    assert answer.mask.shape == (48, 64)
