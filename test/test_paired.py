"""Two models on the same instructions, and what an interval allows to be said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from boxes import write_boxes
from transformers import BertTokenizerFast

from mdsm_ros.dataset.format import Instruction
from mdsm_ros.models.lavt import LAVT_TINY
from mdsm_ros.models.lavt.network import LAVT
from training.evaluation import evaluate
from training.evaluation.analysis import Answered
from training.evaluation.paired import differences, gain, pair_up, verdict


def said(number: int) -> Instruction:
    return Instruction(number, number // 2, (1,), "the cup", "test", "test", 1, 0, 2)


def answered(iou: float | None, present: bool = True) -> Answered:
    counts = {} if iou is None else {"initial": (round(100 * iou), 100), "refined": (round(100 * iou), 100)}
    return Answered(iou is not None, counts or {"initial": (0, 0)}, present, {})


def test_an_interval_that_includes_zero_is_no_gain() -> None:
    instructions = [said(i) for i in range(12)]
    first = [answered(0.5)] * 12
    better = pair_up(instructions, first, [answered(0.6 + 0.02 * (i % 3)) for i in range(12)])
    rows = differences(better, lambda i: str(i.image_id))
    assert rows["mIoU"]["difference"] == pytest.approx(0.12)
    assert (rows["mIoU"]["groups"], rows["mIoU"]["instructions"]) == (6, 12)
    assert 0 < rows["mIoU"]["95 % from"] < 0.12 < rows["mIoU"]["95 % to"]
    assert verdict(rows["mIoU"]) == "better"
    unsure = pair_up(instructions, first, [answered(0.9 if i < 2 else 0.45) for i in range(12)])
    rows = differences(unsure, lambda i: str(i.image_id))
    assert rows["mIoU"]["difference"] > 0
    assert verdict(rows["mIoU"]) == "not shown to be better"
    worse = pair_up(instructions, first, [answered(0.3)] * 12)
    assert verdict(differences(worse, lambda i: str(i.image_id))["mIoU"]) == "worse"
    alone = differences(better, lambda i: "one")
    assert "95 % from" not in alone["mIoU"]
    assert verdict(alone["mIoU"]) == "not shown to be better"


def test_a_right_denial_counts_in_giou_alone() -> None:
    pairs = pair_up([said(0), said(2)], [answered(0.5), answered(None)], [answered(0.5), answered(None, False)])
    rows = differences(pairs, lambda i: str(i.image_id))
    assert rows["mIoU"]["difference"] == 0
    assert rows["gIoU"]["difference"] == pytest.approx(0.5)
    assert [gain(pair.second) for pair in pairs] == [0.5, 1.0]


@pytest.mark.slow
def test_evaluate_compares_two_models(
    untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_boxes(tmp_path / "test", "test", 3)
    shutil.copytree(untrained_weights, tmp_path / "copy")
    options = ["--data", str(tmp_path / "test"), "--device", "cpu", "--steps", "0"]
    both = [str(untrained_weights), str(tmp_path / "copy")]
    files = ["--out", str(tmp_path / "c.json"), "--report", str(tmp_path / "c.html")]
    assert evaluate.main([*options, "--compare", *both, *files]) == 0
    printed = capsys.readouterr().out
    assert "copy is not shown to be better by mIoU: its interval includes 0" in printed
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["rows"]["gIoU"]["difference"] == 0
    assert content["rows"]["gIoU"]["groups"] == 3
    assert len(content["samples"]) == 7
    assert "Left untrained_weights" in (tmp_path / "c.html").read_text()
    assert evaluate.main([*options, "--compare", *both, "a"]) == 2
    assert "--compare has 3 models, expected one or two" in capsys.readouterr().err
    assert evaluate.main([*options, "--model", "a", "--compare", *both]) == 2
    assert "--model is 'a' beside two models of --compare" in capsys.readouterr().err
    assert evaluate.main([*options, "--several", "--compare", *both]) == 2  # these boxes have none
    assert "several" in capsys.readouterr().err
    assert evaluate.main([*options, "--model", both[0], "--samples", "3"]) == 2
    assert "--samples is 3, expected it only where masks are refined" in capsys.readouterr().err
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "get", "the", "cup"]
    lavt = tmp_path / "lavt"
    LAVT(LAVT_TINY, BertTokenizerFast(vocab={word: i for i, word in enumerate(words)})).save_pretrained(lavt)
    assert evaluate.main([*options, "--model", str(lavt), "--steps", "2"]) == 2
    assert "--steps is 2, expected" in capsys.readouterr().err
    assert evaluate.main([*options, "--compare", str(lavt), both[0], "--steps", "1"]) == 0  # one of them refines
