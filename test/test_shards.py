"""Shards: what goes in comes out, from a folder and over http; and sources that stream them into the training."""

from __future__ import annotations

import ctypes.util
import functools
import http.server
import json
import multiprocessing
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("webdataset", reason="needs the extra [data]")

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.geometry import Camera
from mdsm_ros.homes.generate import SEEDS_PER_SPLIT, SPLIT_SEEDS
from training import cli
from training.datasets.dataset import InstructionDataset
from training.datasets.shards import read_index, read_shard
from training.train.config import StageConfig, TrainConfig
from training.train.loop import _batches
from training.train.sources import FolderSource, StreamSource, _homes, open_source

OPTIONS = StageConfig(steps=20, images=2, learning_rate=1e-3)
CONFIG = TrainConfig("mdsm-tiny", OPTIONS, OPTIONS, instructions_per_image=2, block_steps=3, homes_per_block=1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten images with depth on some; the last two belong to split val."""
    root = tmp_path_factory.mktemp("data") / "d"
    rng = np.random.default_rng(0)
    with DatasetWriter(root, ["mug", "book"], info={"source": "test", "recipe": {"n": 10}}) as writer:
        for number in range(10):
            depth = rng.uniform(0.5, 4, (24, 32)).astype(np.float32) if number % 2 else None
            rgb = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
            image_id = writer.add_image(rgb, depth=depth, camera=Camera(1, 2, 3, 4), scene=f"s{number}")
            ids = [writer.add_annotation(image_id, kind, rng.random((24, 32)) > 0.5) for kind in ("mug", "book")]
            for target in (ids[:1], ids[1:], []):
                writer.add_instruction(
                    image_id,
                    target,
                    f"get thing {number} of {len(target)}",
                    split="train" if number < 8 else "val",
                    source="test",
                    expressions=1,
                    distractors=0,
                )
    return root


@pytest.fixture(scope="module")
def shards(dataset: Path) -> Path:
    out = dataset.parent / "shards"
    assert cli.main(["shards", str(dataset), "--out", str(out), "--size", "4"]) == 0
    return out


@pytest.fixture(scope="module")
def address(shards: Path) -> Iterator[str]:
    """The shards behind an http server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(shards)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.mark.parametrize(
    "where", ["{folder}", "{http}", "file:{folder}", "pipe:cat {folder}", "pipe:cat {folder}/{{}} -"]
)
def test_what_goes_in_comes_out(dataset: Path, shards: Path, address: str, where: str) -> None:
    original = Dataset(dataset)
    index = read_index(where.format(folder=shards, http=address))
    assert [shard.images for shard in index.shards] == [4, 4, 2]
    assert sum((Counter(shard.instructions) for shard in index.shards), Counter()) == {"train": 24, "val": 6}
    assert [i.id for i in read_shard(index, index.shards[0]).images.values()] != [1, 2, 3, 4]  # not one house alone
    seen = 0
    for shard in index.shards:
        data = read_shard(index, shard)
        assert data.info == original.info
        assert data.categories == original.categories
        for instruction in data.instructions:
            assert instruction == original.instructions[instruction.id - 1]
            assert data.images[instruction.image_id] == original.images[instruction.image_id]
            np.testing.assert_array_equal(data.mask(instruction), original.mask(instruction))
            np.testing.assert_array_equal(data.image(instruction.image_id), original.image(instruction.image_id))
            depth, expected = data.depth(instruction.image_id), original.depth(instruction.image_id)
            assert (depth is None) == (expected is None)
            if depth is not None and expected is not None:
                np.testing.assert_array_equal(depth, expected)
            seen += 1
    assert seen == len(original.instructions)


def test_the_reader_of_webdataset_reads_shards(dataset: Path, shards: Path) -> None:
    from webdataset import WebDataset

    urls = [f"pipe:cat {path}" for path in sorted(shards.glob("*.tar"))]
    original, seen = Dataset(dataset), 0
    for sample in WebDataset(urls, shardshuffle=False).decode("rgb8"):
        image = original.image(int(sample["__key__"]))
        np.testing.assert_array_equal(sample["jpg"], image)
        texts = [instruction["text"] for instruction in sample["json"]["instructions"]]
        assert texts == [i.text for i in original.instructions_of(int(sample["__key__"]))]
        seen += 1
    assert seen == len(original.images)


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(root.iterdir())}


def test_the_same_data_give_the_same_bytes_also_after_a_kill(dataset: Path, shards: Path, tmp_path: Path) -> None:
    arguments = ["shards", str(dataset), "--out", str(tmp_path / "s"), "--size", "4"]
    assert cli.main(arguments) == 0
    whole = contents(tmp_path / "s")
    assert whole == contents(shards)
    # as a kill in the middle of the third shard leaves it
    (tmp_path / "s/index.json").unlink()
    (tmp_path / "s/shard-000002.tar").rename(tmp_path / "s/shard-000002.partial")
    source = {"annotations_sha256": "other", "size": 4}
    (tmp_path / "s/source.json").write_text(json.dumps(source))
    assert cli.main(arguments) == 2  # of another dataset
    import hashlib

    source["annotations_sha256"] = hashlib.sha256((dataset / "annotations.json").read_bytes()).hexdigest()
    (tmp_path / "s/source.json").write_text(json.dumps(source))
    kept = (tmp_path / "s/shard-000000.tar").stat().st_mtime_ns
    assert cli.main(arguments) == 0
    assert contents(tmp_path / "s") == whole
    assert (tmp_path / "s/shard-000000.tar").stat().st_mtime_ns == kept


