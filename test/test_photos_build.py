from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from photo_collections import Collector, box_mask, rle, scene

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import PARTS_FOLDER
from training import cli
from training.photos import build as photos_build
from training.photos.expressions import caption_target, expressions
from training.photos.speech.queries import Judge
from training.photos.splits import split_of
from training.photos.write import scene_name

BOX, OTHER = (20, 30, 70, 90), (90, 40, 150, 110)


def photos(made: Collector, out: Path, *options: str) -> int:
    command = ["photos", "--coco", str(made.write()), "--images", str(made.images), "--out", str(out)]
    return cli.main([*command, *options])


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def many(root: Path, number: int = 12) -> Collector:
    made = Collector(root)
    for i in range(number):
        left = 5 + 3 * i
        made.picture(f"{i:012d}.jpg", [(1 + i % 3, (left, 30, left + 40, 90)), (4, OTHER)], annotated="coco80")
    return made


def test_a_dataset_with_sentences_of_the_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = many(tmp_path / "c")
    assert photos(made, tmp_path / "d", "--val", "0.3", "--test", "0.2") == 0
    assert cli.main(["check", str(tmp_path / "d")]) == 0
    data = Dataset(tmp_path / "d")
    assert len(data.images) == 12
    assert data.info["recipe"]["val"] == 0.3
    assert str(tmp_path) not in json.dumps(data.info)
    assert any(not i.annotation_ids for i in data.instructions)
    for instruction in data.instructions:
        image = data.images[instruction.image_id]
        name = f"{int(image.scene.removeprefix('COCO ')):012d}.jpg"
        assert instruction.split == split_of(name, 0.2, 0.3)
        assert instruction.source == "photos"
        assert instruction.expressions >= 1
        assert instruction.difficulty in ("easy", "medium", "hard")
    per_picture = [sum(i.image_id == image for i in data.instructions) for image in data.images]
    assert max(per_picture) <= 8
    assert "12 images" in capsys.readouterr().out


def test_exhaustive_pictures_may_have_a_test_part_of_their_own(tmp_path: Path) -> None:
    made = many(tmp_path / "c")
    for i in range(12, 24):
        made.picture(f"{i:012d}.jpg", [(1, BOX)])
    assert photos(made, tmp_path / "d", "--test", "0", "--test-exhaustive", "0.5", "--val", "0") == 0
    data = Dataset(tmp_path / "d")
    for instruction in data.instructions:
        number = int(data.images[instruction.image_id].scene.removeprefix("COCO "))
        assert instruction.split == split_of(f"{number:012d}.jpg", 0.5 if number < 12 else 0.0, 0.0)
    assert {i.split for i in data.instructions} == {"train", "test"}
    (group,) = data.info["exhaustive"]
    assert group["scenes"] == [scene_name(f"{i:012d}.jpg") for i in range(12)]
    assert set(group["categories"]) == {"cup", "chair", "dining table", "cat"}


def test_doubtful_objects_are_marked(tmp_path: Path) -> None:
    made = Collector(tmp_path / "c")
    made.picture("000000000001.jpg", [(1, BOX), (2, OTHER)], annotated="coco80")
    for record, reliable in zip(made.content["annotations"], (2, 1), strict=True):
        record["reliable"] = reliable
    assert photos(made, tmp_path / "d", "--test", "0", "--val", "0") == 0
    annotations = Dataset(tmp_path / "d").annotations.values()
    assert [annotation.attributes.get("reliable") for annotation in annotations] == [None, "1"]


def test_copies_of_a_picture_have_one_scene_and_one_split() -> None:
    assert scene_name("coco_train2017_000000000089.jpg") == scene_name("x/000000000089.png") == "COCO 89"
    assert scene_name("voc_2008_005064.jpg") == "photo 2008_005064"
    assert scene_name("kitchen.jpg") == "photo kitchen"


def test_per_picture_and_seed(tmp_path: Path) -> None:
    made = many(tmp_path / "c", 3)
    assert photos(made, tmp_path / "a", "--per-picture", "2", "--absent", "0") == 0
    assert photos(made, tmp_path / "b", "--per-picture", "2", "--absent", "0", "--seed", "1") == 0
    a, b = Dataset(tmp_path / "a").instructions, Dataset(tmp_path / "b").instructions
    assert len(a) == len(b) == 6
    assert [i.text for i in a] != [i.text for i in b]
    assert all(i.annotation_ids for i in a)


