"""Datasets built from units of work: parallel, interrupted, incomplete."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mdsm_ros.dataset.format import Dataset, difficulty
from mdsm_ros.dataset.writer import PARTS_FOLDER, DatasetWriter
from mdsm_ros.errors import DatasetError, StorageError
from training.datasets.build import Outcome, Plan, build

CATEGORIES = ("mug", "book")


def make_unit(writer: DatasetWriter, unit: int, *, broken: Path | None = None, seconds: float = 0.0) -> None:
    """Unit n gives n % 3 + 1 images; while ``broken`` exists, unit 3 fails and unit 5 has a problem.

    From unit 5 on, each takes so many seconds.
    """
    rng = np.random.default_rng(unit)
    if unit >= 5:
        time.sleep(seconds)
    for _ in range(unit % 3 + 1):
        if broken is not None and broken.exists() and unit == 3:
            raise DatasetError("mesh of unit 3 is missing")
        image_id = writer.add_image(rng.integers(0, 255, (16, 24, 3), dtype=np.uint8), scene=f"scene {unit}")
        mask = rng.random((16, 24)) > 0.5
        annotation_id = writer.add_annotation(image_id, CATEGORIES[unit % 2], mask, occlusion=0.25)
        writer.add_instruction(
            image_id, [annotation_id], f"get thing {unit}", split="train", source="test", expressions=1, distractors=0
        )
        writer.add_instruction(
            image_id, [], "get nothing", split="train", source="test", expressions=1, distractors=0, origin=f"u{unit}"
        )
    writer.count("units")
    if broken is not None and broken.exists() and unit == 5:
        writer.problem("a picture of unit 5 is unreadable")


def plan(root: Path, make: Callable[[DatasetWriter, int], None] = make_unit, **changes: object) -> Plan[int]:
    arguments: dict[str, object] = {
        "root": root,
        "units": range(10),
        "name": "{:03d}".format,
        "make": make,
        "categories": CATEGORIES,
        "info": {"source": "test", "recipe": {"size": 24}},
    }
    return Plan(**(arguments | changes))  # type: ignore[arg-type]


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_parts_are_merged_in_order(tmp_path: Path) -> None:
    outcome = build(plan(tmp_path / "d"), workers=1)
    data = Dataset(tmp_path / "d")
    assert (outcome.images, outcome.instructions) == (19, 38) == (len(data.images), len(data.instructions))
    assert outcome.counts == {"units": 10}
    assert not outcome.problems
    assert data.info == {"source": "test", "recipe": {"size": 24}}
    assert list(data.images) == list(range(1, 20))
    for instruction in data.instructions:
        unit = int(data.images[instruction.image_id].scene.split()[1])
        if instruction.annotation_ids:
            assert instruction.text == f"get thing {unit}"
            annotation = data.annotations[instruction.annotation_ids[0]]
            assert annotation.image_id == instruction.image_id
            assert data.categories[annotation.category_id] == CATEGORIES[unit % 2]
            assert data.mask(instruction).sum() == annotation.area
        else:
            assert instruction.origin == f"u{unit}"
    assert not (tmp_path / "d" / PARTS_FOLDER).exists()


def build_with_workers(root: Path, limit: int | None = None, seconds: float = 0.0) -> subprocess.Popen[bytes]:
    """A build in a process of its own, where this file has a name that worker processes can import."""
    here = Path(__file__)
    call = (
        f"t.build(t.plan(t.Path({str(root)!r}), t.partial(t.make_unit, seconds={seconds}), limit={limit}), workers=2)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", f"import {here.stem} as t; {call}"],
        env=os.environ | {"PYTHONPATH": f"{here.parent}:{here.parents[1]}"},
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("limit", [None, 7])
def test_workers_do_not_show_in_the_result(tmp_path: Path, limit: int | None) -> None:
    build(plan(tmp_path / "one", limit=limit), workers=1)
    assert build_with_workers(tmp_path / "two", limit).wait(timeout=60) == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    if limit is not None:
        assert len(Dataset(tmp_path / "one").images) == limit == len(list((tmp_path / "one/images").iterdir()))


@pytest.mark.slow
def test_killed_and_run_again_is_as_if_never_killed(tmp_path: Path) -> None:
    build(plan(tmp_path / "whole"), workers=1)
    torn = tmp_path / "torn"
    process = build_with_workers(torn, seconds=600)  # it is killed before, however busy the machine is
    deadline = time.monotonic() + 60
    while len(list((torn / PARTS_FOLDER).glob("0*.json"))) < 4:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (torn / "annotations.json").exists()
    made: list[int] = []

    def watched(writer: DatasetWriter, unit: int) -> None:
        made.append(unit)
        make_unit(writer, unit)

    build(plan(torn, watched), workers=1)
    assert 0 < len(made) <= 6  # what was finished is not made again
    assert contents(torn) == contents(tmp_path / "whole")


def test_what_cannot_be_used_is_listed_and_tried_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    first = build(plan(tmp_path / "d", partial(make_unit, broken=broken)), workers=1)
    assert first.problems == {"mesh of unit 3 is missing": ["003"], "a picture of unit 5 is unreadable": ["005"]}
    first.print_problems()
    assert "run again" in capsys.readouterr().err
    assert "scene 3" not in {image.scene for image in Dataset(tmp_path / "d").images.values()}
    broken.unlink()
    second = build(plan(tmp_path / "d", partial(make_unit, broken=broken)), workers=1)
    assert not second.problems
    build(plan(tmp_path / "whole"), workers=1)
    assert contents(tmp_path / "d") == contents(tmp_path / "whole")


def fail_always(writer: DatasetWriter, unit: int) -> None:
    raise DatasetError("no licence")


def test_nothing_built_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DatasetError, match="nothing was built"):
        build(plan(tmp_path / "d", fail_always), workers=1)
    assert "no licence" in capsys.readouterr().err


def test_a_full_disk_is_not_the_fault_of_a_unit(tmp_path: Path) -> None:
    def make(writer: DatasetWriter, unit: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StorageError, match="cannot be written: No space left on device"):
        build(plan(tmp_path, make), workers=1)


def test_a_finished_dataset_is_left_alone(tmp_path: Path) -> None:
    build(plan(tmp_path / "d"), workers=1)
    assert build(plan(tmp_path / "d", fail_always), workers=1) == Outcome(images=19, instructions=38)
    with pytest.raises(DatasetError, match=r"'size': 24.*'size': 48"):
        build(plan(tmp_path / "d", info={"source": "test", "recipe": {"size": 48}}), workers=1)


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/holiday.jpg").write_bytes(b"dear to me")
    with pytest.raises(DatasetError, match="expected a new or an empty folder"):
        build(plan(tmp_path), workers=1)
    assert (tmp_path / "images/holiday.jpg").exists()


def test_picture_files_are_taken_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "a.JPG"
    source.write_bytes(b"bytes of a picture")
    writer = DatasetWriter(tmp_path / "d", CATEGORIES)
    writer.add_image_file(source, 3, 4, scene="a")
    writer.close()
    assert (tmp_path / "d/images/000001.jpg").read_bytes() == b"bytes of a picture"
    record = json.loads((tmp_path / "d/annotations.json").read_text())["images"][0]
    assert (record["height"], record["width"], record["scene"]) == (3, 4, "a")


def test_difficulty_counts_hard_traits() -> None:
    assert difficulty(1, 0, 0.2, None) == "easy"
    assert difficulty(3, 0, 0.2, 0.0) == "medium"
    assert difficulty(1, 2, 0.2, 0.29) == "medium"
    assert difficulty(1, 0, 0.005, 0.3) == "hard"
    assert difficulty(4, 3, 0.001, 0.9) == "hard"
