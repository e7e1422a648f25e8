"""A latent diffusion model that trains in seconds, from pictures of coloured boxes to a Stable Diffusion pipeline."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from boxes import write_boxes
from diffusers import StableDiffusionPipeline
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import CLIPTokenizer

from mdsm_ros.checkpoints.diffusion_checkpoint import load_pipeline
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import ConfigError
from training.cli import main as data_main
from training.datasets.dataset import InstructionDataset
from training.latent.command import main
from training.latent.config import read_latent_config
from training.latent.generate import generate
from training.latent.run import build_model
from training.latent.stages import to_signal
from training.train.vocabulary import train_clip_tokenizer

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]

STEPS = 12
CONFIG: dict[str, Any] = {
    "autoencoder": {"steps": STEPS, "images": 8, "learning_rate": 4e-3},
    "denoiser": {"steps": STEPS, "images": 8, "learning_rate": 2e-3},
    "sizes": {
        "vae": {"block_out_channels": [8, 8, 8], "norm_num_groups": 4, "sample_size": 32},
        "unet": {
            "sample_size": 8,
            "block_out_channels": [16, 16, 16, 16],
            "norm_num_groups": 4,
            "cross_attention_dim": 32,
            "attention_head_dim": 2,
        },
        "text_encoder": {
            "vocab_size": 600,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 16,
        },
    },
    "evaluate_steps": STEPS // 2,
    "evaluate_samples": 8,
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("latent")
    write_boxes(root / "train", "train", 24)
    (root / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return root


def _train(root: Path, out: str, *options: str) -> int:
    paths = ["--config", root / "config.yaml", "--data", root / "train", "--out", root / out]
    return main(
        [*map(str, paths), "--val-data", str(root / "train"), "--val-split", "train", "--device", "cpu", *options]
    )


@pytest.fixture(scope="module")
def trained(workplace: Path) -> Path:
    assert _train(workplace, "run") == 0
    return workplace / "run"


@pytest.fixture(scope="module")
def pipeline(trained: Path) -> StableDiffusionPipeline:
    pipeline = load_pipeline(str(trained / "model"), local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_the_folder_is_what_diffusers_loads_and_draws_with(trained: Path) -> None:
    files = [path for path in (trained / "model").rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in files)
    assert len({path.stat().st_mode for path in files}) == 1
    pipeline = StableDiffusionPipeline.from_pretrained(trained / "model", local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    parts = {path.name for path in (trained / "model").iterdir()}
    assert parts == {"model_index.json", "scheduler", "text_encoder", "tokenizer", "unet", "vae"}
    assert not list((trained / "model").rglob("*.bin"))
    images = pipeline("bring me the red box", num_inference_steps=2, output_type="np").images
    assert images.shape == (1, 32, 32, 3)
    betas = pipeline.scheduler.betas
    assert len(betas) == 1000
    assert [float(betas[0]), float(betas[-1])] == pytest.approx([0.00085, 0.012])
    assert pipeline.scheduler.config.prediction_type == "epsilon"


def test_the_latents_that_are_diffused_have_unit_variance(pipeline: StableDiffusionPipeline, workplace: Path) -> None:
    data = InstructionDataset(Dataset(workplace / "train"), "train", 32, cache=False)
    images = data.collate([positions[0] for positions in data.by_image.values()]).images
    with torch.no_grad():
        latents = pipeline.vae.encode(to_signal(images)).latent_dist.sample(torch.Generator().manual_seed(1))
    assert float((latents * pipeline.vae.config.scaling_factor).std()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("stage", "figure"), [("autoencoder", "psnr"), ("denoiser", "loss")])
def test_the_averaged_weights_of_both_stages_get_better(trained: Path, stage: str, figure: str) -> None:
    events = EventAccumulator(str(trained / "tensorboard" / stage))
    events.Reload()
    first, last = (event.value for event in events.Scalars(f"validation/{figure}"))
    assert last > first if figure == "psnr" else last < first


def test_the_model_folder_has_the_averaged_weights(trained: Path, pipeline: StableDiffusionPipeline) -> None:
    saved = torch.load(trained / "denoiser.pt", weights_only=True)
    names = [n for n in saved["stage"] if n.startswith(("model.unet.", "model.text_encoder."))]
    averaged = {tuple(value.flatten()[:4].tolist()) for value in saved["ema"]["shadow_params"]}
    assert tuple(pipeline.unet.conv_in.weight.flatten()[:4].tolist()) in averaged
    plain = saved["stage"]["model.unet.conv_in.weight"]
    assert names
    assert not torch.equal(plain, pipeline.unet.conv_in.weight)


@pytest.mark.parametrize("stage", ["autoencoder", "denoiser"])
def test_resume_gives_the_same_weights_bit_for_bit(trained: Path, workplace: Path, stage: str) -> None:
    out = workplace / f"resumed_{stage}"
    out.mkdir()
    if stage == "denoiser":
        shutil.copy(trained / "autoencoder.pt", out)
    assert _train(workplace, out.name, "--resume", "--max-seconds", "0") == 0
    assert torch.load(out / f"{stage}.pt", weights_only=True)["step"] == 1
    assert (out / "model" / "model_index.json").exists() == (stage == "denoiser")  # what there is can be used
    assert _train(workplace, out.name, "--resume") == 0
    whole, resumed = (torch.load(run / f"{stage}.pt", weights_only=True) for run in (trained, out))
    assert resumed["step"] == whole["step"] == STEPS
    for name, value in whole["stage"].items():
        assert torch.equal(resumed["stage"][name], value), name
    for ours, theirs in zip(whole["ema"]["shadow_params"], resumed["ema"]["shadow_params"], strict=True):
        assert torch.equal(ours, theirs)


def test_prompt_and_seed_decide_what_is_drawn(pipeline: StableDiffusionPipeline) -> None:
    red, again, other = (
        generate(pipeline, [prompt], seed, steps=2, guidance=3.0)
        for prompt, seed in (("the red box", 0), ("the red box", 0), ("the red box", 1))
    )
    blue = generate(pipeline, ["the blue box"], 0, steps=2, guidance=3.0)
    assert np.array_equal(red, again)
    assert not np.array_equal(red, other)
    assert not np.array_equal(red, blue)


def test_a_sheet_of_pictures_by_prompts(trained: Path, tmp_path: Path) -> None:
    options = ["--model", str(trained / "model"), "--out", str(tmp_path / "sheet.png"), "--steps", "2"]
    options += ["--prompt", "a red box", "a blue box", "--count", "2", "--columns", "4", "--width", "48"]
    assert data_main(["generate", *options]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 4 * 48


def test_a_model_that_is_not_there_is_an_error_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data_main(["generate", "--model", str(tmp_path / "none"), "--prompt", "a box"]) == 2
    assert capsys.readouterr().err.startswith("mdsm-data: error: ")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_dropout": 1.5}, "text_dropout is 1.5, expected 0 to 1"),
        ({"max_snr_weight": 0}, "max_snr_weight is 0, expected a positive number"),
        ({"kl_weight": -1}, "kl_weight is -1, expected 0 or more"),
        ({"sizes": {"decoder": {}}}, "sizes has 'decoder', expected"),
        ({"stage1": {}}, "unknown field 'stage1'"),
        ({"denoiser": {"steps": 0, "images": 8, "learning_rate": 1e-3}}, "steps is 0, expected a positive integer"),
        ({"mixed_precision": "int8"}, "mixed_precision is 'int8'"),
        ({"gradient_accumulation": 0}, "gradient_accumulation is 0, expected a positive integer"),
    ],
)
def test_the_configuration_refuses_what_cannot_be(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG | changes))
    with pytest.raises(ConfigError, match=message):
        read_latent_config(path)


def test_sizes_that_no_network_has_end_the_command_with_one_line(
    workplace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = CONFIG["sizes"] | {"unet": {"block_out_channels": [16, 16]}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"sizes": sizes}))
    paths = ["--config", tmp_path / "config.yaml", "--data", workplace / "train", "--out", tmp_path / "out"]
    assert main(list(map(str, paths))) == 2
    assert "mdsm-train-latent: error: sizes cannot be built from" in capsys.readouterr().err


def test_the_shipped_configuration_is_read() -> None:
    config = read_latent_config(Path(__file__).parent.parent / "config/train/ldm-tiny.yaml")
    assert config.image_size == 64


SENTENCES = ["a photograph of an armchair", "a photograph of a wine glass and a tv", "Get the tv!", "bring me a chair"]


def test_the_tokenizer_gives_texts_back(tmp_path: Path) -> None:
    train_clip_tokenizer(SENTENCES * 3, 560, 16, tmp_path)
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert len(tokenizer) <= 560
    assert tokenizer.model_max_length == 16
    for text in [*SENTENCES, "Größe naïve 猫"]:
        assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).replace(" !", "!") == text.lower()
    ids = tokenizer("a photograph of a chair", padding="max_length").input_ids
    assert len(ids) == 16
    assert ids[0] == tokenizer.bos_token_id
    assert ids[-1] == tokenizer.pad_token_id == tokenizer.eos_token_id
    assert "photograph</w>" in tokenizer.convert_ids_to_tokens(ids)


def test_the_same_texts_give_the_same_vocabulary_in_every_process(tmp_path: Path) -> None:
    train_clip_tokenizer(SENTENCES, 560, 16, tmp_path / "here")
    code = (
        "from pathlib import Path; from training.train.vocabulary import train_clip_tokenizer; "
        f"train_clip_tokenizer({SENTENCES!r}, 560, 16, Path({str(tmp_path / 'there')!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_half_a_tokenizer_of_a_killed_run_is_made_again(workplace: Path, trained: Path, tmp_path: Path) -> None:
    half = tmp_path / "tokenizer"
    half.mkdir()
    (half / "vocab.json").write_text("{")
    data = InstructionDataset(Dataset(workplace / "train"), "train", 32, cache=False)
    build_model(read_latent_config(workplace / "config.yaml"), tmp_path, data)
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer"]
    for path in (trained / "tokenizer").iterdir():
        assert (half / path.name).read_bytes() == path.read_bytes()


def test_a_new_run_makes_its_own_vocabulary_and_validates_after_epochs(workplace: Path, tmp_path: Path) -> None:
    stage = {"steps": 4, "images": 8, "learning_rate": 1e-3}
    changed = {"autoencoder": stage, "denoiser": stage, "evaluate_steps": 1000, "evaluate_epochs": [1]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | changed))
    (tmp_path / "run/tokenizer").mkdir(parents=True)
    (tmp_path / "run/tokenizer/tokenizer_config.json").write_text("{}")  # of an earlier run, on other data
    assert _train(workplace, "epochs", "--config", str(tmp_path / "config.yaml"), "--out", str(tmp_path / "run")) == 0
    lines = [json.loads(line) for line in (tmp_path / "run/validation.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["step"]) for line in lines] == [
        (stage, step) for stage in ("autoencoder", "denoiser") for step in (3, 4)
    ]
    assert (tmp_path / "run/tokenizer/vocab.json").exists()


def test_a_split_to_validate_on_needs_its_data(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {"config": workplace / "config.yaml", "data": workplace / "train", "out": workplace / "split"}
    assert main([*(f"--{name}={path}" for name, path in paths.items()), "--val-split", "val"]) == 2
    assert "--val-split is 'val', expected --val-data beside it" in capsys.readouterr().err
    assert not (workplace / "split").exists()
