"""The index of large datasets: the same records, faults and training samples as without it, whatever happens to it."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mdsm_ros.dataset import streaming
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.index import build, open, views
from mdsm_ros.dataset.streaming import RecordsFile, read_members
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import write_json
from mdsm_ros.geometry import Camera
from training.dataset_sizes import repeat
from training.datasets.dataset import InstructionDataset
from training.datasets.groups import ByImage
from training.train.config import StageConfig, TrainConfig
from training.train.loop import StepSampler, make_pools

SPLITS = ("train", "val", "train")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """``annotations.json`` of 30 images, some with depth, without objects, or with instructions out of order."""
    root = tmp_path_factory.mktemp("written")
    rng = np.random.default_rng(0)
    with DatasetWriter(root, ["mug", "cup ☕"], info={"source": "test", "recipe": {"n": 30}}) as writer:
        for number in range(30):
            camera = Camera(1.5, 2, 3, 4) if number % 3 else None
            image = writer.add_image(np.zeros((8, 10, 3), np.uint8), camera=camera, scene=f"s{number}")
            objects = [
                writer.add_annotation(image, "cup ☕", rng.random((8, 10)) > 0.5, {"color": "red"}, occlusion=0.25)
                for _ in range(number % 4)
            ]
            for n in range(number % 3):
                writer.add_instruction(
                    image,
                    objects[: n + 1],
                    f'the "cup" ☕ {number}\n',
                    split=SPLITS[n],
                    source="ab"[number % 2],
                    expressions=1,
                    distractors=0,
                )
    read: dict[str, Any] = json.loads((root / "annotations.json").read_text())
    order = rng.permutation(len(read["instructions"])).tolist()
    read["instructions"] = [read["instructions"][i] for i in order]
    return read


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every dataset gets an index, read in the smallest pieces."""
    monkeypatch.setattr(open, "SMALLEST", 0)
    monkeypatch.setattr(open, "SURE_AFTER", 0)
    monkeypatch.setattr(streaming, "CHUNK", 7)
    monkeypatch.setattr(views, "BLOCK", 3)
    monkeypatch.setattr(views, "COLUMN_BLOCK", 4)


