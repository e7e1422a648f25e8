"""Numbers out of range are refused by the parser: further on they end in a traceback, or in a wrong result."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

import pytest
from boxes import write_boxes

from mdsm_ros.arguments import natural
from mdsm_ros.commands import main as mdsm
from mdsm_ros.dataset.format import Dataset
from training import cli

OTHERS = {
    "mdsm-evaluate": "training.evaluation.evaluate",
    "mdsm-ablate": "training.evaluation.ablate",
    "mdsm-compare": "training.evaluation.compare",
    "mdsm-calibrate": "training.evaluation.calibrate",
    "mdsm-train": "training.train.command",
    "mdsm-train-latent": "training.latent.command",
}
MODULES = {
    **{f"mdsm-data {name}": module for name, (module, _) in cli.COMMANDS.items()},
    **{f"mdsm {name}": module for name, (module, _) in mdsm.COMMANDS.items()},
    **OTHERS,
}
# answered by the model itself, and names of instructions
CHECKED_LATER = {("mdsm segment", "--seed"), ("mdsm-data view", "--ids")}


def options_with(command: str, kind: object) -> set[str]:
    parser = argparse.ArgumentParser()
    import_module(MODULES[command]).add_arguments(parser)
    return {action.option_strings[-1] for action in parser._actions if action.type is kind}


@pytest.mark.parametrize("command", sorted(MODULES))
def test_every_whole_number_has_a_range(command: str) -> None:
    assert {(command, option) for option in options_with(command, int)} <= CHECKED_LATER


@pytest.mark.parametrize(
    "words",
    [
        "captions DATA --out OUT --seed -1",
        "captions DATA --out OUT --workers 0",
        "check DATA --workers 0",
        "view DATA --seed -1",
        "homes --images -1 --out OUT",
        "homes --seed-offset -1 --out OUT",
        "generate --model DATA --prompt x --batch 0",
        "synthesize --model DATA --out OUT --train -1",
        "grounding --model DATA --number 0",
        "growth --images 0 1",
        "voc --root DATA --absent -1 --out OUT",
        "bag-labels DATA --every 0 --out OUT",
        "photos --coco DATA --images DATA --out OUT --test 1.5",
        "shimrie --matterport DATA --reverie DATA --out OUT --min-area 2",
    ],
)
def test_what_is_out_of_range_is_said(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = {"DATA": str(tmp_path), "OUT": str(tmp_path / "out")}
    with pytest.raises(SystemExit) as ended:
        cli.main([places.get(word, word) for word in words.split()])
    assert ended.value.code == 2
    assert "is out of range, expected" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_zero_is_a_natural_number() -> None:
    assert natural("0") == 0
    with pytest.raises(argparse.ArgumentTypeError, match="-3 is out of range, expected 0 or more"):
        natural("-3")


def test_questions_about_a_dataset_whose_categories_are_all_in_view(tmp_path: Path) -> None:
    write_boxes(tmp_path / "boxes", "train", 3)
    assert cli.main(["captions", str(tmp_path / "boxes"), "--questions", "--out", str(tmp_path / "questions")]) == 0
    data = Dataset(tmp_path / "questions")
    assert data.instructions
    assert all(instruction.annotation_ids for instruction in data.instructions)