def test_finished_shards_of_other_data_or_size_are_not_taken_for_these(
    dataset: Path, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["shards", str(dataset), "--out", str(shards), "--size"]
    assert cli.main([*arguments, "4"]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert cli.main([*arguments, "5"]) == 2
    assert "'size': 4}, expected" in capsys.readouterr().err
    with DatasetWriter(tmp_path / "other", ["mug"]) as writer:
        writer.add_image(np.zeros((24, 32, 3), np.uint8))
    assert cli.main(["shards", str(tmp_path / "other"), *arguments[2:], "4"]) == 2
    assert "holds shards made of" in capsys.readouterr().err


def test_a_damaged_shard_is_named(shards: Path, tmp_path: Path) -> None:
    for path in shards.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "shard-000001.tar").write_bytes(b"x" * 100)
    index = read_index(str(tmp_path))
    with pytest.raises(DatasetError, match=r"shard-000001\.tar is damaged"):
        read_shard(index, index.shards[1])
    (tmp_path / "shard-000001.tar").unlink()
    with pytest.raises(DatasetError, match=r"shard-000001\.tar cannot be read"):
        read_shard(index, index.shards[1])
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(DatasetError, match="does not have the form of an index"):
        read_index(str(tmp_path))


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "file:/nowhere", "pipe:cat /nowhere"])
def test_an_unreachable_address_is_named(address: str) -> None:
    with pytest.raises(DatasetError, match=r"/index\.json (cannot be read|.*is not JSON)"):
        read_index(address)


# -- sources -----------------------------------------------------------------------------------------------------------


def texts(source: FolderSource | StreamSource, first_step: int) -> list[list[str]]:
    return [part.batch.texts for part in _batches(source, OPTIONS, CONFIG, first_step)]


def test_every_step_is_served_once_from_any_start(dataset: Path) -> None:
    data = InstructionDataset(Dataset(dataset), "train", 32, cache=False)
    made: list[int] = []

    def make(number: int) -> InstructionDataset:
        made.append(number)
        return data

    for first in (0, 2, 3, 7, 19, 20):
        made.clear()
        blocks = list(StreamSource(make, 3).blocks(first, 20))
        steps = [step for block in blocks for step in range(block.first_step, block.last_step)]
        assert steps == list(range(first, 20))
        assert made == list(range(first // 3, 7)) if first < 20 else not blocks


@pytest.mark.parametrize("over_http", [False, True])
def test_a_resumed_stream_of_shards_goes_on_where_it_was(shards: Path, address: str, over_http: bool) -> None:
    source = open_source(address if over_http else str(shards), "train", 32, CONFIG)
    assert isinstance(source, StreamSource)
    whole = texts(source, 0)
    assert len(whole) == 20
    assert texts(source, 7) == whole[7:]
    of_block = [{text for batch in whole[first : first + 3] for text in batch} for first in (0, 3)]
    assert not of_block[0] & of_block[1]  # the two shards with training data take turns


def test_a_folder_serves_all_steps(dataset: Path) -> None:
    source = open_source(str(dataset), "train", 32, CONFIG)
    assert isinstance(source, FolderSource)
    assert texts(source, 7) == texts(source, 0)[7:]


def test_shards_without_the_split_are_refused(shards: Path) -> None:
    with pytest.raises(DatasetError, match="no shard has an instruction of split 'test'"):
        open_source(str(shards), "test", 32, CONFIG)


@pytest.mark.render
def test_homes_are_streamed_as_they_would_be_written(tmp_path: Path) -> None:
    """The first block is byte for byte the dataset that ``mdsm-data homes`` writes for the same seeds."""
    pytest.importorskip("mujoco", reason="needs the extra [sim]")
    if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
        pytest.skip("rendering needs libegl1 and libgl1-mesa-dri")
    source = open_source("homes:train", "train", 64, CONFIG)
    assert isinstance(source, StreamSource)
    streamed = source.first().data
    out = tmp_path / "d"
    options = ["--images", str(len(streamed.images)), "--size", "256x192", "--no-depth"]
    assert cli.main(["homes", "--split", "train", *options, "--out", str(out)]) == 0
    written = Dataset(out)
    assert streamed.instructions == written.instructions
    assert streamed.annotations == written.annotations
    assert streamed.categories == written.categories
    for image_id, record in written.images.items():
        assert streamed.images[image_id] == record
        np.testing.assert_array_equal(streamed.image(image_id), written.image(image_id))
    source.close()
    assert not multiprocessing.active_children()


class Seeds(Executor):
    """Notes which homes are asked for, and renders none."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def map(self, function: Any, *seeds: Any, timeout: float | None = None, chunksize: int = 1) -> Any:
        self.asked += seeds[0]
        return iter([({"images": [], "annotations": [], "instructions": [], "categories": []}, {})])


def test_homes_begin_again_when_the_seeds_of_the_split_are_used_up() -> None:
    pool = Seeds()
    block = _homes("train", "train", lambda data, cache: data, CONFIG, pool)
    for number in (0, 1, SEEDS_PER_SPLIT - 1, SEEDS_PER_SPLIT):
        block(number)
    first = SPLIT_SEEDS["train"]
    assert pool.asked == [first, first + 1, SPLIT_SEEDS["val"] - 1, first]


def test_homes_of_an_unknown_split_are_refused() -> None:
    with pytest.raises(DatasetError, match="homes:nowhere is not there"):
        open_source("homes:nowhere", "train", 64, CONFIG)
