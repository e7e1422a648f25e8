from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from diffusion_stand_ins import CLIP_TOKENIZER, TOY, write_pipeline, write_single_file, write_text_tower
from safetensors.torch import save_file

from mdsm_ros.checkpoints.diffusion_checkpoint import load_clip_tokenizer, load_pipeline, load_stable_diffusion
from mdsm_ros.errors import WeightsError
from mdsm_ros.models.stable_diffusion.config import Sizes
from mdsm_ros.models.stable_diffusion.network import StableDiffusion

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "pipeline"
    write_pipeline(folder)
    return folder


@pytest.fixture
def pipeline(written: Path, tmp_path: Path) -> Path:
    """A Stable Diffusion checkpoint that the test may damage."""
    return Path(shutil.copytree(written, tmp_path / "pipeline"))


def parts_of(sizes: Sizes = TOY, decoder: bool = False) -> StableDiffusion:
    torch.manual_seed(1)
    return StableDiffusion(sizes, CLIP_TOKENIZER, decoder=decoder)


@pytest.mark.parametrize("decoder", [True, False])
def test_a_folder_fills_all_parts(tmp_path: Path, decoder: bool) -> None:
    written = write_pipeline(tmp_path / "pipeline", scaling_factor=0.25).state_dict()
    parts = parts_of(decoder=decoder)
    load_stable_diffusion(parts, str(tmp_path / "pipeline"))
    loaded = parts.state_dict()
    assert any(name.startswith("vae.decoder") for name in loaded) == decoder
    for name, value in loaded.items():
        torch.testing.assert_close(value, written[name], atol=0, rtol=0)
    assert parts.scaling_factor == 0.25


@pytest.mark.slow
def test_a_single_file_fills_all_parts_with_its_configuration_beside_it(tmp_path: Path) -> None:
    written = write_pipeline(tmp_path / "v1-5", scaling_factor=0.25)
    write_single_file(tmp_path / "v1-5.safetensors", written)
    for weights in (tmp_path / "v1-5").rglob("*.safetensors"):
        weights.unlink()
    parts = parts_of(decoder=True)
    load_stable_diffusion(parts, str(tmp_path / "v1-5.safetensors"))
    for name, value in parts.state_dict().items():
        torch.testing.assert_close(value, written.state_dict()[name], atol=0, rtol=0)
    tokenizer = load_clip_tokenizer(str(tmp_path / "v1-5.safetensors"))
    assert tokenizer("get the cup")["input_ids"] == CLIP_TOKENIZER("get the cup")["input_ids"]


def test_the_tokenizer_of_a_folder(pipeline: Path, tmp_path: Path) -> None:
    tower = tmp_path / "tower"
    write_text_tower(tower, hidden_size=8)
    for tokenizer in (load_clip_tokenizer(str(pipeline)), load_clip_tokenizer(str(tower), subfolder="")):
        assert tokenizer("get the cup")["input_ids"] == CLIP_TOKENIZER("get the cup")["input_ids"]
        assert tokenizer.model_max_length == 24


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("unet", "block_out_channels", (16, 16, 24, 40)),
        ("unet", "layers_per_block", 2),
        ("vae", "block_out_channels", (8, 8, 8, 16)),
        ("vae", "layers_per_block", 2),
        ("text_encoder", "hidden_size", 8),
        ("text_encoder", "num_hidden_layers", 1),
    ],
)
def test_other_sizes_than_the_checkpoint_are_refused(pipeline: Path, part: str, field: str, value: object) -> None:
    parts = parts_of({**TOY, part: {**TOY[part], field: value}})
    with pytest.raises(WeightsError, match=r"pipeline' does not have the configured sizes"):
        load_stable_diffusion(parts, str(pipeline))


def test_what_is_not_there_is_named(pipeline: Path, tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing")
    with pytest.raises(WeightsError, match="nothing"):
        load_pipeline(nothing)
    with pytest.raises(WeightsError, match="nothing"):
        load_clip_tokenizer(nothing)
    with pytest.raises(WeightsError, match=r"text encoder .*nothing"):
        load_stable_diffusion(parts_of(), str(pipeline), nothing)
    with pytest.raises(WeightsError, match="nobody/no-such-model"):
        load_pipeline("nobody/no-such-model", local_files_only=True)


def test_a_folder_without_one_of_its_parts_is_refused(pipeline: Path) -> None:
    for file in (pipeline / "tokenizer").iterdir():
        file.unlink()
    with pytest.raises(WeightsError, match="pipeline"):
        load_clip_tokenizer(str(pipeline))
    (pipeline / "unet/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(WeightsError, match="pipeline"):
        load_pipeline(str(pipeline))


def test_pickles_are_never_read(pipeline: Path, tmp_path: Path) -> None:
    for part, name in (
        ("unet", "diffusion_pytorch_model"),
        ("text_encoder", "model"),
        ("vae", "diffusion_pytorch_model"),
    ):
        weights = pipeline / part / f"{name}.safetensors"
        kept = weights.read_bytes()
        weights.unlink()
        pickled = weights.with_name("pytorch_model.bin" if part == "text_encoder" else f"{name}.bin")
        pickled.write_bytes(pickle.dumps(_Trap(tmp_path / "sprung")))
        with pytest.raises(WeightsError, match="pipeline"):
            load_pipeline(str(pipeline))
        weights.write_bytes(kept)
    single = tmp_path / "v1-5.ckpt"
    single.write_bytes(pickle.dumps(_Trap(tmp_path / "sprung")))
    with pytest.raises(WeightsError, match=r"not a \.safetensors file; pickles are not read"):
        load_pipeline(str(single))
    assert not (tmp_path / "sprung").exists()


class _Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    single = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, single)
    with pytest.raises(WeightsError, match="other"):
        load_pipeline(str(single), local_files_only=True)
    single.write_bytes(b"{}")
    with pytest.raises(WeightsError, match="other"):
        load_pipeline(str(single), local_files_only=True)


def test_a_damaged_index_is_named(pipeline: Path) -> None:
    index = pipeline / "model_index.json"
    index.write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    with pytest.raises(WeightsError, match="pipeline"):
        load_pipeline(str(pipeline))
    index.write_text("{")
    with pytest.raises(WeightsError, match="pipeline"):
        load_pipeline(str(pipeline))