@pytest.mark.parametrize("options", [("--val", "1.5"), ("--per-picture", "-1")])
def test_values_out_of_range_are_refused(tmp_path: Path, options: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        photos(many(tmp_path / "c", 1), tmp_path / "d", *options)
    assert photos(many(tmp_path / "e", 1), tmp_path / "d", "--val", "0.6", "--test", "0.6") == 2


def test_what_cannot_be_used_is_counted_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Collector(tmp_path / "c")
    good = made.picture("good.jpg", [(2, OTHER)])
    made.annotation(good["id"], 1, None, BOX)  # a box without a mask
    made.annotation(good["id"], 4, [[-30.0, 5.0, 40.0, 5.0, 40.0, 20.0, -30.0, 20.0]], (0, 5, 40, 20))
    cut = made.picture("cut.jpg", [(1, BOX)])
    content = (made.images / "cut.jpg").read_bytes()
    (made.images / "cut.jpg").write_bytes(content[: len(content) // 2])
    empty = made.picture("empty.jpg", [])
    made.annotation(empty["id"], 1, rle(box_mask((0, 0, 0, 0))), BOX)
    assert photos(made, tmp_path / "d") == 0
    printed = capsys.readouterr()
    assert "1 annotations left out: no mask (annotation 2 of good.jpg)" in printed.out
    assert "1 masks cut at the picture's edge (annotation 3 of good.jpg)" in printed.out
    assert "1 images left out: no object with a usable mask (empty.jpg)" in printed.out
    assert "cut.jpg is not a readable image" in printed.err
    data = Dataset(tmp_path / "d")
    assert len(data.images) == 1
    assert cut["id"] == 2
    asked = {data.categories[data.annotations[a].category_id] for i in data.instructions for a in i.annotation_ids}
    assert asked == {"chair", "cat"}  # a cup is there, but nobody knows where


def test_a_picture_of_which_nothing_can_be_said_is_left_out(tmp_path: Path) -> None:
    made = Collector(tmp_path / "c")
    made.picture("one.jpg", [(1, BOX)], annotated="person_only")
    made.picture("two.jpg", [(1, BOX)])
    assert photos(made, tmp_path / "d") == 0
    assert [image.scene for image in Dataset(tmp_path / "d").images.values()] == ["photo two"]


def test_a_turned_picture_is_stored_upright(tmp_path: Path) -> None:
    made = Collector(tmp_path / "c")
    made.picture("a.jpg", [(1, BOX)])
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(made.images / "a.jpg") as picture:
        picture.transpose(Image.Transpose.ROTATE_90).save(made.images / "a.jpg", exif=exif, quality=95)
    assert photos(made, tmp_path / "d") == 0
    data = Dataset(tmp_path / "d")
    rgb, mask = data.image(1).astype(int), data.mask_of(1)
    assert (rgb[mask] - (200, 20, 20)).__abs__().mean() < 12  # the object is under its mask


# -- sentences of people -----------------------------------------------------------------------------------------------


def test_expressions_of_annotations_are_used_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Collector(tmp_path / "c")
    made.picture("a.jpg", [(1, BOX), (1, OTHER)])
    first, second = made.content["annotations"]
    first |= {"instruction": "Fetch my  mug", "instruction_source": "human (RefCOCO)", "phrase": "my mug"}
    second |= {"sentences": [{"raw": "the other one", "sent": "x"}, "that one", 7], "iscrowd": 0}
    made.annotation(1, 2, rle(box_mask((2, 2, 18, 18))), (2, 2, 18, 18), iscrowd=1, instruction="the crowd")
    assert photos(made, tmp_path / "d", "--per-picture", "0") == 0
    found = {i.text: (i.source, i.annotation_ids, i.distractors) for i in Dataset(tmp_path / "d").instructions}
    assert found == {
        "Fetch my mug": ("human", (1,), 1),
        "my mug": ("human", (1,), 1),
        "the other one": ("annotation", (2,), 1),
        "that one": ("annotation", (2,), 1),
    }
    assert "expressions left out: their annotation has no mask, or is a crowd" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("told", "source"),
    [("template", "template"), ("written by eye", "eye"), ("Human", "human"), (None, "annotation"), ("mine", "mine")],
)
def test_the_source_of_an_expression(told: str | None, source: str) -> None:
    record = {"instruction": "get it", "instruction_source": told}
    assert [(said.text, said.source) for said in expressions(record)] == [("get it", source)]


@pytest.mark.parametrize(
    ("caption", "target"),
    [
        ("A cat lying on a couch.", 0),
        ("A small gray cat is sleeping", 0),
        ("The cat, asleep on a couch", None),
        ("A cat and a dog on a couch", None),
        ("A group of cats on a couch", None),
        ("A man sitting in a chair", None),  # there are two people
        ("A picture of a cat on a bed", None),
        ("Cat on a couch", None),
        ("A room with a cat in it", None),
        ("A bird standing on a cat", None),
    ],
)
def test_captions_are_used_where_they_are_about_one_object(caption: str, target: int | None) -> None:
    picture = scene(("cat", BOX), ("person", (75, 20, 90, 100)), ("person", OTHER))
    assert caption_target(caption, Judge(picture)) == target


def test_captions_become_sentences(tmp_path: Path) -> None:
    made = Collector(tmp_path / "c")
    made.picture("a.jpg", [(4, BOX)])
    made.content["captions"] = [{"image_id": 1, "caption": t} for t in ("A cat sitting on a rug.", "What a nice room")]
    assert photos(made, tmp_path / "d", "--per-picture", "0") == 0
    (only,) = Dataset(tmp_path / "d").instructions
    assert (only.text, only.source, only.annotation_ids) == ("A cat sitting on a rug.", "caption", (1,))


def sentence(**changes: Any) -> dict[str, Any]:
    return {
        "file_name": "a.jpg",
        "annotation": 1,
        "category": "Cup",
        "bbox": [20, 30, 50, 60],
        "text": "the one I drink from",
        "writer": "anna",
        "beyond_rules": True,
    } | changes


def write_lines(path: Path, *records: object) -> Path:
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records) + "\n\n")
    return path


