from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.errors import WeightsError
from mdsm_ros.models.mdsm.network import MDSM
from training.train.embed import embed


@pytest.fixture
def folder(untrained_weights: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(untrained_weights, tmp_path / "model"))


def test_saves_and_loads_the_hugging_face_way(folder: Path) -> None:
    assert {"config.json", "model.safetensors", "tokenizer_config.json", "README.md"} <= {
        p.name for p in folder.iterdir()
    }
    assert {t.dtype for t in load_file(folder / "model.safetensors").values() if t.is_floating_point()} == {
        torch.float16
    }
    model = load_model(folder)
    assert isinstance(model, MDSM)
    again = folder / "again"
    model.save_pretrained(again)
    first, second = load_file(folder / "model.safetensors"), load_file(again / "model.safetensors")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (again / "config.json").read_text() == (folder / "config.json").read_text()
    reloaded = load_model(again)
    assert isinstance(reloaded, MDSM)
    text = "get the red cup"
    assert model.tokenizer(text)["input_ids"] == reloaded.tokenizer(text)["input_ids"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_weights_have_the_mode_of_any_new_file(folder: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        load_model(folder).save_pretrained(folder / "again")  # type: ignore[attr-defined]
    finally:
        os.umask(before)
    assert {p.name: p.stat().st_mode & 0o777 for p in (folder / "again").iterdir()}["model.safetensors"] == mode


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no_such_model"):
        load_model(tmp_path / "no_such_model")


def test_unknown_name_offline() -> None:
    with pytest.raises(WeightsError, match="'nobody/no-such-model'"):
        load_model("nobody/no-such-model", local_files_only=True)


def test_missing_weights_and_a_pickle_beside_them(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"model\.safetensors is missing"):
        load_model(folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin is a pickle and is not read"):
        load_model(folder)


def test_a_pickle_in_the_place_of_safetensors(folder: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, folder / "model.safetensors")
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_model(folder)


def test_truncated_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_model(folder)


def test_config_that_does_not_fit_the_weights(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"decoder_channels": 32}))
    with pytest.raises(WeightsError, match=r"does not fit config\.json"):
        load_model(folder)


@pytest.mark.parametrize(
    ("content", "message"), [("{", "Expecting"), ("[]", "list"), ('{"image_size": 7}', "image_size")]
)
def test_bad_config(folder: Path, content: str, message: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(WeightsError, match=message):
        load_model(folder)


def test_missing_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(WeightsError, match=r"tokenizer\.json is missing"):
        load_model(folder)
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(WeightsError, match="not a readable tokenizer"):
        load_model(folder)


def test_weights_in_several_files(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "embedded"
    target.mkdir()
    (target / "README.md").write_text("the card")
    (target / "model.safetensors").write_bytes(b"an old one")
    embed(folder, target, largest_file="1MB")
    files = sorted(target.glob("*.safetensors"))
    assert len(files) > 2
    assert all(file.stat().st_size < 1.1e6 for file in files)
    assert {file.stat().st_mode for file in target.iterdir()} == {(target / "README.md").stat().st_mode}
    assert (target / "README.md").read_text() == "the card"
    whole, parts = load_model(folder), load_model(target)
    assert isinstance(whole, MDSM)
    assert isinstance(parts, MDSM)
    state = parts.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.state_dict().items())
    files[1].unlink()
    with pytest.raises(WeightsError, match=rf"{files[1].name} is missing, which model\.safetensors\.index\.json names"):
        load_model(target)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": 3}'])
def test_an_index_that_names_no_files(folder: Path, content: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(WeightsError, match=r"index\.json (names no files of weights|is not JSON)"):
        load_model(folder)
