from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.geometry import Camera


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A dataset of one image, two annotations and two instructions."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (24, 32, 3), dtype=np.uint8)
    first, second = np.zeros((2, 24, 32), dtype=bool)
    first[3:9, 4:10] = True
    second[15:20, 20:30] = True
    depth = np.full((24, 32), 1.2345, dtype=np.float32)
    depth[0, 0] = np.nan
    with DatasetWriter(tmp_path, ["mug", "book"]) as writer:
        image_id = writer.add_image(image, depth=depth, camera=Camera(30.0, 31.0, 16.0, 12.0))
        ids = [
            writer.add_annotation(image_id, "mug", first, {"color": "red"}),
            writer.add_annotation(image_id, "book", second),
        ]
        add = partial(writer.add_instruction, image_id, split="train", source="test", expressions=1, distractors=0)
        add(ids, "get the mug and the book")
        add([], "get the lamp")
    return tmp_path


def test_reads_what_was_written(written: Path) -> None:
    data = Dataset(written)
    both, nothing = data.split("train")
    assert both.words == 6
    assert data.images[1].camera == Camera(30.0, 31.0, 16.0, 12.0)
    assert data.image(1).shape == (24, 32, 3)
    assert data.annotations_of(1)[0].attributes == {"color": "red"}
    assert data.annotations_of(1)[0].bbox == (4.0, 3.0, 6.0, 6.0)
    assert data.categories[data.annotations_of(1)[1].category_id] == "book"
    assert data.mask(both).sum() == 36 + 50
    assert not data.mask(nothing).any()
    depth = data.depth(1)
    assert depth is not None
    assert depth[5, 5] == pytest.approx(1.2345, abs=0.0006)  # millimetres
    assert depth[0, 0] == 0


def test_nothing_appears_when_writing_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with DatasetWriter(tmp_path, ["mug"]) as writer:
            writer.add_image(np.zeros((4, 4, 3), dtype=np.uint8))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not (tmp_path / ANNOTATIONS_FILE).exists()


def test_unknown_category(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path, ["mug"])
    with pytest.raises(DatasetError, match="'lamp'"):
        writer.add_annotation(1, "lamp", np.zeros((4, 4), dtype=bool))


def test_missing_and_damaged_pictures_are_named(written: Path) -> None:
    (written / "depth/000001.png").write_bytes(b"no picture")
    data = Dataset(written)
    with pytest.raises(DatasetError, match=r"000001\.png is not a readable image"):
        data.depth(1)
    (written / "images/000001.jpg").unlink()
    with pytest.raises(DatasetError, match=r"000001\.jpg is missing"):
        data.image(1)


def _edit(root: Path, **changes: object) -> None:
    path = root / ANNOTATIONS_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_missing_mask_is_named(written: Path) -> None:
    _edit(written, annotations=[])
    with pytest.raises(DatasetError, match="names annotation 1, absent"):
        Dataset(written)


def test_damaged_mask_is_named(written: Path) -> None:
    path = written / ANNOTATIONS_FILE
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"]["size"] = [5, 5]
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"annotation 1 has a mask of size \[5, 5\]"):
        Dataset(written).mask_of(1)


def test_missing_list_and_field_are_named(written: Path) -> None:
    _edit(written, instructions=[{"id": 1}])
    with pytest.raises(DatasetError, match=r"instructions\[0\]"):
        Dataset(written)
    _edit(written, instructions=None)
    with pytest.raises(DatasetError, match="'instructions' is missing"):
        Dataset(written)


def test_file_that_is_not_json(written: Path) -> None:
    (written / ANNOTATIONS_FILE).write_text("{")
    with pytest.raises(DatasetError, match="is not JSON"):
        Dataset(written)


def test_unknown_split_lists_what_there_is(written: Path) -> None:
    with pytest.raises(DatasetError, match=r"'val'.*\['train'\]"):
        Dataset(written).split("val")
