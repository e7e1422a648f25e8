"""Browsing and trying without a browser: filters, orders, answers step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from web_stand_ins import HEIGHT, LEFT, WIDTH, RedModel, left_mask, picture, shelf

from mdsm_ros.commands.web.browsing import browser as browsing
from mdsm_ros.commands.web.browsing.browser import Browser, Filter, Tile
from mdsm_ros.commands.web.browsing.gallery import gallery_html
from mdsm_ros.commands.web.shelf import ModelShelf
from mdsm_ros.commands.web.trying.tryout import Choices, trials
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import CommandError, InstructionError, SettingsError

CHOICES = Choices(2, 1, 0.5, 0.5, 0)


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """A right mask of both objects, one of the left alone, one that is wrong and small, and one not in view."""
    both, wrong = np.zeros((2, HEIGHT, WIDTH), bool)
    both[:] = picture()[..., 0] > 100
    wrong[0:4, 0:4] = True
    with DatasetWriter(tmp_path, ["box"]) as writer:
        for text, mask, split, difficulty in (
            ("get the red boxes", both, "train", "easy"),
            ("get the box on the left", left_mask(), "val", "medium"),
            ("take the Lamp", wrong, "train", ""),
            ("get the kettle", None, "train", "easy"),
        ):
            image = writer.add_image(picture())
            ids = [] if mask is None else [writer.add_annotation(image, "box", mask)]
            writer.add_instruction(
                image, ids, text, split=split, source="test", expressions=1, distractors=0, difficulty=difficulty
            )
    return Browser(Dataset(tmp_path), shelf())


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Filter(), [1, 2, 3, 4]),
        (Filter(text=" lamp"), [3]),
        (Filter(size="below 1 %"), [3]),
        (Filter(size="above 5 %"), [1, 2]),
        (Filter(size="1 % to 5 %"), []),
        (Filter(size="not in view"), [4]),
        (Filter(difficulty="easy", split="train"), [1, 4]),
        (Filter(order="smallest first"), [3, 2, 1, 4]),
        (Filter(order="wrong masks first"), [3, 4, 2, 1]),
    ],
)
def test_filters_and_orders(browser: Browser, wanted: Filter, ids: list[int]) -> None:
    assert [instruction.id for instruction in browser.find(wanted)] == ids


def test_the_model_is_asked_once_and_only_where_its_answer_counts(browser: Browser) -> None:
    asked: list[tuple[int, int]] = []
    browser.find(Filter(), lambda *done: asked.append(done))
    assert asked == []
    found = browser.find(Filter(order="wrong masks first"), lambda *done: asked.append(done))
    assert asked == [(n, 4) for n in range(4)]
    assert "IoU of the model 0.00" in browser.tiles(found, 0)[0].caption
    with pytest.raises(CommandError, match="expected sizes and orders"):
        browser.find(Filter(order="../"))  # type: ignore[arg-type]


def test_pages_hold_some_of_the_instructions(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsing, "PAGE", 3)
    found = browser.find(Filter())
    assert [len(browser.tiles(found, page)) for page in (0, 1, 2)] == [3, 1, 0]
    tile = browser.tiles(found, 0)[1]
    assert "2. get the box on the left, 16.7% of the image, medium" in tile.caption
    shown = gallery_html([Tile(tile.picture, "<script>alert(1)</script>")])
    assert "<script>" not in shown
    assert shown.count("<img") == 1
    assert tuple(tile.picture[20, LEFT.start]) == (0, 220, 60)  # the outline of the right mask


def test_an_answer_comes_step_by_step(browser: Browser) -> None:
    first, final = trials(shelf(), picture(), " get  the boxes", "reds", CHOICES)
    assert first.refined is None
    assert first.verdict.startswith("In view")
    assert "initial" in first.verdict
    assert final.refined is not None
    assert final.regions is not None
    assert "refined" in final.verdict
    assert final.attention is None  # this model shows none
    assert not np.array_equal(final.initial, picture())


def test_wrong_questions_are_refused(browser: Browser) -> None:
    for instruction, choices, error in (
        ("", CHOICES, InstructionError),
        ("get it", Choices(51, 1, 0.5, 0.5, 0), SettingsError),
        ("get it", Choices(2, 1, 1.5, 0.5, 0), SettingsError),
    ):
        with pytest.raises(error):
            list(trials(shelf(), picture(), instruction, "reds", choices))
    with pytest.raises(CommandError, match="model is '/etc', expected one of reds"):
        list(trials(shelf(), picture(), "get it", "/etc", CHOICES))


def test_one_model_is_in_memory_at_a_time() -> None:
    made: list[RedModel] = []

    def load(name: str) -> RedModel:
        made.append(RedModel(name))
        return made[-1]

    models = ModelShelf(["a", "b"], load)  # type: ignore[arg-type]
    assert models.defaults().num_inference_steps == 2
    with models.model("b") as second:
        assert second.name == "b"
    assert [(model.name, model.closed) for model in made] == [("a", True), ("b", False)]
