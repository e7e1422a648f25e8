"""``mdsm push``, against a local server in place of the hub."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, serve
from huggingface_hub import constants

from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.commands.main import main

NAME = "me/kitchen"
CARD = "---\nlicense: apache-2.0\n---\n# kitchen\n"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    (tmp_path / "hub").mkdir()
    with serve(tmp_path / "hub") as hub, monkeypatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("HF_")]:
            patch.delenv(name)
        variables = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
        for name, value in (variables | {"HF_TOKEN": hub.token, "HF_HUB_DISABLE_TELEMETRY": "1"}).items():
            patch.setenv(name, value)
        importlib.reload(constants)  # huggingface_hub reads its variables anew, as a new process would
        yield hub
    importlib.reload(constants)


@pytest.fixture
def model(untrained_weights: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(untrained_weights, folder)
    (folder / "README.md").write_text(CARD)
    (folder / "stage1.pt").write_bytes(b"a pickle")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x.json").write_text("{}")
    return folder


def test_a_pushed_model_is_private_and_can_be_loaded_by_its_hub_id(
    hub: Hub, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(model), NAME, "--message", "Learned at home"]) == 0
    printed = capsys.readouterr().out
    assert "private if it is new" in printed
    assert "left out: stage1.pt" in printed
    assert f"model:={NAME}" in printed
    assert hub.private == {NAME}
    assert hub.messages == ["Learned at home"]
    there = {path.relative_to(hub.root / NAME).as_posix() for path in (hub.root / NAME).rglob("*") if path.is_file()}
    assert there == {path.name for path in model.iterdir() if path.is_file()} - {"stage1.pt"}
    assert load_model(NAME).config == load_model(model).config


def test_a_new_version_replaces_the_weights_but_not_the_visibility(hub: Hub, model: Path) -> None:
    assert main(["push", str(model), NAME, "--public"]) == 0
    assert hub.private == set()
    old = hub.root / NAME / "model-00001-of-00002.safetensors"
    old.write_bytes(b"of a version in two parts")
    (hub.root / NAME / "notes.md").write_text("not ours")
    (model / "README.md").write_text(CARD + "better\n")
    assert main(["push", str(model), NAME]) == 0
    assert hub.private == set()
    assert (hub.root / NAME / "README.md").read_text().endswith("better\n")
    assert not old.exists()
    assert (hub.root / NAME / "notes.md").exists()


def test_a_dry_run_uploads_nothing(hub: Hub, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", str(model), NAME, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "model.safetensors" in printed
    assert "licence apache-2.0" in printed
    assert "nothing was uploaded" in printed
    assert hub.requests == []


def test_incomplete_models_are_refused_before_anything_is_sent(
    hub: Hub, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(folder: Path, repository: str = NAME) -> str:
        assert main(["push", str(folder), repository]) == 2
        return capsys.readouterr().err

    assert "is not a folder" in error(tmp_path / "nowhere")
    assert "expected a hub id" in error(model, "kitchen")
    for card, said in (("# kitchen\n", "names no licence"), ("---\nlicense: [\n---\n", "no readable header")):
        (model / "README.md").write_text(card)
        assert said in error(model)
    (model / "README.md").unlink()
    assert "README.md is missing" in error(model)
    (model / "README.md").write_text(CARD)
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "not a readable safetensors file" in error(model)
    weights.unlink()
    assert "expected the model's weights" in error(model)
    assert hub.requests == []


def test_refusals_of_the_hub_say_what_to_do(
    hub: Hub, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_reads")
    assert main(["push", str(model), NAME]) == 2
    assert "your token may not write to me/kitchen" in capsys.readouterr().err
    monkeypatch.delenv("HF_TOKEN")
    assert main(["push", str(model), NAME]) == 2
    assert "hf auth login" in capsys.readouterr().err
    assert not (hub.root / NAME).exists()
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert main(["push", str(model), NAME]) == 2
    assert "http://127.0.0.1:9 cannot be reached" in capsys.readouterr().err
