from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.pictures.sheet import contact_sheet
from training import cli
from training.datasets.view import MARK, marked, outline

LONG = "go to the " + "very " * 60 + "large mug"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A gray image with a mug on the left and a book on the right; four instructions."""
    root = tmp_path / "d"
    with DatasetWriter(root, ["mug", "book"]) as writer:
        image_id = writer.add_image(np.full((48, 64, 3), 128, dtype=np.uint8))
        mug, book = np.zeros((2, 48, 64), dtype=bool)
        mug[:, :20], book[:, 40:] = True, True
        ids = [writer.add_annotation(image_id, "mug", mug), writer.add_annotation(image_id, "book", book)]
        add = partial(writer.add_instruction, image_id, source="test", expressions=1, distractors=0)
        add(ids[:1], "get the mug", split="train", difficulty="easy")
        add(ids[1:], "get the book", split="val", difficulty="hard")
        add([], "get the lamp", split="train", difficulty="easy")
        add(ids[:1], LONG, split="train", difficulty="medium")
    return root


def is_marked(picture: Image.Image, column: float) -> bool:
    """Whether the target's colour shows at a share of the width, in the middle of the picture's height."""
    red, green, blue = picture.getpixel((int(column * picture.width), 60))  # type: ignore[misc]
    return red > green + 30 and blue > green + 30


@pytest.mark.parametrize(
    ("options", "left", "right"),
    [
        (["--ids", "1"], True, False),
        (["--ids", "2"], False, True),
        (["--split", "val"], False, True),
        (["--category", "book"], False, True),
        (["--difficulty", "hard"], False, True),
        (["--absent"], False, False),
    ],
)
def test_the_asked_for_target_is_marked(
    dataset: Path, tmp_path: Path, options: list[str], left: bool, right: bool
) -> None:
    out = tmp_path / "sheet.png"
    number = [] if "--ids" in options else ["--count", "1"]
    assert cli.main(["view", str(dataset), "--out", str(out), *number, *options]) == 0
    picture = Image.open(out)
    assert (is_marked(picture, 0.15), is_marked(picture, 0.85)) == (left, right)
    assert not is_marked(picture, 0.5)


def test_a_long_caption_gets_the_lines_it_needs(dataset: Path, tmp_path: Path) -> None:
    heights = []
    for number in (1, 4):
        out = tmp_path / f"{number}.png"
        assert cli.main(["view", str(dataset), "--out", str(out), "--ids", str(number)]) == 0
        picture = np.asarray(Image.open(out).convert("L"))
        heights.append(picture.shape[0])
        assert (picture[-4:] == 255).all()  # nothing is cut off below
        assert (picture[250:, -3:] == 255).all()  # nor on the right
        assert (picture[240:] < 100).any()
    assert heights[1] > heights[0] + 60


def test_nothing_to_show_is_said(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["view", str(dataset), "--split", "test"]) == 2
    assert "no instruction is such" in capsys.readouterr().err
    assert cli.main(["view", str(dataset), "--ids", "9"]) == 2
    assert "--ids names [9], expected 1 to 4" in capsys.readouterr().err
    for options in (["--ids", "1", "--split", "test"], ["--web", "--split", "test"]):
        assert cli.main(["view", str(dataset), *options]) == 2
        assert f"--split is 'test', expected none with {options[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--web", "--columns", "5"], "--columns is 5, expected none with --web"),
        (["--web", "--out", "a.png"], "--out is 'a.png', expected none with --web"),
        (["--web", "--count", "3"], "--count is 3, expected none with --web"),
        (["--web", "--seed", "0"], "--seed is 0, expected none with --web"),
        (["--web", "--ids", "1"], "--ids is [1], expected none with --web"),
        (["--ascii", "--width", "9"], "--width is 9, expected none with --ascii"),
        (["--ids", "1", "--count", "3"], "--count is 3, expected none with --ids"),
        (["--ascii", "--ids", "1", "--absent"], "--absent is True, expected none with --ids"),
        (["--port", "80"], "--port is 80, expected it only with --web"),
        (["--model", "clipseg"], "--model is 'clipseg', expected it only with --web"),
    ],
)
def test_options_without_effect(
    dataset: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.setattr("training.datasets.view.open_page", lambda _: 0)
    assert cli.main(["view", str(dataset), *options]) == 2
    assert message in capsys.readouterr().err


def test_in_the_terminal(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["view", str(dataset), "--ascii", "--ids", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith("###")
    assert not lines[3].rstrip().endswith("#")


def test_tiles_stand_in_rows() -> None:
    tiles = [Image.new("RGB", (10, 5 + i), "black") for i in range(3)]
    assert contact_sheet(tiles, columns=2).size == (20, 6 + 7)


def test_outline_and_tint() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[2:6, 2:6] = True
    assert outline(mask).sum() == 12
    image = marked(np.zeros((8, 8, 3), dtype=np.uint8), mask)
    assert (image[2, 2] == MARK).all()
    assert 0 < image[3, 3, 0] < 255
    assert image[~mask].sum() == 0
