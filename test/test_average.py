"""The average of two models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mdsm_ros.segmenter import Segmenter
from training.average import average, main


@pytest.fixture
def trained_on(untrained_weights: Path, tmp_path: Path) -> Path:
    """A second model with other numbers."""
    folder = tmp_path / "second"
    shutil.copytree(untrained_weights, folder)
    weights = load_file(folder / "model.safetensors")
    changed = {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_an_average_lies_between_its_models(untrained_weights: Path, trained_on: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([str(untrained_weights), str(trained_on), "--share", "0.25", "--out", str(out)]) == 0
    first, mixed = (load_file(folder / "model.safetensors") for folder in (untrained_weights, out))
    for name, tensor in first.items():
        torch.testing.assert_close(
            mixed[name], tensor + 0.25 if tensor.is_floating_point() else tensor, rtol=0, atol=1e-3
        )
    assert Segmenter.from_pretrained(out, device="cpu").defaults.num_inference_steps > 0
    assert (out / "model.safetensors").stat().st_mode == (out / "config.json").stat().st_mode


def test_the_ends_are_the_models_themselves(untrained_weights: Path, trained_on: Path, tmp_path: Path) -> None:
    for share, folder in ((0.0, untrained_weights), (1.0, trained_on)):
        average(untrained_weights, trained_on, tmp_path / f"{share}", share)
        expected, found = (load_file(each / "model.safetensors") for each in (folder, tmp_path / f"{share}"))
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)


def test_parts_can_have_shares_of_their_own(untrained_weights: Path, trained_on: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    parts = ["--part", "intermediate.pwam=0", "--part", "intermediate=0.5"]
    assert main([str(untrained_weights), str(trained_on), "--share", "1", *parts, "--out", str(out)]) == 0
    first, mixed = (load_file(folder / "model.safetensors") for folder in (untrained_weights, out))
    added = {"intermediate.pwam": 0.0, "intermediate.head": 0.5, "refiner": 1.0}
    for part, share in added.items():
        name = next(name for name in first if name.startswith(part) and first[name].is_floating_point())
        torch.testing.assert_close(mixed[name], first[name] + share, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("refiner=2", "2 is out of range, expected 0 to 1"),
        ("refiner", "refiner is no share of a part, expected NAME=SHARE"),
        ("x=y", "'x=y'"),
    ],
)
def test_shares_of_parts_are_checked(
    part: str, message: str, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(untrained_weights)] * 2 + ["--part", part, "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_parts_that_the_model_lacks_are_refused_or_left_out(
    untrained_weights: Path, trained_on: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command's typing error is one; `mdsm learn` has shares for parts that not every model has."""
    folders = (untrained_weights, trained_on)
    assert main([*map(str, folders), "--part", "refinr=1", "--out", str(tmp_path / "out")]) == 2
    assert "--part names 'refinr', expected the beginning of a tensor's name: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    average(*folders, tmp_path / "learned", 0.5, {"not.there": 1.0})
    assert (tmp_path / "learned/model.safetensors").is_file()


def test_models_of_other_shapes_and_shares_are_refused(
    untrained_weights: Path, trained_on: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert main([str(untrained_weights), str(trained_on), "--share", "2", "--out", out]) == 2
    assert "share is 2.0, expected 0 to 1" in capsys.readouterr().err
    weights = load_file(trained_on / "model.safetensors")
    name = min(weights)
    save_file(weights | {name: torch.zeros(3)}, trained_on / "model.safetensors", metadata={"format": "pt"})
    assert main([str(untrained_weights), str(trained_on), "--out", out]) == 2
    assert f"differ in the tensor {name!r}" in capsys.readouterr().err
    assert not Path(out).exists()
    assert json.loads((trained_on / "config.json").read_text())["model_type"] == "mdsm"
