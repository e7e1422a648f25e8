"""A training that starts from another model's weights: mdsm-base from a converted LAVT, at sizes that fit here."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from boxes import write_boxes
from safetensors.torch import load_file, save_file
from stand_ins import TOKENIZER, write_stand_ins
from transformers import AutoTokenizer, CLIPVisionModel

from mdsm_ros.checkpoints.convert.lavt import say_present
from mdsm_ros.errors import WeightsError
from mdsm_ros.models.common.vision import ParallelJoin
from mdsm_ros.models.lavt import LAVT_BASE
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.models.mdsm import MDSM_BASE
from mdsm_ros.models.mdsm.network import MDSM
from training.train.command import main
from training.train.start import start_from

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]

SIZES: dict[str, Any] = {
    "image_size": 64,
    "swin_checkpoint": None,
    "swin_embed_dim": 32,
    "swin_depths": (2, 2, 2, 2),
    "swin_num_heads": (2, 4, 8, 16),
    "swin_window_size": 4,
    "bert_checkpoint": None,
    "vocab_size": 16,
    "bert_hidden_size": 64,
    "bert_num_layers": 2,
    "bert_num_heads": 4,
    "decoder_channels": 16,
}
OWN: dict[str, Any] = {"clip_num_heads": 4, "refiner_channels": (64, 64)}
TEXTS = ["bring me the red cup", "the wide box"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LAVT that was converted, as far as its weights tell, a dataset, and the shipped configuration at toy sizes."""
    root = tmp_path_factory.mktemp("start")
    torch.manual_seed(5)
    lavt = LAVT(dataclasses.replace(LAVT_BASE, **SIZES), TOKENIZER)
    say_present(lavt.intermediate.head)
    lavt.save_pretrained(root / "lavt")
    write_boxes(root / "data", "train", 8)
    config = yaml.safe_load(Path("config/train/mdsm-base-from-lavt.yaml").read_text())
    covered = {"swin_checkpoint", "bert_checkpoint"}
    fields = {k: v for k, v in (write_stand_ins(root / "encoders") | SIZES | OWN).items() if k not in covered}
    config |= {"model": fields, "start_from": str(root / "lavt"), "mixed_precision": "no", "num_workers": 0}
    for stage in ("stage1", "stage2"):
        config[stage] |= {"steps": 2, "images": 2, "warmup_steps": 0}
    (root / "config.yaml").write_text(yaml.safe_dump(config))
    return root


def _mdsm(**fields: Any) -> MDSM:
    sizes = SIZES | OWN | {"clip_checkpoint": None, "clip_image_size": 32, "clip_hidden_size": 64, "clip_num_layers": 1}
    return MDSM(dataclasses.replace(MDSM_BASE, **(sizes | fields)), TOKENIZER).eval()


def _train(root: Path, out: str, *options: str) -> int:
    paths = ["--config", root / "config.yaml", "--data", root / "data", "--out", root / out]
    return main([*map(str, paths), "--device", "cpu", *options])


def test_an_mdsm_starts_with_the_masks_of_the_lavt(workplace: Path) -> None:
    lavt, mdsm, images = LAVT.from_pretrained(workplace / "lavt"), _mdsm(), torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        before = mdsm.initial(images, mdsm.encode_text(TEXTS)).logits
        said = start_from(mdsm, str(workplace / "lavt"))
        ours, theirs = (model.initial(images, model.encode_text(TEXTS)).logits for model in (mdsm, lavt))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(before, theirs, atol=1e-2)
    assert mdsm.config.max_tokens == 64
    not_in_it = said.partition("not in it: ")[2].partition(";")[0]
    assert not_in_it == "intermediate.clip, intermediate.join, intermediate.head.present, refiner"
    assert said.endswith("not taken of it: nothing")