@pytest.fixture
def whole(content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The dataset, read without an index."""
    (tmp_path / "d").mkdir()
    write_json(tmp_path / "d/annotations.json", content)
    with monkeypatch.context() as patch:
        patch.setattr(open, "SMALLEST", 1 << 40)
        return Dataset(tmp_path / "d")


def same(data: Dataset, whole: Dataset) -> None:
    assert isinstance(data.instructions, views.Rows)
    assert (data.info, data.categories) == (whole.info, whole.categories)
    assert list(data.instructions) == list(whole.instructions)
    assert list(data.images.items()) == list(whole.images.items())
    assert list(data.annotations.values()) == list(whole.annotations.values())


@pytest.mark.usefixtures("indexed")
def test_an_index_has_the_records_in_their_order(whole: Dataset) -> None:
    data = Dataset(whole.root)
    same(data, whole)
    assert len(data.instructions) == len(whole.instructions) > 20
    assert data.instructions[-1] == whole.instructions[-1]
    assert list(data.instructions[2:9:3]) == list(whole.instructions[2:9:3])
    for split in ("train", "val"):
        assert list(data.split(split)) == list(whole.split(split))
        assert list(data.column("image_id", split)) == list(whole.column("image_id", split))
    for image_id in whole.images:
        assert image_id in data.images
        assert data.images[image_id] == whole.images[image_id]
        assert data.annotations_of(image_id) == whole.annotations_of(image_id)
        assert data.instructions_of(image_id) == whole.instructions_of(image_id)
    for key, annotation in whole.annotations.items():
        assert data.annotations[key] == annotation
        np.testing.assert_array_equal(data.mask_of(key), whole.mask_of(key))
    assert 99 not in data.images
    assert data.annotations.get(999) is None
    with pytest.raises(DatasetError, match=r"no instruction of split 'x', expected one of \['train', 'val'\]"):
        data.split("x")
    same(pickle.loads(pickle.dumps(data)), whole)


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("mixture", [{}, {"a": 1, "b": 2}])
def test_the_samples_of_a_training_are_the_same(whole: Dataset, mixture: dict[str, int]) -> None:
    stage = StageConfig(steps=5, images=3, learning_rate=1e-3)
    config = TrainConfig("mdsm-tiny", stage, instructions_per_image=2, mixture=mixture, seed=4)
    steps = []
    for data in (Dataset(whole.root), whole):
        samples = InstructionDataset(data, "train", 16, cache=False)
        sampler = StepSampler(make_pools(samples, 3, config), 2, config.seed, 0, 5)
        steps.append([[samples.instructions[i].id for i in batch] for batch in sampler])
    assert steps[0] == steps[1]
    assert len({tuple(step) for step in steps[0]}) > 1


def test_groups_are_in_the_order_of_their_first_instruction() -> None:
    ids = np.random.default_rng(1).integers(0, 9, 50)
    expected: dict[int, list[int]] = {}
    for position, image_id in enumerate(ids.tolist()):
        expected.setdefault(image_id, []).append(position)
    found = ByImage(ids)
    assert [(key, value.tolist()) for key, value in found.items()] == list(expected.items())
    assert [group.tolist() for group in found.groups] == list(expected.values())
    assert found.groups.firsts().tolist() == [group[0] for group in expected.values()]
    with pytest.raises(KeyError):
        found[10]


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("id used twice", {"images": (1, {"id": 1})}),
    ("instruction twice", {"instructions": (1, {"id": 5})}),
    ("missing image", {"instructions": (3, {"image_id": 77})}),
    ("missing target", {"instructions": (4, {"annotation_ids": [1, 555, 556]})}),
    ("missing category", {"annotations": (2, {"category_id": 9})}),
    ("missing image of an annotation", {"annotations": (2, {"image_id": 99})}),
    ("unknown field", {"annotations": (3, {"x": 1})}),
    ("bad value", {"instructions": (3, {"words": -1})}),
    ("bad camera", {"images": (0, {"camera": {"fx": 1}})}),
    ("name that leads out", {"images": (2, {"file_name": "../x.jpg"})}),
    ("no list", {"annotations": None}),
    ("bad info", {"info": 5}),
]


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("change", [change for _, change in BROKEN], ids=[name for name, _ in BROKEN])
def test_faults_are_told_in_the_same_words(
    content: dict[str, Any], change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = json.loads(json.dumps(content))
    for key, what in change.items():
        if isinstance(what, tuple):
            broken[key][what[0]] |= what[1]
        else:
            broken[key] = what
    write_json(tmp_path / "annotations.json", broken)
    with pytest.raises(DatasetError) as of_index:
        Dataset(tmp_path)
    monkeypatch.setattr(open, "SMALLEST", 1 << 40)
    with pytest.raises(DatasetError) as of_whole:
        Dataset(tmp_path)
    assert str(of_index.value) == str(of_whole.value)
    linked = "category 9" in str(of_whole.value) or "image 99" in str(of_whole.value)
    assert (tmp_path / "annotations.json.index").exists() == linked  # without links, such a dataset can be opened
    if linked:
        monkeypatch.setattr(open, "SMALLEST", 0)
        assert len(Dataset(tmp_path, links=False).annotations) == len(content["annotations"])


@pytest.mark.usefixtures("indexed")
def test_a_changed_file_gets_a_new_index_and_a_touched_one_keeps_it(
    whole: Dataset, content: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = whole.root / "annotations.json"
    same(Dataset(whole.root), whole)
    monkeypatch.setattr(build, "_fill", None)  # from here on, nothing can be made
    same(Dataset(whole.root), whole)
    os.utime(source)  # as a copy of the folder has
    same(Dataset(whole.root), whole)
    monkeypatch.undo()
    monkeypatch.setattr(open, "SMALLEST", 0)
    before = Dataset(whole.root)
    other = json.loads(json.dumps(content))
    other["instructions"][0]["text"] = other["instructions"][0]["text"].upper()
    write_json(source, other)
    assert source.stat().st_size == before._index.about["size"]  # type: ignore[union-attr]
    assert Dataset(whole.root).instructions[0].text == content["instructions"][0]["text"].upper()
    assert before.instructions[0].text == content["instructions"][0]["text"]  # what is open does not change
    with pytest.raises(DatasetError, match="has changed since it was opened"):
        pickle.loads(pickle.dumps(before)).instructions[0]


@pytest.mark.usefixtures("indexed")
def test_a_damaged_index_is_made_again(whole: Dataset) -> None:
    Dataset(whole.root)
    (whole.root / "annotations.json.index").write_bytes(b"no index")
    same(Dataset(whole.root), whole)


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE images SET file_name = '../x.jpg'", "'../x.jpg'"),
        ("UPDATE images SET width = 1000000", "width is 1000000, expected 1 to"),
        ("UPDATE instructions SET annotation_ids = '[1'", r"instructions\[0\] is damaged"),
        ("DELETE FROM instructions WHERE position = 0", "delete it"),
        ("DROP TABLE instructions", "is damaged"),
    ],
)
def test_an_index_of_others_is_checked_when_it_is_read(whole: Dataset, change: str, message: str) -> None:
    Dataset(whole.root)
    index = whole.root / "annotations.json.index"
    time = index.stat().st_mtime_ns
    with sqlite3.connect(index) as connection:
        connection.execute(change)
    connection.close()
    os.utime(index, ns=(time, time))
    data = Dataset(whole.root)
    with pytest.raises(DatasetError, match=message):
        (data.images[data.instructions[0].image_id], list(data.instructions))


@pytest.mark.usefixtures("indexed")
def test_a_folder_that_cannot_be_written_has_its_index_in_the_cache(
    whole: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, who may write anywhere
    same(Dataset(whole.root), whole)
    assert [path.name for path in whole.root.iterdir()] == ["annotations.json"]
    assert list((tmp_path / "cache/mdsm_ros/indexes").glob("*.index"))


def _killed(root: Path) -> None:
    """Opens a dataset, and is killed when the index has its records but is not finished."""
    build._check = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    Dataset(root)


def _opened(root: Path, start: Any, found: Any) -> None:
    start.wait()
    found.put([instruction.id for instruction in Dataset(root).instructions])


@pytest.mark.usefixtures("indexed")
def test_a_kill_in_the_middle_and_two_processes_at_once(whole: Dataset) -> None:
    fork = get_context("fork")
    killed = fork.Process(target=_killed, args=(whole.root,))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert (whole.root / "annotations.json.index.partial").exists()
    assert not (whole.root / "annotations.json.index").exists()
    start, found = fork.Event(), fork.Queue()
    both = [fork.Process(target=_opened, args=(whole.root, start, found)) for _ in range(2)]
    for process in both:
        process.start()
    start.set()
    ids = [found.get(timeout=60) for _ in both]
    for process in both:
        process.join()
    assert ids[0] == ids[1] == [instruction.id for instruction in whole.instructions]
    same(Dataset(whole.root), whole)
    assert not (whole.root / "annotations.json.index.partial").exists()


FORKED = """
import json, os, sys
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.index import open
open.SMALLEST = 0
data = Dataset(sys.argv[1])
first = data.instructions[0].text  # by a connection of this process
read, write = os.pipe()
if not os.fork():
    texts = [data.instructions[number].text for number in range(len(data.instructions))]
    os.write(write, json.dumps([type(data.instructions).__name__, texts]).encode())
    os._exit(0)
os.wait()
os.close(write)
print(os.fdopen(read).read())
"""


@pytest.mark.usefixtures("indexed")
def test_a_process_that_was_forked_reads_for_itself(whole: Dataset) -> None:
    """In a process of its own: one with threads, such as that of the tests, must not be forked."""
    result = subprocess.run(
        [sys.executable, "-c", FORKED, whole.root],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout) == ["Rows", [instruction.text for instruction in whole.instructions]]


JSON = ['{"a": [], "b": {"c": [1]}}', ' {"a" : [ 1.5e3 , -2,"\\u2615", "☕" ,null ] ,"a2":12 }\n', "{}"]


@pytest.mark.parametrize("text", JSON)
def test_members_are_those_of_the_json_module(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for chunk in range(1, 12):
        monkeypatch.setattr(streaming, "CHUNK", chunk)
        found: dict[str, Any] = {}
        for name, number, value in read_members(io.BytesIO(text.encode()), ["a"], "x", DatasetError):
            if number is None:
                found[name] = value
            else:
                found[name].append(value)
        assert found == json.loads(text)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a"}', '{"a": [1,]}', '{"a": [1 2]}', '{"a": [}', '{"b": tru}', "{} x", '{"a": 1',
             '{"a": [1], "a": []}', "{1: 2}", '{"a": ' + "[" * 100_000]
)  # fmt: skip
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match=r"x is not (readable )?JSON"):
        list(read_members(io.BytesIO(text.encode()), ["a"], "x", DatasetError))


def test_records_are_written_as_the_json_module_writes_them(content: dict[str, Any], tmp_path: Path) -> None:
    lists = ("images", "annotations", "instructions")
    with RecordsFile(tmp_path / "a.json", lists) as file:
        for name in reversed(lists):
            for record in content[name]:
                file.add(name, record)
        file.close({"info": content["info"]}, {"categories": content["categories"]})
    order = {name: content[name] for name in ("info", *lists, "categories")}
    assert (tmp_path / "a.json").read_text() == json.dumps(order)
    with pytest.raises(KeyError), RecordsFile(tmp_path / "b.json", lists) as file:
        file.add("pictures", {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_repeated_dataset_has_every_record_with_ids_of_its_own(whole: Dataset, tmp_path: Path) -> None:
    for image in whole.images.values():
        (whole.root / image.file_name).parent.mkdir(exist_ok=True)
        (whole.root / image.file_name).write_bytes(b"")
    assert repeat(whole.root, tmp_path / "twice", 2) == 2 * len(whole.instructions)
    twice = Dataset(tmp_path / "twice")
    assert [i.text for i in twice.instructions] == 2 * [i.text for i in whole.instructions]
    again = twice.instructions[len(whole.instructions)]
    np.testing.assert_array_equal(twice.mask(again), whole.mask(whole.instructions[0]))
    assert len({image.scene for image in twice.images.values()}) == len(twice.images) == 2 * len(whole.images)
