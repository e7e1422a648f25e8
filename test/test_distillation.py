"""Distillation: the refiner learns to give in one step what it gave in several."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from boxes import CONFIG, write_boxes

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import ConfigError
from mdsm_ros.hub.folder import read_weights
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.mdsm.network import MDSM
from training.datasets.dataset import InstructionDataset
from training.train.config import TrainConfig, read_config
from training.train.options import RunOptions
from training.train.run import build_model, run_training
from training.train.stages import Distillation, initial_mask

pytestmark = pytest.mark.training
DISTILL = {"steps": 6, "images": 4, "learning_rate": 1e-3, "dice_weight": 1.0}
SHORT = {"steps": 2, "images": 4, "learning_rate": 3e-3}


def config_of(folder: Path, **changes: Any) -> TrainConfig:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG | {"stage1": SHORT, "stage2": SHORT, "distill": DISTILL} | changes))
    return read_config(path)


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("distillation") / "data"
    write_boxes(root, "train", 6)
    return root


def test_the_student_learns_the_end_of_the_teachers_path(boxes: Path, tmp_path: Path) -> None:
    config = config_of(tmp_path, teacher_steps=3)
    data = InstructionDataset(Dataset(boxes), "train", config.model_config().image_size, cache=True)
    model: HubModel = build_model(config, tmp_path, data)
    assert isinstance(model, MDSM)
    assert config.distill is not None
    stage = Distillation(model, config, config.distill).train()
    batch = data.collate(list(range(4)))
    points, noise = stage._draw(batch.positions, 0)
    assert set(points) <= {0, 1, 2, 3}
    path, target = stage._path(initial_mask(model, batch), noise)
    assert [timestep for timestep, _ in path] == [499, 599, 399, 199]  # one step alone, then the teacher's three
    assert not torch.equal(path[0][1], path[1][1])
    with torch.no_grad():
        model.refiner.unet.conv_out.bias.add_(1.0)  # type: ignore[union-attr]
        again = stage._path(initial_mask(model, batch), noise)[1]
    torch.testing.assert_close(again, target)  # the teacher is not the student
    trained = [name for name, parameter in stage.named_parameters() if parameter.requires_grad]
    assert trained
    assert all(name.startswith("model.refiner.") for name in trained)
    optimizer = torch.optim.Adam([p for p in stage.parameters() if p.requires_grad], lr=3e-3)
    losses = []
    for _ in range(12):
        loss = stage(batch, 0)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def test_a_run_distils_after_stage_two_and_resumes(boxes: Path, tmp_path: Path) -> None:
    config, out = config_of(tmp_path), tmp_path / "run"
    assert run_training(config, str(boxes), RunOptions(out, device="cpu"))
    assert {path.name for path in out.glob("*.pt")} == {"stage1.pt", "stage2.pt", "distill.pt"}
    assert json.loads((out / "model" / "config.json").read_text())["num_inference_steps"] == 1
    before = read_weights(out / "model")
    assert run_training(config, str(boxes), RunOptions(out, device="cpu", resume=True))
    torch.testing.assert_close(read_weights(out / "model"), before, rtol=0, atol=0)
    alone = config_of(tmp_path, start_from=str(out / "model"), model=CONFIG["model"] | {"present_threshold": 0.3})
    again = tmp_path / "again"
    assert run_training(alone, str(boxes), RunOptions(again, device="cpu", stage="distill"))
    after = read_weights(again / "model")
    changed = {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"refiner"}
    assert json.loads((again / "model/config.json").read_text())["present_threshold"] == 0.3
    refined = tmp_path / "refined"
    assert run_training(alone, str(boxes), RunOptions(refined, device="cpu", stage="2"))
    assert {path.name for path in refined.glob("*.pt")} == {"stage2.pt"}
    after = read_weights(refined / "model")
    assert {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])} == {"refiner"}
    with pytest.raises(ConfigError, match="stage 2 needs stage2 and start_from"):
        run_training(config, str(boxes), RunOptions(again, device="cpu", stage="2"))
    with pytest.raises(ConfigError, match="distill needs distill and start_from"):
        run_training(config, str(boxes), RunOptions(again, device="cpu", stage="distill"))


def test_distillation_needs_a_refiner_and_steps(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with pytest.raises(ConfigError, match="distill is given without stage2"):
        replace(config, stage2=None)
    with pytest.raises(ConfigError, match="teacher_steps is 1, expected 2 to 100"):
        replace(config, teacher_steps=1)
