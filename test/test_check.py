"""Each thing that ``mdsm-data check`` finds, made to happen in an otherwise sound dataset."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mdsm_ros.dataset.writer import DatasetWriter, encode_mask
from training import cli

Content = dict[str, Any]


def write(root: Path, split: str, seed: int = 0, may_share: list[list[str]] | None = None) -> Path:
    """Three images in three scenes, with depth, two things each."""
    rng = np.random.default_rng(seed)
    info = {"source": "test", "recipe": {}, "may_share": may_share or []}
    with DatasetWriter(root, ["mug", "book"], info=info) as writer:
        for scene in range(3):
            rgb = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
            image_id = writer.add_image(rgb, depth=np.ones((24, 32), np.float32), scene=f"{seed} {scene}")
            ids = []
            for kind, at in (("mug", 2), ("book", 12)):
                mask = np.zeros((24, 32), bool)
                mask[at : at + 6, at : at + 8] = True
                ids.append(writer.add_annotation(image_id, kind, mask, occlusion=0.1))
            for number, target in enumerate((ids[:1], [])):
                text = f"get the thing {number}"
                writer.add_instruction(image_id, target, text, split=split, source="test", expressions=1, distractors=0)
    return root


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write(tmp_path / "sound", "train")


def edit(root: Path, change: Callable[[Content], object]) -> None:
    path = root / "annotations.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_sound_dataset_passes(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(sound)]) == 0
    assert capsys.readouterr().out == "3 images, 6 instructions: nothing wrong\n"


def cut_short(segmentation: dict[str, Any]) -> dict[str, Any]:
    segmentation["counts"] = segmentation["counts"][:-4]
    return segmentation


EMPTY = encode_mask(np.zeros((24, 32), bool))


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda c: c["annotations"][0].update(area=1), "area differs from the mask's"),
        (lambda c: c["annotations"][0].update(bbox=[0, 0, 5, 5]), "bbox differs from the mask's"),
        (lambda c: c["annotations"][0].update(segmentation=EMPTY, area=0, bbox=[0, 0, 0, 0]), "empty mask"),
        (lambda c: c["annotations"][0]["segmentation"].update(size=[5, 5]), "damaged mask"),
        (lambda c: c["annotations"][0].update(occlusion=1.5), "occlusion out of range"),
        (lambda c: c["annotations"][1].update(image_id=77), "annotation of an image that is not there"),
        (lambda c: c["annotations"][1].update(category_id=77), "annotation of a category that is not there"),
        (lambda c: c["instructions"][0].update(annotation_ids=[5]), "target in another image"),
        (lambda c: c["instructions"][0].update(words=99), "number of words is wrong"),
        (lambda c: c["instructions"][0].update(text="?!", words=1), "instruction without words"),
        (lambda c: c["instructions"][1].update(text="GET the thing 0"), "same sentence twice about an image"),
        (lambda c: c["images"][1].update(file_name="images/000001.jpg"), "image used more than once"),
        (lambda c: c["images"][0].update(height=25), "unreadable image"),
        (lambda c: c["instructions"][1].update(split="val"), "image in splits train and val"),
        (lambda c: [i.update(split="val") for i in c["instructions"][2:4]] and c["images"][1].update(scene="0 0"),
         "scene in splits train and val"),
        (lambda c: [cut_short(c["annotations"][n]["segmentation"]) for n in (0, 1)], "damaged mask"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_records_is_found(
    sound: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Content], object], finding: str
) -> None:
    edit(sound, change)
    assert cli.main(["check", str(sound)]) == 1
    assert f"  {finding}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (lambda root: (root / "images/000002.jpg").unlink(), "unreadable image"),
        (lambda root: (root / "images/000002.jpg").write_bytes(b"\xff\xd8broken"), "unreadable image"),
        (lambda root: (root / "depth/000002.png").unlink(), "unreadable image"),
        (lambda root: (root / "images/stray.jpg").write_bytes(b""), "file that nothing names"),
    ],
)
def test_what_is_wrong_with_files_is_found(
    sound: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object], finding: str
) -> None:
    damage(sound)
    assert cli.main(["check", str(sound)]) == 1
    assert f"  {finding}\n" in capsys.readouterr().out


def test_depth_of_another_size_is_found(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    Image.fromarray(np.ones((5, 5), np.uint16)).save(sound / "depth/000001.png")
    assert cli.main(["check", str(sound)]) == 1
    assert "depth of another size than its image" in capsys.readouterr().out


def test_splits_that_may_share_scenes_do(tmp_path: Path) -> None:
    root = write(tmp_path / "d", "train", may_share=[["train", "val_seen"]])
    edit(root, lambda c: c["instructions"][1].update(split="val_seen"))
    assert cli.main(["check", str(root)]) == 0
    edit(root, lambda c: c["instructions"][1].update(split="val_unseen"))
    assert cli.main(["check", str(root)]) == 1


def test_leaks_between_datasets_are_found(sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write(tmp_path / "other", "val", seed=1)
    assert cli.main(["check", str(sound), str(other)]) == 0
    same_scenes = write(tmp_path / "scenes", "val", seed=0)
    assert cli.main(["check", str(sound), str(same_scenes)]) == 1
    printed = capsys.readouterr().out
    assert "scene in splits train and val" in printed
    assert "same image in splits train and val" in printed
    shutil.copy(sound / "images/000001.jpg", other / "images/000003.jpg")
    assert cli.main(["check", str(sound), str(other)]) == 1
    printed = capsys.readouterr().out
    assert "scene in" not in printed
    assert "same image in splits train and val" in printed


def test_the_same_picture_under_two_names_is_found(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(sound / "images/000001.jpg", sound / "images/000003.jpg")
    assert cli.main(["check", str(sound)]) == 0  # both in train
    edit(sound, lambda c: [i.update(split="val") for i in c["instructions"][4:]])
    assert cli.main(["check", str(sound)]) == 1
    assert "same image in splits train and val" in capsys.readouterr().out
    edit(sound, lambda c: c.update(info=c["info"] | {"may_share": [["val", "train"]]}))
    assert cli.main(["check", str(sound)]) == 0


def test_unreadable_pictures_are_not_the_same_picture(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path / "other", "val", seed=1)
    for root in (sound, other):
        (root / "images/000002.jpg").write_bytes(b"")
    assert cli.main(["check", str(sound), str(other)]) == 1
    printed = capsys.readouterr().out
    assert "     2  unreadable image" in printed
    assert "same image" not in printed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"][1].update(id=1), "annotations has 2 records with id 1"),
        (lambda c: c["instructions"][1].update(id=1), "instructions has 2 records with id 1"),
        (
            lambda c: [i.update(image_id=77) for i in c["instructions"]],
            "instruction 1 names image 77, absent (and 5 more)",
        ),
    ],
)
def test_records_that_cannot_be_used_do_not_end_the_check(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Content], object], message: str
) -> None:
    other = write(tmp_path / "other", "val", seed=1)
    (other / "images/000002.jpg").unlink()
    edit(sound, change)
    assert cli.main(["check", str(sound), str(other)]) == 1
    printed = capsys.readouterr().out
    assert message in printed
    assert "unreadable image" in printed


def test_more_than_a_few_examples_are_counted_not_listed(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(sound, lambda c: [i.update(words=0) for i in c["instructions"]])
    assert cli.main(["check", str(sound)]) == 1
    printed = capsys.readouterr().out
    assert "     6  number of words is wrong" in printed
    assert printed.count("expected 4") == 3
