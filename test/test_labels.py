"""Labels of a dataset folder as the truth of a recording, and the way from drawn masks to them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recordings import CUP, RADIO, SECOND, SHAPE, Recorder, good_bag, mask, picture, replay

from mdsm_ros.commands.main import main
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import ReplayError
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.replay.frames import FrameReader, choose_topics
from mdsm_ros.replay.labels import Labels
from training.cli import main as data_main


def write_labels(folder: Path, labels: Iterable[tuple[str, str, np.ndarray]]) -> Path:
    """A dataset of (name of the image, instruction, mask); an empty mask is a target that is not in view."""
    with DatasetWriter(folder, ["cup"]) as writer:
        for name, text, truth in labels:
            image_id = writer.add_image(np.zeros((*truth.shape, 3), np.uint8), name=name)
            ids = [writer.add_annotation(image_id, "cup", truth)] if truth.any() else []
            writer.add_instruction(image_id, ids, text, split="test", source="t", expressions=1, distractors=0)
    return folder


def labels_of(bag_path: Path, folder: Path) -> Path:
    """Labels with the masks of a recording's own truth."""
    with Bag(bag_path) as bag:
        frames = list(FrameReader(bag, choose_topics(bag)).frames())
    known = [(str(f.stamp), f" {f.instruction}  ", f.truth) for f in frames if f.truth is not None]
    return write_labels(folder, known)


def test_labels_give_the_figures_of_the_recorded_truth(tmp_path: Path) -> None:
    bag = good_bag(tmp_path / "bag")
    recorded = replay(bag, tmp_path / "recorded")
    labelled = replay(bag, tmp_path / "labelled", labels=labels_of(bag, tmp_path / "labels"))
    assert labelled["stages"]["refined"]["mIoU"] > 0.9
    assert labelled["all"]["no-target accuracy"] == 0.0
    for part in ("all", "stages", "instructions", "faults"):
        assert labelled[part] == recorded[part]
    assert str(labelled["settings"]["truth"]).startswith("labels (sha256 ")


def test_some_images_are_labelled_and_some_labels_fit_nothing(tmp_path: Path) -> None:
    labels = [
        (str(2 * SECOND), CUP, mask(1)),
        (str(3 * SECOND), RADIO, mask(2)),  # not what was asked for then
        (str(4 * SECOND), CUP, np.ones((5, 5), bool)),
        ("77", CUP, mask(1)),
    ]
    folder = write_labels(tmp_path / "labels", labels)
    metrics = replay(good_bag(tmp_path / "bag"), tmp_path / "out", labels=folder)
    assert metrics["all"]["answered"] == 5
    assert metrics["all"]["target accuracy"] == 1.0  # of the one
    assert "no-target accuracy" not in metrics["all"]
    assert metrics["faults"] == {
        "truth of another size than its image": 1,
        "labels of no image in the recording": 1,
        "labels for an instruction that was not in force at their image": 1,
        "images unanswered: no instruction yet": 1,
    }


def test_labels_that_changed_do_not_go_on_in_the_same_folder(tmp_path: Path) -> None:
    bag = good_bag(tmp_path / "bag")
    folder = write_labels(tmp_path / "labels", [(str(2 * SECOND), CUP, mask(1))])
    replay(bag, tmp_path / "out", labels=folder)
    replay(bag, tmp_path / "out", labels=folder)
    write_labels(folder, [(str(2 * SECOND), CUP, mask(2))])
    with pytest.raises(ReplayError, match="contains a replay whose truth is"):
        replay(bag, tmp_path / "out", labels=folder)


def test_labels_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"labels: .*annotations\.json is missing"):
        Labels(tmp_path)
    with pytest.raises(ReplayError, match=r"image 1 is 'images/kitchen\.jpg', expected the stamp of a frame in ns"):
        Labels(write_labels(tmp_path / "name", [("kitchen", CUP, mask(1))]))
    with pytest.raises(ReplayError, match=r"image 'images/7\.jpg' is labelled twice for 'get the red cup'"):
        Labels(write_labels(tmp_path / "twice", [("7", CUP, mask(1)), ("7", CUP, mask(2))]))
    with pytest.raises(ReplayError, match="instruction is '', expected a sentence"):
        Labels(write_labels(tmp_path / "empty", [("7", "", mask(1))]))
    damaged = write_labels(tmp_path / "damaged", [("7", CUP, mask(1))])
    content = json.loads((damaged / "annotations.json").read_text())
    content["annotations"][0]["segmentation"]["size"] = [1, 1]
    (damaged / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(ReplayError, match="annotation 1 has a mask of size"):
        Labels(damaged)


def test_labels_and_a_truth_topic_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["replay", "bag", "--out", str(tmp_path), "--truth", "/masks", "--labels", str(tmp_path)])
    assert "not allowed with argument" in capsys.readouterr().err


def draw(folder: Path, stamp: int, truth: np.ndarray, value: int = 1) -> None:
    Image.fromarray(truth.astype(np.uint8) * value).save(folder / "masks" / f"{stamp}.png")


def test_drawn_masks_become_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    for number in range(6):
        recorder.show(picture(number), number + 1.0)
    bag, folder = recorder.close(), tmp_path / "labels"
    command = ["bag-labels", str(bag), "--out", str(folder), "--every", "2"]
    assert data_main(command) == 0
    assert f"3 images in {folder / 'images'}, 0 of them with a mask" in capsys.readouterr().out
    rows = (folder / "images.csv").read_text().splitlines()
    assert rows == ["image,instruction", *(f"{n * SECOND}.jpg,{CUP}" for n in (1, 3, 5))]
    draw(folder, 3 * SECOND, mask(2))
    draw(folder, 5 * SECOND, np.zeros(SHAPE, bool))
    draw(folder, 4, mask(1))
    assert data_main(command) == 0
    out = capsys.readouterr().out
    assert "3 images" in out
    assert "2 of them with a mask" in out
    assert "1 files" in out
    metrics = replay(bag, tmp_path / "out", labels=folder)
    assert metrics["faults"] == {}
    assert metrics["stages"]["initial"]["mIoU"] == 1.0
    assert metrics["all"]["no-target accuracy"] == 0.0
    draw(folder, 3 * SECOND, np.ones((2, 3), bool))
    assert data_main(command) == 2
    assert "3000000000.png is 3x2 pixels, expected those of its image, 32x24" in capsys.readouterr().err
    assert data_main(["bag-labels", str(tmp_path / "nothing"), "--out", str(folder)]) == 2
    others = write_labels(tmp_path / "others", [("1", CUP, mask(1))])
    before = (others / "annotations.json").read_bytes()
    assert data_main(["bag-labels", str(bag), "--out", str(others)]) == 2
    assert "holds a dataset of another origin, expected a new folder" in capsys.readouterr().err
    assert (others / "annotations.json").read_bytes() == before