def test_clip_learns_to_have_a_say(workplace: Path) -> None:
    mdsm = _mdsm()
    start_from(mdsm, str(workplace / "lavt"))
    mdsm.initial(torch.rand(2, 3, 64, 64), mdsm.encode_text(TEXTS)).logits.square().sum().backward()  # type: ignore[no-untyped-call]
    for join in mdsm.intermediate.join:
        assert isinstance(join, ParallelJoin)
        gradient = join.project.weight.grad
        assert gradient is not None
        assert gradient[:, join.swin_dim :].abs().sum() > 0


def test_a_present_head_that_has_learned_is_taken(workplace: Path, tmp_path: Path) -> None:
    first, second = _mdsm(), _mdsm()
    first.save_pretrained(tmp_path)
    assert "not in it: nothing" in start_from(second, str(tmp_path))
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value, atol=2e-3, rtol=2e-3)


def test_thresholds_and_steps_come_with_the_parts_that_they_belong_to(workplace: Path, tmp_path: Path) -> None:
    first = _mdsm(present_threshold=0.65, num_inference_steps=2)
    first.save_pretrained(tmp_path)
    second, told, other = _mdsm(), _mdsm(present_threshold=0.4), _mdsm()
    start_from(second, str(tmp_path))
    assert (second.config.present_threshold, second.config.num_inference_steps) == (0.65, 2)
    start_from(told, str(tmp_path), kept={"present_threshold"})
    assert (told.config.present_threshold, told.config.num_inference_steps) == (0.4, 2)
    start_from(other, str(workplace / "lavt"))  # neither its present head nor a refiner is taken
    assert other.config == _mdsm().config


@pytest.fixture(scope="module")
def run(workplace: Path) -> Path:
    assert _train(workplace, "run") == 0
    return workplace / "run"


def test_both_stages_train_from_the_lavt(workplace: Path, run: Path) -> None:
    trained, lavt = (load_file(workplace / f / "model.safetensors") for f in ("run/model", "lavt"))
    words = "language.bert.embeddings.word_embeddings.weight"
    torch.testing.assert_close(trained[words].float(), lavt[words].float(), atol=2e-3, rtol=0)
    clip = CLIPVisionModel.from_pretrained(workplace / "encoders/clip").state_dict()  # from its own checkpoint
    prefix = "intermediate.clip.clip."
    assert all(torch.equal(trained[prefix + name], value.half()) for name, value in clip.items())
    ours, theirs = (AutoTokenizer.from_pretrained(workplace / folder) for folder in ("run/model", "lavt"))
    assert ours.get_vocab() == theirs.get_vocab()


def test_resume_gives_the_same_weights_bit_for_bit(
    workplace: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(workplace, "parts", "--stage", "1") == 0
    assert "tensors taken" in capsys.readouterr().err
    assert _train(workplace, "parts", "--resume") == 0
    whole, parts = (load_file(folder / "model/model.safetensors") for folder in (run, workplace / "parts"))
    assert all(torch.equal(whole[name], value) for name, value in parts.items())


def test_what_cannot_be_started_from(workplace: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"whose intermediate\.head\.blocks\.0\.mix\.0\.weight is \(16, 384, 3, 3\)"):
        start_from(_mdsm(decoder_channels=8), str(workplace / "lavt"))
    with pytest.raises(WeightsError, match="no_such_model"):
        start_from(_mdsm(), str(tmp_path / "no_such_model"))
    state = load_file(workplace / "lavt/model.safetensors")
    save_file({f"other.{name}": value for name, value in state.items()}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="shares parameters with mdsm"):
        start_from(_mdsm(), str(tmp_path))


def test_a_start_that_is_absent_ends_with_a_message(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = yaml.safe_load((workplace / "config.yaml").read_text()) | {"start_from": str(workplace / "nothing")}
    (workplace / "absent.yaml").write_text(yaml.safe_dump(config))
    options = ["--config", workplace / "absent.yaml", "--data", workplace / "data", "--out", workplace / "absent"]
    assert main([*map(str, options), "--device", "cpu"]) == 2
    assert "nothing" in capsys.readouterr().err