def test_sentences_by_eye(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Collector(tmp_path / "c")
    made.picture("a.jpg", [(1, BOX), (2, OTHER)])
    lines = write_lines(
        tmp_path / "train.jsonl",
        sentence(),
        sentence(text="my chair", annotation=2, category="chair", bbox=[95, 40, 55, 70], writer="bert"),
        sentence(category="chair"),
        sentence(bbox=[90, 40, 60, 70]),
        sentence(bbox="here"),
        sentence(annotation=9),
        sentence(file_name="z.jpg"),
        sentence(text=" "),
        sentence(text=None),
        {"file_name": "a.jpg"},
        "{broken",
    )
    assert photos(made, tmp_path / "d", "--per-picture", "0", "--sentences", str(lines)) == 0
    data = Dataset(tmp_path / "d")
    assert [(i.text, i.source, i.origin) for i in data.instructions] == [
        ("the one I drink from", "eye", "eye/anna/1"),
        ("my chair", "eye", "eye/bert/2"),
    ]
    assert data.instructions[0].annotation_ids == (1,)
    printed = capsys.readouterr().out
    for reason in (
        "another category than the annotation's (train.jsonl:3)",
        "another box than the annotation's (train.jsonl:4, train.jsonl:5)",
        "an annotation that the picture does not have (train.jsonl:6)",
        "sentences of pictures that this file does not have (train.jsonl:7)",
        "no words (train.jsonl:8)",
        "a field is no text (train.jsonl:9)",
        "a field is missing (train.jsonl:10)",
        "not JSON (train.jsonl:11)",
    ):
        assert reason in printed
    missing = ("--sentences", str(tmp_path / "none.jsonl"))
    assert photos(made, tmp_path / "e", *missing) == 2


@pytest.mark.parametrize(("name", "test", "used"), [("test", "1", True), ("test", "0", False), ("train", "1", False)])
def test_no_sentence_crosses_the_test_split(tmp_path: Path, name: str, test: str, used: bool) -> None:
    made = Collector(tmp_path / "c")
    made.picture("a.jpg", [(1, BOX)])
    lines = write_lines(tmp_path / f"{name}.jsonl", sentence())
    assert photos(made, tmp_path / "d", "--test", test, "--val", "0", "--sentences", str(lines)) == 0
    sources = [i.source for i in Dataset(tmp_path / "d").instructions]
    assert ("eye" in sources) is used


# -- resuming ----------------------------------------------------------------------------------------------------------


def build_in_a_process(made: Collector, out: Path, workers: int) -> subprocess.Popen[bytes]:
    call = (
        "import sys; from training.photos import build; build.PICTURES_A_PART = 2; from training import cli; "
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    command = ["photos", "--coco", str(made.write()), "--images", str(made.images), "--out", str(out)]
    return subprocess.Popen(
        [sys.executable, "-c", call, *command, "--workers", str(workers)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        start_new_session=True,
    )


@pytest.mark.slow
def test_killed_and_run_again_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos_build, "PICTURES_A_PART", 2)
    made = many(tmp_path / "c", 40)
    assert photos(made, tmp_path / "whole") == 0
    process = build_in_a_process(made, tmp_path / "torn", workers=1)
    parts, deadline = tmp_path / "torn" / PARTS_FOLDER, time.monotonic() + 100
    while len(list(parts.glob("0*.json"))) < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "torn/annotations.json").exists()
    done = len(list(parts.glob("0*.json")))
    assert done < 20
    assert photos(made, tmp_path / "torn") == 0
    assert contents(tmp_path / "torn") == contents(tmp_path / "whole")


def test_another_recipe_is_not_mixed_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = many(tmp_path / "c", 2)
    assert photos(made, tmp_path / "d") == 0
    before = contents(tmp_path / "d")
    assert photos(made, tmp_path / "d") == 0
    assert photos(made, tmp_path / "d", "--seed", "5") == 2
    assert "choose another folder" in capsys.readouterr().err
    assert contents(tmp_path / "d") == before


SHARED = Path(__file__).parents[1] / "../shared/data/photos"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared photographs are not here")
def test_the_shared_photographs(tmp_path: Path) -> None:
    content = json.loads((SHARED / "annotations.json").read_text())
    kept = {image["id"] for image in content["images"][:6]}
    content["images"] = content["images"][:6]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] in kept]
    (tmp_path / "coco.json").write_text(json.dumps(content))
    images = str(SHARED / "images")
    assert (
        cli.main(["photos", "--coco", str(tmp_path / "coco.json"), "--images", images, "--out", str(tmp_path / "d")])
        == 0
    )
    assert cli.main(["check", str(tmp_path / "d")]) == 0
    assert len(Dataset(tmp_path / "d").instructions) > 30
