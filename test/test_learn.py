"""``mdsm learn``: from images and labels to a model, with a model so small that it takes seconds."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from boxes import write_boxes
from killed import run_until
from recordings import CUP, RADIO, good_bag
from safetensors.torch import load_file

from mdsm_ros.checkpoints.pretrained import model_folder, read_config
from mdsm_ros.commands.main import main
from mdsm_ros.commands.web.command import WebOptions
from mdsm_ros.commands.web.command import open_frames as web_frames
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import CommandError, DatasetError, StorageError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.recordings.hard_frames import Correction, HardFrames
from mdsm_ros.recordings.notes import Note
from training import device as training_device
from training.learn import command as learning
from training.learn import rehearsal
from training.learn.data import TRAIN, split_by_time
from training.learn.frames import Place, open_frames
from training.learn.labels import find_labels, labelled_names, labels_mark, match, write_labels
from training.learn.options import LearnOptions
from training.learn.pick import FRAMES_FILE, Frame, choose, read_frames, runs, spread
from training.learn.steps import Step, run_steps
from training.learn.tune import NEW_SHARE, PART_SHARES, train_model, training_config
from training.train import run as training_run
from training.train.config import TrainConfig

ACCELERATE_DEVICE = "ACCELERATE_TORCH_DEVICE"
SHORT = {"steps": 2, "images": 2, "learning_rate": 1e-3}
CONFIG: dict[str, Any] = {
    "preset": "mdsm-tiny",
    "model": {"freeze_clip": True},
    "instructions_per_image": 2,
    "feature_cache": True,
    "freeze_language": True,
    "loss_stride": 4,
    "mixture": {"lab": 1, "rehearsal": 1},
    "stage1": SHORT,
    "stage2": SHORT,
}


def frame(name: str, stop: int = 0, **changes: Any) -> Frame:
    return Frame(name, "get the cup", stop, 48, 64, **changes)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with labelled images, what is rehearsed, and a training configuration."""
    root = tmp_path_factory.mktemp("lab")
    write_boxes(root / "boxes", "train", 12)
    write_boxes(root / "mix", "train", 3)
    (root / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return root


def arguments(place: Path, out: Path, model: Path, *options: str) -> list[str]:
    given = ["--out", str(out), "--model", str(model), "--config", str(place / "config.yaml"), "--device", "cpu"]
    return ["learn", str(place / "boxes/images"), *given, "--mix", str(place / "mix"), *options]


def learn(place: Path, out: Path, model: Path, *options: str) -> int:
    return main(arguments(place, out, model, *options))


@pytest.mark.training
@pytest.mark.usefixtures("public_models")
def test_a_public_model_learns_with_the_same_command(place: Path, tmp_path: Path) -> None:
    public = {"public": "clipseg", "instructions_per_image": 2, "mixture": CONFIG["mixture"], "stage1": SHORT}
    (tmp_path / "public.yaml").write_text(yaml.safe_dump(public))
    out, images = tmp_path / "out", place / "boxes/images"
    data = ["--labels", str(place / "boxes"), "--mix", str(place / "mix"), "--config", str(tmp_path / "public.yaml")]
    assert main(["learn", str(images), "--out", str(out), "--model", "clipseg", "--device", "cpu", *data]) == 1
    assert json.loads((out / "report.json").read_text())["rows"]["here, mIoU"]["instructions"] == 8
    card = (out / "model/README.md").read_text()
    assert "license: apache-2.0" in card
    assert "| here, mIoU |" in card
    assert main(["push", str(out / "model"), "me/kitchen", "--dry-run"]) == 0


@pytest.fixture(scope="module")
def learned(place: Path, untrained_weights: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    out = tmp_path_factory.mktemp("runs") / "lab"
    assert learn(place, out, untrained_weights, "--labels", str(place / "boxes")) == 1  # two steps teach nothing
    return out


@pytest.mark.training
def test_one_command_makes_a_model_and_a_report(
    place: Path, learned: Path, untrained_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = json.loads((learned / "report.json").read_text())
    rows = report["rows"]
    assert report["verdict"] != "better"
    assert rows["here, mIoU"]["groups"] == 4  # a third of twelve frames, the last ones
    assert "95 % from" in rows["here, mIoU"]
    assert "The new model" in capsys.readouterr().out or (learned / "report.html").read_text().startswith("<!")
    splits = {i.image_id: i.split for i in Dataset(learned / "data/lab").instructions}
    assert [splits[image_id] for image_id in sorted(splits)] == ["train"] * 8 + ["test"] * 4
    assert main(["segment", str(place / "boxes/images/000001.jpg"), "the red cup", "--model", str(learned / "model"),
                 "--out", str(learned / "overlay.png"), "--device", "cpu"]) == 0  # fmt: skip
    marks = {path: path.stat().st_mtime_ns for path in (learned / "steps").iterdir()}
    assert len(marks) == 6
    assert learn(place, learned, untrained_weights, "--labels", str(place / "boxes")) == 1
    assert {path: path.stat().st_mtime_ns for path in (learned / "steps").iterdir()} == marks
    assert capsys.readouterr().err.count("done before") == 6


@pytest.mark.training
def test_the_new_weights_are_an_average_with_the_old_ones(learned: Path, untrained_weights: Path) -> None:
    folders = (untrained_weights, learned / "training/model", learned / "model")
    old, trained, new = (load_file(folder / "model.safetensors") for folder in folders)
    assert any(not torch.equal(old[name], trained[name]) for name in old)
    for name, value in new.items():
        share = next((share for part, share in PART_SHARES.items() if name.startswith(part)), NEW_SHARE)
        expected = (1 - share) * old[name].float() + share * trained[name].float()
        torch.testing.assert_close(value.float(), expected, rtol=2e-3, atol=1e-4)


@pytest.mark.training
def test_a_step_whose_inputs_have_changed_is_done_again_with_those_after_it(
    place: Path, learned: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lab"
    shutil.copytree(learned, out)
    weights = (out / "training/model/model.safetensors").read_bytes()
    (out / "steps/training.json").unlink()  # as after a kill
    assert learn(place, out, untrained_weights, "--labels", str(place / "boxes")) == 1
    assert (out / "training/model/model.safetensors").read_bytes() == weights
    capsys.readouterr()
    assert learn(place, out, untrained_weights, "--labels", str(place / "boxes"), "--held-out", "0.5") == 1
    assert capsys.readouterr().err.count("again: what it is made from has changed") == 4
    splits = [i.split for i in Dataset(out / "data/lab").instructions]
    assert splits.count("test") > len(splits) / 3


@pytest.mark.training
@pytest.mark.usefixtures("one_thread")
def test_kills_in_every_step_change_nothing(
    place: Path, learned: Path, untrained_weights: Path, tmp_path: Path
) -> None:
    """The command is killed before the mark of each step, and at some renamings, and resumes until it ends."""
    out = tmp_path / "lab"
    command = arguments(place, out, untrained_weights, "--labels", str(place / "boxes"))

    def run(kill: str | int) -> int | None:
        at = kill if isinstance(kill, int) else out / "steps" / f"{kill}.json"
        return run_until(at, command, ["training.learn.command", "training.train.run", "mdsm_ros.segmenter"])

    kills: list[str | int] = [1, "frames", "labels", 20, "data", "training", "model", "report"]
    assert [run(kill) for kill in kills] == [-signal.SIGKILL] * len(kills)
    assert run("nothing") == 1
    for name in ("training/model", "model"):
        assert (out / name / "model.safetensors").read_bytes() == (learned / name / "model.safetensors").read_bytes()
    results = [json.loads((folder / "report.json").read_text())["rows"] for folder in (out, learned)]
    assert results[0] == results[1]
    assert not [path for path in out.rglob("*") if path.name.endswith((".partial", ".old"))]


def test_frames_of_a_recording_wait_for_labels(
    tmp_path: Path, untrained_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag, out = good_bag(tmp_path / "bag"), tmp_path / "lab"
    options = ["--out", str(out), "--model", str(untrained_weights), "--device", "cpu", "--config", "config.yaml"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    options[-1] = str(tmp_path / "config.yaml")
    assert main(["learn", str(bag), *options, "--frames", "4"]) == 0
    assert "on the page of --page" in capsys.readouterr().out
    frames = read_frames(out / "frames")
    assert [f.instruction for f in frames] == ["", CUP, CUP, RADIO] or len(frames) == 4
    assert sorted(path.stem for path in (out / "frames/images").glob("*.jpg")) == sorted(f.name for f in frames)
    proposed = Dataset(out / "proposals")
    assert {i.text for i in proposed.instructions} == {CUP, RADIO}
    assert main(["learn", str(bag), *options, "--frames", "4", "--labels", str(out / "proposals")]) == 2
    assert "expected at least 6" in capsys.readouterr().err


def test_the_hardest_frame_of_each_stretch() -> None:
    frames = [frame(str(i), score=score) for i, score in enumerate((0.9, 0.2, 0.8, 0.9, 0.7, 0.1))]
    assert [f.name for f in choose(frames, 2)] == ["1", "5"]
    assert [f.name for f in choose(frames, 3)] == ["1", "2", "5"]
    assert choose(frames, 10) == frames
    unsure = frame("x", score=0.9, uncertainty=0.9, flip=0.5)
    assert choose([frames[0], unsure, frames[2]], 1) == [unsure]
    assert runs(["a", "a", "b", "", "", "a"]) == [0, 0, 1, 2, 3, 4]


def test_corrected_frames_are_labelled_first() -> None:
    frames = [frame(str(i), score=0.1, corrected=i in (2, 3, 5)) for i in range(8)]
    assert [f.name for f in choose(frames, 4)] == ["0", "2", "3", "5"]
    assert [f.name for f in choose(frames, 2)] == ["2", "5"]  # the hardest of 2 and 3, and that of 5
    corrected = Note("get the cup", ("corrected",))
    places = [Place(str(i), "get the cup", corrected if i % 50 == 7 else Note()) for i in range(200)]
    asked = spread(places, 10)
    assert [place.name for place in asked if place.corrected] == ["7", "57", "107", "157"]
    assert len(asked) == 10
    assert not Place("1", "get the radio", corrected).corrected  # --instruction is about something else


def test_frames_that_a_person_corrected_are_proposed_with_their_choice(
    place: Path, tmp_path: Path, untrained_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), dtype=np.uint8)
    kept = HardFrames(tmp_path / "hard", 1)
    chosen = np.zeros((48, 64), bool)
    chosen[8:20, 30:50] = True
    for second, mask in ((3, chosen), (5, None)):
        kept.correct(Correction(second * 10**9, images[second], CUP, 0.9, mask))
    monkeypatch.setattr("mdsm_ros.recordings.hard_frames.CLOSE", 2.0)
    empty = np.zeros((48, 64), bool)
    for second in (1, 2, 4, 6, 7, 8):
        answer = Segmentation(empty, empty.astype(np.float32), None, 0.4, False, "refined", {})
        assert kept.offer(second * 10**9, lambda: images[second], CUP, answer, 0.5) == ["unsure"]  # noqa: B023
    pages: list[WebOptions] = []

    def open_page(options: WebOptions) -> int:
        pages.append(options)
        return 0

    monkeypatch.setattr("mdsm_ros.commands.web.command.open_page", open_page)
    out = tmp_path / "lab"
    options = ["--out", str(out), "--model", str(untrained_weights), "--device", "cpu", "--frames", "3"]
    assert main(["learn", str(tmp_path / "hard"), *options, "--config", str(place / "config.yaml"), "--page"]) == 0
    picked = {one.name: one.corrected for one in read_frames(out / "frames")}
    assert [name for name, corrected in picked.items() if corrected] == ["3000000000", "5000000000"]
    assert len(picked) == 3
    data = Dataset(out / "proposals")
    masks = {data.images[one.image_id].file_name: data.mask(one) for one in data.instructions}
    np.testing.assert_array_equal(masks["images/3000000000.jpg"], chosen)
    assert not masks["images/5000000000.jpg"].any()
    assert {path.suffix for path in (out / "frames/images").iterdir()} == {".jpg", ".csv"}
    (page,) = pages
    frames = web_frames(page)
    found = frames.chosen(frames.keys.index("3000000000"), CUP)
    np.testing.assert_array_equal(found, chosen)
    assert frames.chosen(frames.keys.index("3000000000"), RADIO) is None


def test_splits_follow_time_and_stops() -> None:
    frames = [frame(str(i), stop=i // 4) for i in range(20)]
    splits = list(split_by_time(frames, 0.3).values())
    assert splits == ["train"] * 8 + ["val"] * 4 + ["test"] * 8
    alone = [frame(str(i)) for i in range(10)]
    assert list(split_by_time(alone, 0.3).values()) == ["train"] * 7 + ["test"] * 3
    with pytest.raises(DatasetError, match="leaves none of 2 frames"):
        split_by_time(alone[:2], 0.99)


def write_frames(folder: Path, names: list[str]) -> list[Frame]:
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    frames = [frame(name) for name in names]
    for number, one in enumerate(frames):
        pixels = np.full((48, 64, 3), 20 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"images/{one.name}.jpg")
    return frames


NAMES = [f"17000000{i}0" for i in range(6)]
BOX = [[4, 4, 30, 4, 30, 30, 4, 30]]


def coco(rename: Callable[[str], str] = lambda name: f"{name}.jpg", **changes: Any) -> dict[str, Any]:
    images = [
        {"id": i, "file_name": rename(name), "width": 64, "height": 48} | changes for i, name in enumerate(NAMES, 1)
    ]
    annotations = [{"id": i, "image_id": i, "category_id": 1, "segmentation": BOX, "area": 676} for i in range(1, 7)]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cup"}]}


@pytest.mark.parametrize(
    ("file", "rename"),
    [
        ("annotations/instances_default.json", lambda name: f"{name}.jpg"),  # CVAT
        ("result.json", lambda name: f"images\\1a2b3c4d-{name}.jpg"),  # Label Studio
        ("_annotations.coco.json", lambda name: f"{name}_jpg.rf.0f1e2d3c4b.jpg"),  # Roboflow
        ("annotations.json", lambda name: f"JPEGImages/{name}.jpg"),  # labelme
    ],
)
def test_exports_of_labelling_tools(tmp_path: Path, file: str, rename: Callable[[str], str]) -> None:
    frames = write_frames(tmp_path / "frames", NAMES)
    path = tmp_path / "export" / file
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(coco(rename)))
    assert find_labels(tmp_path / "export") == [path]
    assert set(NAMES) <= labelled_names(path)
    facts = write_labels(tmp_path / "labels", tmp_path / "export", frames, tmp_path / "frames")
    data = Dataset(tmp_path / "labels")
    assert facts["frames"] == len(data.images) == 6
    assert [image.scene for image in data.images.values()] == NAMES
    assert {data.categories[annotation.category_id] for annotation in data.annotations.values()} == {"cup"}
    assert {i.image_id for i in data.instructions if i.annotation_ids} == set(data.images)
    assert {int(data.mask(i).sum()) for i in data.instructions if i.annotation_ids} == {27 * 27 - 53}
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == ["annotations.json", "images"]


def test_an_export_with_a_folder_for_each_split_is_read_as_a_whole(tmp_path: Path) -> None:
    """As Roboflow makes it: each file counts images, annotations and categories from its own first."""
    frames, export = write_frames(tmp_path / "frames", NAMES), tmp_path / "export"
    for split, names in (("train", NAMES[:4]), ("valid", NAMES[4:])):
        images = [{"id": i, "file_name": f"{n}_jpg.rf.0f.jpg", "width": 64, "height": 48} for i, n in enumerate(names)]
        outlines = [
            {"id": i, "image_id": i, "category_id": 1, "segmentation": BOX, "area": 676} for i in range(len(names))
        ]
        kinds = [{"id": 0, "name": "objects"}, {"id": 1, "name": "cup" if split == "train" else "kettle"}]
        (export / split).mkdir(parents=True)
        content = {"images": images, "annotations": outlines, "categories": kinds}
        (export / split / "_annotations.coco.json").write_text(json.dumps(content))
    assert set(NAMES) <= labelled_names(export)
    before = labels_mark(export)
    assert write_labels(tmp_path / "labels", export, frames, tmp_path / "frames")["frames"] == 6
    data = Dataset(tmp_path / "labels")
    of_image = {a.image_id: data.categories[a.category_id] for a in data.annotations.values()}
    assert {data.images[i].scene: kind for i, kind in of_image.items()} == dict.fromkeys(
        NAMES[:4], "cup"
    ) | dict.fromkeys(NAMES[4:], "kettle")
    content["annotations"] = []
    (export / "valid/_annotations.coco.json").write_text(json.dumps(content))
    assert labels_mark(export) != before  # the second file counts, too
    with pytest.raises(DatasetError, match="are of 4 of the 6 frames"):
        write_labels(tmp_path / "fewer", export, frames, tmp_path / "frames")


def test_masks_of_a_brush_are_objects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CVAT writes them as run lengths, and calls each a crowd."""
    frames, content = write_frames(tmp_path / "frames", NAMES), coco()
    runs_of_columns = [48 * 4 + 4, *[27, 21] * 26, 27, 48 * 33 + 17]
    for record in content["annotations"]:
        record |= {"segmentation": {"counts": runs_of_columns, "size": [48, 64]}, "iscrowd": 1}
    (tmp_path / "export.json").write_text(json.dumps(content))
    write_labels(tmp_path / "labels", tmp_path / "export.json", frames, tmp_path / "frames")
    data = Dataset(tmp_path / "labels")
    assert {i.image_id for i in data.instructions if i.annotation_ids} == set(data.images)
    assert {a.iscrowd for a in data.annotations.values()} == {0}
    assert "6 outlines that the export calls crowds" in capsys.readouterr().out


def test_a_name_inside_another_is_not_taken_for_it() -> None:
    names = {name: frame(name) for name in ("1", "12", "kitchen")}
    found = [match(stem, names) for stem in ("12", "a-12", "123", "kitchen_jpg.rf.ab", "x1")]
    assert [f and f.name for f in found] == ["12", "12", None, "kitchen", None]


def broken(content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return content | changes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "'images' is missing, expected a COCO export or a dataset"),
        ("{", "is not JSON"),
        (coco() | {"annotations": []}, "hold 0 labels, expected at least 6"),
        (coco() | {"annotations": coco()["annotations"][:1]}, "are of 1 of the 6 frames, expected at least 6"),
        (coco(width=32), "is 32x48 pixels, expected 64x48 as in the frames folder; export without resizing"),
        (coco(lambda name: f"other{name}.jpg"), "are of none of the 6 frames"),
        (coco(lambda _: f"{NAMES[0]}.jpg"), "twice, expected each once"),
        (coco(width="64"), "is '64'x48 pixels, expected 64x48"),
        (coco(id="one"), "image_id is 1, expected the id of an image"),
        (
            coco() | {"categories": []},
            r"no object that a sentence can name.* annotations of a category that is not there",
        ),
        (coco() | {"categories": [{"id": 1, "name": "cup1"}]}, "1 categories that no sentence can name.*'cup1'"),
        (coco() | {"categories": [{"id": 1, "name": "cup " * 99}]}, "1 categories that no sentence can name"),
        (coco() | {"images": [3]}, "'images' holds 3, expected JSON objects"),
        (coco() | {"annotations": [{"image_id": [1]}]}, "hold 0 labels"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path: Path, content: Any, message: str) -> None:
    frames = write_frames(tmp_path / "frames", NAMES)
    path = tmp_path / "labels.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(DatasetError, match=message):
        write_labels(tmp_path / "labels", path, frames, tmp_path / "frames")
    assert not (tmp_path / "labels").exists()


def test_labels_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="do not exist"):
        find_labels(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"hold none of annotations\.json"):
        find_labels(tmp_path)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    def work() -> dict[str, Any]:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match=r"labels cannot be written to .*No space left on device"):
        run_steps(tmp_path, [Step("labels", {}, work)])
    assert not (tmp_path / "steps/labels.json").exists()


@pytest.mark.training
def test_too_little_room_is_told_before_the_training(
    place: Path, untrained_weights: Path, learned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(learned / "data", tmp_path / "data", ignore=shutil.ignore_patterns("features"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    config = training_config(place / "config.yaml", str(untrained_weights), 0, "cpu")
    with pytest.raises(StorageError, match=r"has 1 MB free, expected at least \d+ MB for features and checkpoints"):
        train_model(tmp_path / "training", tmp_path / "data", config, "cpu")


def test_steps_are_done_once(tmp_path: Path) -> None:
    done: list[str] = []

    def steps(first: int, second: int) -> list[Step]:
        def work(name: str) -> Callable[[], dict[str, Any]]:
            return lambda: done.append(name) or {"value": name}  # type: ignore[func-returns-value]

        return [Step("a", {"input": first}, work("a")), Step("b", {"input": second}, work("b"))]

    for inputs in ((1, 1), (1, 1), (1, 2), (2, 2)):
        facts = run_steps(tmp_path, steps(*inputs))
    assert done == ["a", "b", "b", "a", "b"]
    assert facts["b"]["value"] == "b"
    (tmp_path / "steps/a.json").write_text("{")  # a power cut
    run_steps(tmp_path, steps(2, 2))
    assert done[5:] == ["a"]


def test_the_photographs_are_rehearsed_where_nothing_else_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rehearsal, "is_installed", lambda module: False)
    monkeypatch.setattr(rehearsal, "PHOTOGRAPH_VIEWS", 1)
    assert rehearsal.write_rehearsal(tmp_path, None, 64, 0) == 12
    data = Dataset(tmp_path)
    assert {(i.split, i.source) for i in data.instructions} == {("train", "rehearsal")}
    assert "MuJoCo is not installed" in capsys.readouterr().err


def test_the_configuration_of_this_package_fits_the_embedded_model() -> None:
    config = training_config(None, "mdsm-small", 3, "cpu")
    assert isinstance(config, TrainConfig)
    assert (config.start_from, config.seed, config.feature_cache) == ("mdsm-small", 3, True)
    embedded = read_config(model_folder("mdsm-small"))
    assert isinstance(embedded, MDSMConfig)
    assert config.model_config() == dataclasses.replace(embedded, freeze_clip=True, freeze_efficientnet=True)


def test_the_seed_is_that_of_the_configuration_unless_another_is_given(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(CONFIG | {"preset": "mdsm-small", "seed": 7}))
    public = {"public": "clipseg", "stage1": SHORT, "seed": 8}
    (tmp_path / "public.yaml").write_text(yaml.safe_dump(public))
    for model, name, own in (("mdsm-small", "own.yaml", 7), ("clipseg", "public.yaml", 8)):
        assert training_config(tmp_path / name, model, None, "cpu").seed == own
        assert training_config(tmp_path / name, model, 0, "cpu").seed == 0


def test_training_uses_the_gpu_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    asked: list[str | None] = []
    monkeypatch.setattr(training_device, "Accelerator", lambda **_: asked.append(os.environ.get(ACCELERATE_DEVICE)))
    for device in ("auto", "cpu", "cuda:1"):
        training_device.open_accelerator(device, "no")
    assert asked == [None, None, "cuda:1"]
    assert ACCELERATE_DEVICE not in os.environ


@pytest.mark.training
def test_the_named_gpu_is_passed_on(
    place: Path, untrained_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    monkeypatch.setattr(training_run, "run_training", lambda _, __, options: given.append(options.device))
    write_boxes(tmp_path / "data" / TRAIN, "train", 1)
    config = training_config(place / "config.yaml", str(untrained_weights), 0, "cuda:1")
    train_model(tmp_path / "training", tmp_path / "data", config, "cuda:1")
    assert given == ["cuda:1"]


@pytest.mark.parametrize("option", ["--image", "--instruction-topic"])
def test_topics_are_those_of_recordings(place: Path, tmp_path: Path, option: str) -> None:
    name = option.removeprefix("--").replace("-", "_")
    options: dict[str, Any] = {name: "/topic"}
    with pytest.raises(CommandError, match=f"{option} is '/topic', expected none: .* is a folder, not a recording"):
        open_frames(LearnOptions(place / "boxes/images", tmp_path, **options))


def test_what_cannot_be_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert main(["learn", str(tmp_path / "nowhere"), *out]) == 2
    (tmp_path / "empty").mkdir()
    assert main(["learn", str(tmp_path / "empty"), *out]) == 2
    assert main(["learn", str(tmp_path / "empty"), *out, "--model", "sam3"]) == 2
    errors = capsys.readouterr().err
    assert "expected a recording or a folder of images" in errors
    assert "holds no images" in errors
    assert "whose decoder cannot be trained here, expected clipseg, grounded-sam2" in errors
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("pictures", "pictures", "--out is .*pictures', expected a folder outside of"),
        ("pictures", "pictures/lab", "expected a folder outside of"),
        ("lab/frames/images", "lab", "source is .*, expected none of the results in .*lab'"),
    ],
)
def test_a_run_does_not_learn_from_its_own_results(tmp_path: Path, source: str, out: str, message: str) -> None:
    write_boxes(tmp_path / "boxes", "train", 1)
    shutil.copytree(tmp_path / "boxes/images", tmp_path / source)
    with pytest.raises(CommandError, match=message):
        learning.learn(LearnOptions(tmp_path / source, tmp_path / out))
    assert not (tmp_path / out / "steps").exists()


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    def another() -> dict[str, Any]:
        with pytest.raises(CommandError, match="where another run works, expected one at a time"):
            run_steps(tmp_path, [])
        return {}

    run_steps(tmp_path, [Step("a", {}, another)])
    run_steps(tmp_path, [Step("a", {}, another)])  # the first one has ended
    assert (tmp_path / "steps/a.json").exists()


def test_images_that_are_left_out_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_boxes(tmp_path / "boxes", "train", 2)
    folder = tmp_path / "boxes/images"
    shutil.copy(folder / "000001.jpg", folder / "000001.png")
    (folder / "000003.jpg").symlink_to("/etc/passwd")
    (folder / "000004.jpg").write_bytes(b"no image")
    frames = open_frames(LearnOptions(folder, tmp_path / "lab"))
    names = [place.name for place in frames.places()]
    assert names == ["000001", "000002", "000004"]
    assert [name for name, _ in frames.images(names)] == names[:2]
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in errors] == [
        "000003.jpg is left out",
        "000001.png is left out",
        "000004.jpg is left out",
    ]


def test_names_in_any_script_are_found_in_those_of_tools() -> None:
    for name in ("Ölkanne_1", "Кружка", "台所7", "cafe\u0301"):
        names = {name: frame(name)}
        for lengthened in (name, f"1a2b-{name}", f"{name}_jpg.rf.0f3c", unicodedata.normalize("NFD", f"1a2b-{name}")):
            assert match(unicodedata.normalize("NFC", lengthened), names) is names[name]
            assert match(lengthened, names) is names[name]
    assert match("a " * 10_000_000, {"a": frame("a")}) is None  # at once


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_of_the_page_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str], port: str) -> None:
    with pytest.raises(SystemExit):
        main(["learn", str(tmp_path), "--out", str(tmp_path / "out"), "--page", f"--port={port}"])
    assert "is out of range, expected 0 to 65535" in capsys.readouterr().err


def test_frames_file_is_read_with_care(tmp_path: Path) -> None:
    strange = {"name": "a", "instruction": "", "stop": 0, "height": 1, "width": 1, "x": 2}
    contents: list[Any] = [{}, [{"name": "a"}], [strange]]
    for content in contents:
        (tmp_path / FRAMES_FILE).write_text(json.dumps(content))
        with pytest.raises(DatasetError):
            read_frames(tmp_path)
