"""Captioned pictures around the objects of a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.language.prompts import photograph_of
from training.cli import main
from training.drawn.captions import SOURCE

PAINT = {"armchair": (200, 30, 30), "boots": (30, 160, 60), "tv": (40, 60, 200), "mug": (220, 200, 40)}
BOXES = {  # left, top, right, bottom
    "armchair": (20, 40, 90, 120),
    "boots": (120, 60, 160, 110),
    "tv": (236, 60, 256, 90),  # cut by the border
    "mug": (100, 10, 108, 18),  # too small to be recognised
}
UNSEEN = ("lamp", "vase", "rug")
SIZE = (192, 256)
VIEWS = 6


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Views of four boxes, each in the colour of its kind; one instruction for the tv, one for what is not in view."""
    root = tmp_path_factory.mktemp("captions") / "painted"
    with DatasetWriter(root, [*PAINT, *UNSEEN], info={"source": "test", "may_share": [["train", "val"]]}) as writer:
        for number in range(VIEWS):
            picture = np.full((*SIZE, 3), 120, dtype=np.uint8)
            masks = {}
            for kind, (left, top, right, bottom) in BOXES.items():
                masks[kind] = np.zeros(SIZE, dtype=bool)
                masks[kind][top + number : bottom + number, left:right] = True
                picture[masks[kind]] = PAINT[kind]
            image_id = writer.add_image(picture, scene=f"home {number}")
            ids = {kind: writer.add_annotation(image_id, kind, mask, {"room": "den"}) for kind, mask in masks.items()}
            options = {"split": "train" if number else "val", "source": "test", "expressions": 1, "distractors": 0}
            writer.add_instruction(image_id, [ids["tv"]], "Switch off the tv", **options)  # type: ignore[arg-type]
            writer.add_instruction(image_id, [], "Get the lamp", **options)  # type: ignore[arg-type]
    return root


@pytest.fixture(scope="module")
def captioned(painted: Path) -> Dataset:
    out = painted.parent / "captioned"
    assert main(["captions", str(painted), "--out", str(out)]) == 0
    return Dataset(out)


def _crops(data: Dataset) -> list[int]:
    return [i for i, record in data.images.items() if (record.height, record.width) != SIZE]


def test_masks_lie_on_what_the_caption_names(captioned: Dataset) -> None:
    captions = [i for i in captioned.instructions if i.source == SOURCE and i.image_id in _crops(captioned)]
    assert captions
    for caption in captions:
        image = captioned.image(caption.image_id).astype(int)
        targets = [captioned.annotations[i] for i in caption.annotation_ids]
        kinds = [captioned.categories[target.category_id] for target in targets]
        assert caption.text in (photograph_of(kinds), photograph_of(kinds[::-1]))
        rest = ~captioned.mask(caption)
        for target, kind in zip(targets, kinds, strict=True):
            mask = captioned.mask_of(target.id)
            left, top, right, bottom = BOXES[kind]
            assert mask.sum() == (right - left) * (bottom - top), "the whole object is in the crop"
            assert np.abs(image[mask].mean(axis=0) - PAINT[kind]).max() < 8
            assert np.abs(image[rest] - PAINT[kind]).max(axis=1).min() > 20


def test_crops_are_made_around_whole_and_large_things_alone_and_in_pairs(captioned: Dataset) -> None:
    texts = {i.text for i in captioned.instructions if i.image_id in _crops(captioned)}
    singles = {"a photograph of an armchair", "a photograph of boots"}
    pairs = {"a photograph of an armchair and boots", "a photograph of boots and an armchair"}
    assert singles <= texts <= singles | pairs
    assert texts & pairs
    for image_id in _crops(captioned):
        record = captioned.images[image_id]
        assert record.width == record.height


def test_whole_views_list_what_is_seen_and_keep_the_instructions_that_can_be_met(captioned: Dataset) -> None:
    views = [i for i in captioned.images if i not in _crops(captioned)]
    assert len(views) == VIEWS
    for image_id in views:
        texts = [i.text for i in captioned.instructions if i.image_id == image_id]
        assert texts == ["a photograph of a den with an armchair, boots and a tv", "Switch off the tv"]
    (seen,) = {i.annotation_ids for i in captioned.instructions if i.image_id == views[0] and i.source == "test"}
    assert captioned.categories[captioned.annotations[seen[0]].category_id] == "tv"


def test_splits_scenes_and_the_way_back_are_carried_over(captioned: Dataset, painted: Path) -> None:
    source = Dataset(painted)
    for instruction in captioned.instructions:
        scene = captioned.images[instruction.image_id].scene
        assert instruction.split == ("val" if scene == "home 0" else "train")
        if instruction.source == SOURCE:
            assert instruction.origin in {record.file_name for record in source.images.values()}
    assert captioned.info["may_share"] == source.info["may_share"]


