"""The photographs of the demo: those that come with the package, and reading, answering and drawing them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mdsm_ros.commands import main as cli
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.demo import BUNDLED_PHOTOGRAPHS
from mdsm_ros.demo.photographs import Answer, Question, read_questions, write_sheet
from mdsm_ros.demo.run import DemoOptions
from mdsm_ros.errors import DemoError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.pictures.overlay import COLOR, TRUTH_COLOR

HALF = np.zeros((60, 80), bool)
HALF[:, :40] = True
NOTHING = np.zeros_like(HALF)


def answer(truth: np.ndarray, mask: np.ndarray) -> Answer:
    found = Segmentation(mask, mask.astype(np.float32), None, 0.75, bool(mask.any()), "refined", {"total": 0.1})
    return Answer(Question("get the red cup", "COCO 1, CC BY 2.0", np.zeros((60, 80, 3), np.uint8), truth), found)


def test_six_small_photographs_with_one_or_two_instructions_come_with_the_package() -> None:
    data = Dataset(BUNDLED_PHOTOGRAPHS)
    files = {record.file_name for record in data.images.values()}
    assert len(files) == 6
    assert {file.name for file in BUNDLED_PHOTOGRAPHS.iterdir()} == files | {"annotations.json", "CREDITS.md"}
    assert sum((BUNDLED_PHOTOGRAPHS / name).stat().st_size for name in files) < 600e3
    assert all(max(record.width, record.height) <= 640 for record in data.images.values())
    asked = [instruction.image_id for instruction in data.instructions]
    assert {asked.count(number) for number in data.images} <= {1, 2}
    assert all(i.words == len(i.text.split()) for i in data.instructions)


def test_their_truths_lie_in_the_pictures_and_one_thing_is_in_none() -> None:
    data = Dataset(BUNDLED_PHOTOGRAPHS)
    for annotation in data.annotations.values():
        mask = data.mask_of(annotation.id)
        rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
        x, y, width, height = annotation.bbox
        assert x <= columns[0] + 1
        assert y <= rows[0] + 1
        assert x + width >= columns[-1]
        assert y + height >= rows[-1]
        assert mask.sum() == annotation.area
    questions = read_questions(BUNDLED_PHOTOGRAPHS)
    assert all(question.truth.shape == question.image.shape[:2] for question in questions)
    assert sum(not question.truth.any() for question in questions) == 1
    assert all(question.truth.mean() > 0.01 for question in questions if question.truth.any())


def test_the_credits_name_every_photograph_with_its_page_and_licence() -> None:
    credits = (BUNDLED_PHOTOGRAPHS / "CREDITS.md").read_text(encoding="utf-8").splitlines()
    for record in Dataset(BUNDLED_PHOTOGRAPHS).images.values():
        (line,) = [line for line in credits if line.startswith(f"| {record.file_name} |")]
        assert f"[{record.scene}]" in line
        assert "https://www.flickr.com/photo.gne?id=" in line
        assert "[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/)" in line
    assert {question.credit.split(", ")[1] for question in read_questions(BUNDLED_PHOTOGRAPHS)} == {"CC BY 2.0"}


def test_photographs_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    with pytest.raises(DemoError, match=r"the photographs cannot be read: .*annotations.json is missing"):
        read_questions(folder)
    shutil.copytree(BUNDLED_PHOTOGRAPHS, folder)
    (folder / "kitchen.jpg").write_text("no picture")
    with pytest.raises(DemoError, match=r"cannot be read: .*kitchen.jpg is not a readable image"):
        read_questions(folder)
    content = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    (folder / "annotations.json").write_text(json.dumps(content | {"instructions": []}), encoding="utf-8")
    with pytest.raises(DemoError, match="have no instructions"):
        read_questions(folder)


def test_verdicts() -> None:
    assert answer(HALF, HALF).verdict == "[found, IoU 1.00; answer: in view, score 0.75]"
    assert answer(HALF, NOTHING).verdict == "[not found, IoU 0.00; answer: not in view, score 0.75]"
    assert answer(NOTHING, HALF).verdict == "[it is not in view; a false mask; answer: in view, score 0.75]"
    assert answer(NOTHING, NOTHING).verdict == "[it is not in view; no mask; answer: not in view, score 0.75]"


def test_the_sheet_shows_answers_and_truths(tmp_path: Path) -> None:
    write_sheet(tmp_path / "out" / "sheet.png", [answer(HALF, ~HALF), answer(NOTHING, NOTHING)])
    pixels = np.asarray(Image.open(tmp_path / "out" / "sheet.png"))
    assert pixels.shape[1] == 800
    for color in (COLOR, TRUTH_COLOR):
        drawn = (pixels == color).all(axis=2)
        assert drawn[:300, :400].any()
        assert not drawn[:300, 400:].any()


@pytest.mark.slow
def test_the_demo_answers_them_without_ros_whatever_the_answers_are(
    untrained_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rclpy", None)
    command = ["demo", "--photographs", "--model", str(untrained_weights), "--device", "cpu", "--steps", "1"]
    assert cli.main([*command, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for number, question in enumerate(read_questions(BUNDLED_PHOTOGRAPHS), 1):
        assert f"{number}. {question.instruction} [" in printed
    assert "CREDITS.md" in printed
    assert Image.open(tmp_path / "photographs.png").width == 2000


@pytest.mark.parametrize(
    ("arguments", "does"),
    [
        ([], ["bag", "photographs"]),
        (["--bag", str(BUNDLED_PHOTOGRAPHS)], ["bag"]),
        (["--photographs"], ["photographs"]),
    ],
)
def test_what_the_demo_does(arguments: list[str], does: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def bag(path: Path | None, options: DemoOptions) -> int:
        done.append("bag")
        return 1  # faults

    def photographs(options: DemoOptions, segmenter: None) -> int:
        done.append("photographs")
        return 0

    monkeypatch.setattr("mdsm_ros.demo.run.run_bag", bag)
    monkeypatch.setattr("mdsm_ros.demo.run.run_photographs", photographs)
    monkeypatch.setattr("mdsm_ros.commands.demo.load_segmenter", lambda model, device: None)
    assert cli.main(["demo", *arguments]) == int("bag" in does)
    assert done == does
