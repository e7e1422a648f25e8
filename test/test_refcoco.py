"""RefCOCO, RefCOCO+ and RefCOCOg from small files in the real format."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import DatasetError
from training import cli
from training.datasets.foreign.refer_files import read_refs
from training.datasets.foreign.segmentation import decode

HEIGHT, WIDTH = 40, 60


def uncompressed(mask: np.ndarray) -> dict[str, Any]:
    """COCO's run lengths, down the columns, beginning with zeros."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [0]])))
    runs = np.diff(np.concatenate([[0], edges, [len(flat)]]))
    return {"size": list(mask.shape), "counts": runs.tolist()}


SQUARE = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
SQUARE[5:15, 10:30] = 1
CORNER = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
CORNER[30:, 50:] = 1
TWO_PARTS = [[10, 5, 30, 5, 30, 15, 10, 15], [40, 20, 50, 20, 50, 30, 40, 30]]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three images; polygons with two parts, uncompressed RLE and compressed RLE."""
    folder = tmp_path / "data/refcoco+"
    folder.mkdir(parents=True)
    images = tmp_path / "train2014"
    images.mkdir()
    records = []
    for number in (581, 9, 33):
        name = f"COCO_train2014_{number:012d}.jpg"
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), number % 255, dtype=np.uint8)).save(images / name)
        records.append({"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH, "license": 1})
    rle = coco_mask.encode(np.asfortranarray(CORNER))
    annotations = [
        {"id": 1, "image_id": 581, "category_id": 62, "segmentation": TWO_PARTS, "iscrowd": 0},
        {"id": 2, "image_id": 581, "category_id": 62, "segmentation": uncompressed(SQUARE), "iscrowd": 1},
        {
            "id": 3,
            "image_id": 9,
            "category_id": 1,
            "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
        },
        {"id": 4, "image_id": 33, "category_id": 1, "segmentation": TWO_PARTS[:1], "iscrowd": 0},
        {"id": 5, "image_id": 581, "category_id": 62, "segmentation": TWO_PARTS[1:], "iscrowd": 0},
    ]
    categories = [{"id": 62, "name": "chair", "supercategory": "furniture"}, {"id": 1, "name": "person"}]
    content = {"images": records, "annotations": annotations, "categories": categories, "info": {}, "licenses": []}
    (folder / "instances.json").write_text(json.dumps(content))

    def ref(ref_id: int, ann_id: int, image_id: int, split: str, *sentences: str) -> dict[str, Any]:
        entries = [
            {"sent": sent, "raw": sent.upper(), "tokens": sent.split(), "sent_id": 10 * ref_id + i}
            for i, sent in enumerate(sentences)
        ]
        ids = [entry["sent_id"] for entry in entries]
        return {
            "ref_id": ref_id, "ann_id": ann_id, "image_id": image_id, "split": split, "category_id": 62,
            "sentences": entries, "sent_ids": ids, "file_name": f"COCO_train2014_{image_id:012d}_{ann_id}.jpg",
        }  # fmt: skip

    refs = [
        ref(7, 1, 581, "train", "the chair  by the café table", "left chair"),
        ref(8, 3, 9, "testA", "guy in the corner"),
        ref(9, 4, 33, "val", "woman"),
    ]
    (folder / "refs(unc).p").write_bytes(python_2_pickle(refs))
    return tmp_path


def python_2_pickle(value: Any) -> bytes:
    """Protocol 0 as Python 2 writes it: byte strings in latin1 for ASCII text, unicode for the rest."""
    out: list[bytes] = []

    def write(value: Any) -> None:
        if isinstance(value, dict):
            out.append(b"(d")
            for key, inner in value.items():
                write(key)
                write(inner)
                out.append(b"s")
        elif isinstance(value, list):
            out.append(b"(l")
            for inner in value:
                write(inner)
                out.append(b"a")
        elif isinstance(value, int):
            out.append(b"I%d\n" % value)
        elif value.isascii():
            out.append(b"S%s\n" % repr(value).encode("ascii"))
        else:
            out.append(b"V%s\n" % value.encode("raw-unicode-escape"))

    write(value)
    return b"".join(out) + b"."


def arguments(files: Path, out: str = "out", split_by: str = "unc", dataset: str = "refcoco+") -> list[str]:
    where = ["--annotations", str(files / "data"), "--images", str(files / "train2014"), "--out", str(files / out)]
    return ["refcoco", "--dataset", dataset, "--split-by", split_by, *where]


def test_everything_arrives(files: Path) -> None:
    assert cli.main(arguments(files)) == 0
    data = Dataset(files / "out")
    assert len(data.images) == 3
    assert {i.split for i in data.instructions} == {"train", "val", "testA"}
    first, second = data.split("train")
    assert (first.text, second.text) == ("THE CHAIR BY THE CAFÉ TABLE", "LEFT CHAIR")  # as it was typed
    assert (first.expressions, first.distractors, first.origin) == (2, 1, "7/70")
    assert data.images[first.image_id].scene == "COCO 581"
    mask = data.mask(first)
    assert mask[5:15, 10:30].all()
    assert mask[20:30, 40:50].all()
    assert mask.sum() == pytest.approx(300, abs=40)
    np.testing.assert_array_equal(data.mask(data.split("testA")[0]), CORNER.astype(bool))
    things = data.annotations_of(first.image_id)
    assert [(data.categories[a.category_id], a.iscrowd) for a in things] == [("chair", 0), ("chair", 1), ("chair", 0)]
    record = data.images[first.image_id]
    source = files / "train2014/COCO_train2014_000000000581.jpg"
    assert (files / "out" / record.file_name).read_bytes() == source.read_bytes()


def test_json_gives_the_same_as_the_pickle(files: Path) -> None:
    assert cli.main(arguments(files)) == 0
    path = files / "data/refcoco+/refs(unc).p"
    path.with_suffix(".json").write_text(json.dumps(read_refs(path)))
    path.unlink()
    assert cli.main(arguments(files, "again")) == 0
    assert (files / "again/annotations.json").read_bytes() == (files / "out/annotations.json").read_bytes()


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def test_a_pickle_that_runs_something_is_refused_and_runs_nothing(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trap = files / "trap"
    (files / "data/refcoco+/refs(unc).p").write_bytes(pickle.dumps([Malicious(trap)]))
    assert cli.main(arguments(files)) == 2
    assert "expected plain lists" in capsys.readouterr().err
    assert not trap.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged"),
        (pickle.dumps([{"ref_id": 1}]), "does not hold a list of references"),
        (pickle.dumps({"a": 1}), "does not hold a list of references"),
        (b"\x80\x02]q", "is damaged"),
    ],
)
def test_damaged_refs_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "refs(unc).p").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_refs(tmp_path / "refs(unc).p")


def test_unknown_division_names_those_there_are(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments(files, split_by="umd")) == 2
    assert "refcoco+ has unc" in capsys.readouterr().err
    assert cli.main(arguments(files, dataset="refcocog", split_by="umd")) == 2
    assert "refs(umd).p is missing" in capsys.readouterr().err


def test_missing_image_is_listed_and_tried_again(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = files / "train2014/COCO_train2014_000000000009.jpg"
    content = image.read_bytes()
    image.unlink()
    assert cli.main(arguments(files)) == 0
    assert "000000000009.jpg is missing" in capsys.readouterr().err
    assert len(Dataset(files / "out").images) == 2
    image.write_bytes(content)
    assert cli.main(arguments(files)) == 0
    assert len(Dataset(files / "out").images) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xd8 cut short", "is not a readable image"), (None, "is 5x5 pixels, expected 60x40")],
)
def test_damaged_image_is_listed(
    files: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    image = files / "train2014/COCO_train2014_000000000009.jpg"
    if content is None:
        Image.new("RGB", (5, 5)).save(image)
    else:
        image.write_bytes(content)
    assert cli.main(arguments(files)) == 0
    assert f"000000000009.jpg {message}" in capsys.readouterr().err
    assert {i.split for i in Dataset(files / "out").instructions} == {"train", "val"}


def test_a_picture_is_handed_to_no_other_program(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = files / "train2014/COCO_train2014_000000000009.jpg"
    Image.new("RGB", (WIDTH, HEIGHT)).save(image, "eps")  # which Pillow has Ghostscript draw
    assert cli.main(arguments(files)) == 0
    assert f"{image} is not a readable image: cannot identify image file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ([], "damaged mask"),
        ([[1, 2]], "damaged mask"),
        (["abcdef"], "damaged mask"),
        ({"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}, "mask without a pixel"),
    ],
)
def test_objects_without_a_mask_are_left_out_alone(
    files: Path, capsys: pytest.CaptureFixture[str], segmentation: object, reason: str
) -> None:
    path = files / "data/refcoco+/instances.json"
    content = json.loads(path.read_text())
    for thing in content["annotations"]:
        if thing["id"] in (4, 5):  # a target alone in its image, and a distractor
            thing["segmentation"] = segmentation
    path.write_text(json.dumps(content))
    assert cli.main(arguments(files)) == 0
    printed = capsys.readouterr().out
    assert f"      2 objects left out: {reason}" in printed
    assert "      1 references left out: their target has no usable mask" in printed
    data = Dataset(files / "out")
    assert {i.split: i.distractors for i in data.instructions} == {"train": 0, "testA": 0}
    assert cli.main(["check", str(files / "out")]) == 0


@pytest.mark.slow
def test_workers_do_not_show_in_the_result(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.datasets.refcoco.IMAGES_A_PART", 1)
    assert cli.main(arguments(files)) == 0
    assert cli.main([*arguments(files, "parallel"), "--workers", "2"]) == 0
    one, two = ((files / out / "annotations.json").read_bytes() for out in ("out", "parallel"))
    assert one == two


def test_reference_to_nothing_is_named(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files / "data/refcoco+/instances.json"
    content = json.loads(path.read_text())
    content["annotations"] = [thing for thing in content["annotations"] if thing["id"] != 4]
    path.write_text(json.dumps(content))
    assert cli.main(arguments(files)) == 2
    assert "annotation 4 of ref 9" in capsys.readouterr().err


def test_a_segmentation_of_another_size_is_refused() -> None:
    with pytest.raises(DatasetError, match="60x40 pixels, expected 61x40"):
        decode(uncompressed(SQUARE), HEIGHT, WIDTH + 1)
    with pytest.raises(DatasetError, match="no polygons and no RLE"):
        decode({"what": 1}, HEIGHT, WIDTH)


def overlapping(files: Path) -> None:
    """Gives the chair of reference 7 two polygons with a common part."""
    path = files / "data/refcoco+/instances.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = [[10, 5, 30, 5, 30, 15, 10, 15], [20, 10, 40, 10, 40, 20, 20, 20]]
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(("options", "common"), [([], True), (["--overlaps", "outside"], False)])
def test_where_polygons_overlap(files: Path, options: list[str], common: bool) -> None:
    """LAVT and VPD sum the polygons' masks and take the pixels whose sum is 1."""
    overlapping(files)
    assert cli.main([*arguments(files), *options]) == 0
    data = Dataset(files / "out")
    one, other = np.zeros((2, HEIGHT, WIDTH), dtype=np.int64)
    one[5:15, 10:30] = other[10:20, 20:40] = 1
    covered = one + other
    np.testing.assert_array_equal(data.mask(data.split("train")[0]), covered > 0 if common else covered == 1)


def test_text_as_typed_or_as_processed_by_refer(files: Path) -> None:
    assert cli.main([*arguments(files), "--text", "sent"]) == 0
    texts = [instruction.text for instruction in Dataset(files / "out").split("train")]
    assert texts == ["the chair by the café table", "left chair"]


def test_the_first_references_of_a_split(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files / "data/refcoco+/refs(unc).p"
    refs = read_refs(path)
    more = [{**refs[0], "ref_id": number} for number in (20, 21)]
    path.write_bytes(pickle.dumps([{k: v for k, v in ref.items() if k != "ann_ids"} for ref in (*refs, *more)]))
    assert cli.main([*arguments(files), "--limit", "train=2", "val=1"]) == 0
    data = Dataset(files / "out")
    assert [i.origin.split("/")[0] for i in data.split("train")] == ["7", "7", "20", "20"]
    assert len(data.split("val")) == len(data.split("testA")) == 1
    for value, message in (("test=3", "names the split 'test'"), ("5000", "expected SPLIT=NUMBER")):
        assert cli.main([*arguments(files, "other"), "--limit", value]) == 2
        assert message in capsys.readouterr().err