def test_the_seed_decides_and_the_number_of_workers_does_not(captioned: Dataset, painted: Path) -> None:
    outs = [painted.parent / name for name in ("again", "other")]
    assert main(["captions", str(painted), "--out", str(outs[0]), "--workers", "2"]) == 0
    assert main(["captions", str(painted), "--out", str(outs[1]), "--seed", "1"]) == 0
    ours, again, other = ((root / "annotations.json").read_bytes() for root in (captioned.root, *outs))
    assert again == ours
    assert other != ours
    for record in captioned.images.values():
        assert (outs[0] / record.file_name).read_bytes() == (captioned.root / record.file_name).read_bytes()


@pytest.mark.parametrize(("part", "absent"), [(None, 1), ("0", 0), ("0.75", 3)])
def test_the_share_of_questions_about_what_is_not_there(
    part: str | None, absent: int, painted: Path, tmp_path: Path
) -> None:
    """``absent`` for each question about what is there, but not more than the dataset has other categories."""
    options = [] if part is None else ["--absent-share", part]
    assert main(["captions", str(painted), "--questions", *options, "--out", str(tmp_path / "out")]) == 0
    data = Dataset(tmp_path / "out")
    for image_id in data.images:
        asked = [i for i in data.instructions if i.image_id == image_id]
        present = sum(bool(i.annotation_ids) for i in asked)
        assert present
        assert len(asked) - present == min(absent * present, len(UNSEEN))


def test_small_shares_of_questions_hold_over_many_images(painted: Path, tmp_path: Path) -> None:
    """No image has a whole question to spare at such a share."""
    options = ["--questions", "--absent-share", "0.25"]
    present = absent = 0
    for seed in range(12):
        out = tmp_path / str(seed)
        assert main(["captions", str(painted), *options, "--seed", str(seed), "--out", str(out)]) == 0
        for instruction in Dataset(out).instructions:
            present, absent = present + bool(instruction.annotation_ids), absent + (not instruction.annotation_ids)
    assert absent / (present + absent) == pytest.approx(0.25, abs=0.06)


def test_questions_by_seen_and_unseen_categories(painted: Path, tmp_path: Path) -> None:
    """Training never asks about an unseen category; the splits of the other questions are the groups."""
    (tmp_path / "split.yaml").write_text("seen: [boots, lamp]\nunseen: [armchair, vase]\n")
    options = ["--questions", "--categories", str(tmp_path / "split.yaml")]
    assert main(["captions", str(painted), *options, "--out", str(tmp_path / "out")]) == 0
    data = Dataset(tmp_path / "out")
    assert list(data.categories.values())[:4] == ["boots", "lamp", "armchair", "vase"]
    asked: dict[str, set[str]] = {}
    for instruction in data.instructions:
        asked.setdefault(instruction.split, set()).add(instruction.text.removeprefix("a photograph of "))
        assert (instruction.split == "train") == (data.images[instruction.image_id].scene != "home 0")
    assert asked["train"] == {"boots", "a lamp"}
    assert "boots" in asked["seen"] <= {"boots", "a lamp"}
    assert "an armchair" in asked["unseen"] <= {"an armchair", "a vase"}
    assert {i.image_id for i in data.instructions} == set(data.images), "no image without a question"
    assert data.info["may_share"] == [["seen", "train"], ["seen", "unseen"], ["train", "unseen"]]
    assert main(["check", str(tmp_path / "out")]) == 0


def test_questions_about_absent_categories_are_of_the_same_split(painted: Path, tmp_path: Path) -> None:
    (tmp_path / "split.yaml").write_text("seen: [boots, lamp, vase]\nunseen: [armchair, rug]\n")
    options = ["--questions", "--categories", str(tmp_path / "split.yaml")]
    assert main(["captions", str(painted), *options, "--out", str(tmp_path / "out")]) == 0
    present: dict[str, int] = {}
    for instruction in Dataset(tmp_path / "out").instructions:
        present[instruction.split] = present.get(instruction.split, 0) + (1 if instruction.annotation_ids else -1)
    assert present == {"train": 0, "seen": 0, "unseen": 0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--categories", "homes"], "--categories is homes, expected it only with --questions"),
        (["--absent-share", "0.2"], "--absent-share is 0.2, expected it only with --questions"),
        (["--questions", "--absent-share", "1"], "1 is out of range, expected less than 1"),
    ],
)
def test_other_shares_of_questions_are_refused(
    options: list[str], message: str, painted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["captions", str(painted), *options, "--out", str(tmp_path / "out")])
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == 2
    assert message in capsys.readouterr().err


def test_what_is_not_there_is_an_error_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["captions", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("kinds", "place", "text"),
    [
        (["chair"], None, "a photograph of a chair"),
        (["office chair", "wine glass"], None, "a photograph of an office chair and a wine glass"),
        (["shoes", "stack of books"], None, "a photograph of shoes and a stack of books"),
        (["sofa", "rug", "tv"], "office", "a photograph of an office with a sofa, a rug and a tv"),
    ],
)
def test_captions_are_english(kinds: list[str], place: str | None, text: str) -> None:
    assert photograph_of(kinds, place) == text
