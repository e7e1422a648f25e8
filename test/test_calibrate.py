from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from boxes import write_boxes

from mdsm_ros.segmenter import Segmenter
from training.evaluation import calibrate
from training.evaluation.analysis import Answered


def answered(in_view: bool, score: float, iou: float = 0.0) -> Answered:
    counts = {stage: (round(100 * iou), 100) for stage in ("initial", "refined")}
    return Answered(in_view, counts, True, dict.fromkeys(counts, 0.0), score=score)


ANSWERS = [answered(True, 0.9, 0.8), answered(True, 0.4, 0.5), answered(False, 0.3), answered(False, 0.7)]


def test_curve_by_hand() -> None:
    figures = calibrate.curve(ANSWERS, (0.0, 0.35, 0.5, 0.8))
    assert [row["gIoU"] for row in figures.values()] == pytest.approx([1.3 / 4, 2.3 / 4, 1.8 / 4, 2.8 / 4])
    assert [row["recall"] for row in figures.values()] == [0, 0.5, 0.5, 1]
    assert [row["precision"] for row in figures.values()] == pytest.approx([0, 1, 1 / 2, 2 / 3])
    assert [row["target accuracy"] for row in figures.values()] == [1, 1, 0.5, 0.5]


def row(target_accuracy: float, giou: float) -> dict[str, float]:
    return {"target accuracy": target_accuracy, "gIoU": giou}


@pytest.mark.parametrize(
    ("figures", "chosen"),
    [
        ({0.4: row(1.0, 0.30), 0.6: row(0.95, 0.40), 0.9: row(0.92, 0.45)}, 0.9),  # clearly better
        ({0.4: row(1.0, 0.30), 0.6: row(0.95, 0.40), 0.9: row(0.92, 0.405)}, 0.6),  # by less than the noise
        ({0.4: row(1.0, 0.30), 0.6: row(0.95, 0.40), 0.9: row(0.70, 0.60)}, 0.6),  # denies too many targets
        ({0.4: row(0.8, 0.30), 0.6: row(0.8, 0.40), 0.9: row(0.5, 0.60)}, 0.6),  # all do: masks are empty
    ],
)
def test_a_threshold_changes_only_for_a_gain(figures: dict[float, dict[str, float]], chosen: float) -> None:
    assert calibrate.best_threshold(figures, 0.5) == chosen


@pytest.mark.slow
def test_the_best_threshold_is_written(
    untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(untrained_weights, model)
    write_boxes(tmp_path / "val", "val", 5)
    options = ["--model", str(model), "--data", str(tmp_path / "val"), "--device", "cpu"]
    before = json.loads((model / "config.json").read_text())
    assert calibrate.main(options) == 0
    assert json.loads((model / "config.json").read_text()) == before
    assert calibrate.main([*options, "--write"]) == 0
    after = json.loads((model / "config.json").read_text())
    assert before | {"present_threshold": after["present_threshold"]} == after
    printed = capsys.readouterr().out
    assert printed.count("| 0.95 |") == 2
    assert f"chosen by gIoU on 11 instructions of 'val': {after['present_threshold']}" in printed
    assert Segmenter.from_pretrained(model, device="cpu").defaults.present_threshold == after["present_threshold"]


def test_no_such_data(untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate.main(["--model", str(untrained_weights), "--data", str(tmp_path)]) == 2
    assert "annotations.json is missing" in capsys.readouterr().err
