"""Official LAVT checkpoints become our LAVT: same functions, nothing left over, nothing run on the way."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from official_lavt import OfficialLAVT, Sizes, State, write_checkpoint
from stand_ins import TOKENIZER, WORDS
from transformers import BertConfig, BertModel, BertTokenizerFast

from mdsm_ros.checkpoints.convert.checkpoint import read_checkpoint
from mdsm_ros.checkpoints.convert.lavt import convert_lavt, lavt_config
from mdsm_ros.commands.main import main
from mdsm_ros.errors import WeightsError
from mdsm_ros.models.lavt import LAVT_BASE
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.segmenter import Segmenter

pytestmark = pytest.mark.slow

SIZES = Sizes()
TEXTS = ["bring me the red cup", "the wide box"]


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, State]:
    """A checkpoint of the variant ``lavt``, and its tensors."""
    path = tmp_path_factory.mktemp("official") / "refcoco.pth"
    return path, write_checkpoint(path, SIZES)


@pytest.fixture(scope="module")
def converted(official: tuple[Path, State]) -> LAVT:
    return convert_lavt(read_checkpoint(official[0]), TOKENIZER)


def _convert(path: Path, change: Callable[[dict[str, Any]], None] = lambda content: None) -> LAVT:
    content = read_checkpoint(path)
    change(content)
    return convert_lavt(content, TOKENIZER)


@pytest.mark.slow
def test_the_converted_model_is_the_official_functions(official: tuple[Path, State], converted: LAVT) -> None:
    """All four stages with fusion and gate, and the decoder, in float64; every window is padded and shifted."""
    images = torch.rand(2, 3, SIZES.image, SIZES.image, generator=torch.Generator().manual_seed(3)).double()
    reference, model = OfficialLAVT(official[1], SIZES), _double(converted)
    with torch.inference_mode():
        text = model.encode_text(TEXTS)
        assert text.mask.sum(1).tolist() == [7, 5]  # the second is padded
        answer = model.initial(images, text)
        levels = reference.levels(images, text.tokens, text.mask.double())
        probability = reference.decode(levels)
    for ours, theirs in zip(answer.features.fused, levels, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)
    assert float(probability.std()) > 0.05  # of one value anything would be right
    torch.testing.assert_close(answer.logits.sigmoid()[:, 0], probability, atol=1e-6, rtol=0)


def _double(model: LAVT) -> LAVT:
    copy = LAVT(model.config, model.tokenizer)
    copy.load_state_dict(model.state_dict())
    return copy.double().eval()


def test_without_padding_the_functions_are_the_same_too(tmp_path: Path) -> None:
    sizes = dataclasses.replace(SIZES, image=128, window=2, depths=(2, 1, 1, 2))
    state = write_checkpoint(tmp_path / "lavt.pth", sizes)
    model = _double(_convert(tmp_path / "lavt.pth"))
    images = torch.rand(1, 3, 128, 128).double()
    with torch.inference_mode():
        text = model.encode_text(TEXTS[:1])
        ours = model.initial(images, text).features.fused
        theirs = OfficialLAVT(state, sizes).levels(images, text.tokens, text.mask.double())
    torch.testing.assert_close(list(ours), theirs, atol=1e-9, rtol=1e-9)


def test_bert_is_the_one_of_the_checkpoint(official: tuple[Path, State], converted: LAVT) -> None:
    config = BertConfig(
        vocab_size=SIZES.vocabulary,
        hidden_size=SIZES.language,
        num_hidden_layers=SIZES.bert_layers,
        num_attention_heads=1,
        intermediate_size=4 * SIZES.language,
    )
    bert = BertModel(config, add_pooling_layer=False).eval()
    bert.load_state_dict({k.removeprefix("text_encoder."): v for k, v in official[1].items() if "text_encoder." in k})
    batch = TOKENIZER(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = bert(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        torch.testing.assert_close(converted.encode_text(TEXTS).tokens, expected)


def test_both_variants_give_the_same_model(converted: LAVT, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "one.pth", SIZES, one=True)
    one = _convert(tmp_path / "one.pth").state_dict()
    assert all(torch.equal(one[name], value) for name, value in converted.state_dict().items())


def test_what_the_official_code_does_not_use_is_left_out(official: tuple[Path, State], converted: LAVT) -> None:
    def add(content: dict[str, Any]) -> None:
        content["bert_model"]["pooler.dense.weight"] = torch.zeros(64, 64)
        content["bert_model"]["embeddings.position_ids"] = torch.arange(512)

    state = _convert(official[0], add).state_dict()
    assert all(torch.equal(state[name], value) for name, value in converted.state_dict().items())


def _renamed(content: dict[str, Any]) -> None:
    content["model"]["backbone.layers.0.extra.weight"] = torch.zeros(2, 3)


def _shorter(content: dict[str, Any]) -> None:
    del content["model"]["backbone.norm2.bias"]


def _wider(content: dict[str, Any]) -> None:
    content["model"]["backbone.layers.1.fusion.image_lang_att.f_key.0.weight"] = torch.zeros(16, 32, 1)


def _third_class(content: dict[str, Any]) -> None:
    content["model"]["classifier.conv1_1.weight"] = torch.zeros(3, 32, 1, 1)


def _other_positions(content: dict[str, Any]) -> None:
    content["model"]["backbone.layers.0.blocks.1.attn.relative_position_index"] += 1


def _no_bert(content: dict[str, Any]) -> None:
    del content["bert_model"]


def _no_decoder(content: dict[str, Any]) -> None:
    del content["model"]["classifier.conv1_4.weight"]


def _many_heads(content: dict[str, Any]) -> None:
    content["args"].mha = "4-4-4-4"


def _small_image(content: dict[str, Any]) -> None:
    content["args"].img_size = 96


def _odd_image(content: dict[str, Any]) -> None:
    content["args"].img_size = 170


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_renamed, r"backbone\.layers\.0\.extra\.weight of the checkpoint has no place"),
        (_shorter, r"no tensor for intermediate\.norm\.2\.bias \(32\)"),
        (_wider, r"1\.fusion\.image_lang_att\.f_key\.0\.weight is \(16, 32\), expected \(16, 64\)"),
        (_third_class, r"classifier\.conv1_1\.weight is \(3, 32, 1, 1\), expected \(1, 32, 1, 1\)"),
        (_other_positions, r"relative_position_index differs from the computed buffer"),
        (_no_bert, "no state dictionary 'bert_model', found 'model', 'optimizer'"),
        (_no_decoder, r"no classifier\.conv1_4\.weight"),
        (_many_heads, "mha is '4-4-4-4', expected one head"),
        (_small_image, "img_size is 96, expected more than 96"),
        (_odd_image, "image_size is 170"),
    ],
)
def test_what_does_not_fit_is_named(
    official: tuple[Path, State], change: Callable[[dict[str, Any]], None], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        _convert(official[0], change)


def test_tokenizer_of_another_vocabulary(official: tuple[Path, State]) -> None:
    with pytest.raises(WeightsError, match="tokenizer has 12 entries, expected 13"):
        convert_lavt(read_checkpoint(official[0]), BertTokenizerFast(vocab={w: i for i, w in enumerate(WORDS[:-1])}))


@pytest.mark.parametrize(
    ("swin_type", "dim", "depths", "heads", "window"),
    [
        ("tiny", 96, (2, 2, 6, 2), (3, 6, 12, 24), 7),
        ("small", 96, (2, 2, 18, 2), (3, 6, 12, 24), 7),
        ("base", 128, (2, 2, 18, 2), (4, 8, 16, 32), 12),
    ],
)
def test_published_sizes_are_told_by_the_shapes(
    swin_type: str, dim: int, depths: tuple[int, ...], heads: tuple[int, ...], window: int
) -> None:
    sizes = Sizes(480, dim, depths, heads, window, vocabulary=30522, language=768, bert_layers=12)
    shapes = sizes.shapes() | {f"text_encoder.{name}": shape for name, shape in sizes.bert_shapes().items()}
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    assert lavt_config({"args": argparse.Namespace(swin_type=swin_type)}, state) == dataclasses.replace(
        LAVT_BASE,
        swin_checkpoint=None,
        swin_embed_dim=dim,
        swin_depths=depths,
        swin_num_heads=heads,
        swin_window_size=window,
        bert_checkpoint=None,
        decoder_channels=4 * dim,
    )


class _Command:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_runs_commands_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], zipped: bool
) -> None:
    path, trace = tmp_path / "evil.pth", tmp_path / "trace"
    content = {"model": {}, "args": argparse.Namespace(img_size=480), "epoch": _Command(trace)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert main(["convert", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "evil.pth" in error
    assert ("posix.system" if zipped else "more than tensors and plain values") in error
    assert not trace.exists()
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    with pytest.raises(WeightsError, match="is missing"):
        read_checkpoint(path)
    for content in (b"", b"no pickle at all"):
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="damaged"):
            read_checkpoint(path)
    torch.save([torch.zeros(2)], path)
    with pytest.raises(WeightsError, match="holds list, expected a dictionary"):
        read_checkpoint(path)


def test_the_command_makes_a_model_that_always_answers(
    official: tuple[Path, State], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer, out = tmp_path / "tokenizer", tmp_path / "model"
    TOKENIZER.save_pretrained(tokenizer)
    options = ["convert", str(official[0]), "--out", str(out), "--tokenizer", str(tokenizer)]
    assert main(options) == 0
    assert capsys.readouterr().out.startswith("lavt, 0.")
    card = (out / "README.md").read_text()
    assert "refcoco.pth" in card
    assert "present probability is a constant 1" in card
    segmenter = Segmenter.from_pretrained(out, device="cpu")
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    for text in TEXTS:
        answer = segmenter.segment(picture, text)
        assert answer.present
        assert answer.score == 1.0
        assert np.array_equal(answer.mask, answer.probability >= 0.5)
    assert main(options) == 2
    assert "already contains a model" in capsys.readouterr().err


def test_layouts_of_other_models_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"model": {"conv.weight": torch.zeros(2)}}, tmp_path / "other.pth")
    assert main(["convert", str(tmp_path / "other.pth"), "--out", str(tmp_path / "out")]) == 2
    assert "neither LAVT nor VPD" in capsys.readouterr().err


def test_weights_that_half_precision_cannot_hold(official: tuple[Path, State], tmp_path: Path) -> None:
    from mdsm_ros.checkpoints.convert.run import convert

    content = read_checkpoint(official[0])
    content["model"]["classifier.bn1_4.running_var"] = torch.full((32,), 1e6)
    torch.save(content, tmp_path / "large.pth")
    TOKENIZER.save_pretrained(tmp_path / "tokenizer")
    with pytest.raises(WeightsError, match="half precision"):
        convert(tmp_path / "large.pth", tmp_path / "out", language=str(tmp_path / "tokenizer"))
    assert not (tmp_path / "out").exists()
