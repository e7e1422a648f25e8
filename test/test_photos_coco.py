from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from photo_collections import HEIGHT, WIDTH, Collector, box_mask, plain_rle, polygon, rle
from PIL import Image

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import DatasetError
from training import cli
from training.photos.coco import UNKNOWN_KIND, VOC20, Picture, read_collection
from training.photos.faults import Faults, key
from training.photos.pixels import box_of, mask_of, read_picture

BOX = (20, 30, 70, 90)
ORIENTATION = 0x0112


def read(path: Path, **options: Any) -> tuple[list[Picture], dict[str, list[str]]]:
    faults = Faults()
    return read_collection(path, path.parent / "images", faults, **options).pictures, dict(faults.names)


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    made = Collector(tmp_path / "c")
    made.picture("a.jpg", [(1, BOX)])
    made.picture("b.jpg", [(2, BOX), (3, (90, 40, 150, 110))])
    return made


# -- masks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [polygon(BOX), polygon(BOX)[0], rle(box_mask(BOX)), plain_rle(box_mask(BOX))])
def test_all_forms_of_masks_are_the_same(form: Any) -> None:
    mask, cut = mask_of(form, WIDTH, HEIGHT)
    assert np.array_equal(mask, box_mask(BOX))
    assert not cut


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (None, "no mask"),
        ([], "no mask"),
        ([[1.0, 2.0, 3.0, 4.0]], "no mask"),
        ("mask.png", "damaged mask"),
        ([[1.0, 2.0, 3.0, float("nan"), 5.0, 6.0]], "damaged mask"),
        ([["a", "b", "c", "d", "e", "f"]], "damaged mask"),
        ([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]], "damaged mask"),
        ([[1e300, 0.0, 1e300, 9.0, 5.0, 1e300]], "outside the picture"),
        (polygon((500, 500, 540, 540)), "outside the picture"),
        (rle(np.zeros((HEIGHT, WIDTH), dtype=bool)), "without a pixel"),
        (rle(box_mask(BOX, 80, 60)), "another size"),
        ({"size": [HEIGHT, WIDTH], "counts": [5, 5]}, "damaged mask"),
        ({"size": [HEIGHT, WIDTH], "counts": [-5, HEIGHT * WIDTH + 5]}, "damaged mask"),
        ({"size": [HEIGHT, WIDTH], "counts": 7}, "damaged mask"),
        ({"size": [HEIGHT, WIDTH]}, "damaged mask"),
        ({"counts": "abc"}, "another size"),
    ],
)
def test_masks_that_cannot_be_used(form: Any, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        mask_of(form, WIDTH, HEIGHT)


def test_a_mask_over_the_edge_is_cut() -> None:
    mask, cut = mask_of(polygon((-20, 30, 40, 90)), WIDTH, HEIGHT)
    assert cut
    assert np.array_equal(mask, box_mask((0, 30, 40, 90)))


def test_boxes_are_kept_inside() -> None:
    assert box_of({"bbox": [-5, 10, 30, 200]}, WIDTH, HEIGHT) == (0, 10, 25, HEIGHT)
    for broken in (None, [1, 2, 3], ["a", 0, 1, 1], [500, 0, 5, 5]):
        assert box_of({"bbox": broken}, WIDTH, HEIGHT) == (0, 0, WIDTH, HEIGHT)


# -- pictures ----------------------------------------------------------------------------------------------------------


def turned(path: Path, orientation: int, size: tuple[int, int]) -> Path:
    """A picture of this stored size, red on its upper half as shown, whose EXIF says how to turn it."""
    shown = Image.new("RGB", size if orientation == 3 else size[::-1], "blue")
    shown.paste((255, 0, 0), (0, 0, shown.width, shown.height // 2))
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    shown.transpose(back).save(path, exif=exif, quality=95)
    return path


def is_upright(rgb: NDArray[np.uint8]) -> bool:
    """Red above, blue below."""
    return bool(rgb[10, 60, 0] > 200 and rgb[-10, 60, 0] < 50)


@pytest.mark.parametrize("orientation", [6, 8])
def test_a_picture_on_its_side_is_turned_where_the_size_fits_so(tmp_path: Path, orientation: int) -> None:
    path = turned(tmp_path / "a.jpg", orientation, (WIDTH, HEIGHT))
    upright = read_picture(path, HEIGHT, WIDTH)
    assert upright.rgb.shape == (WIDTH, HEIGHT, 3)
    assert is_upright(upright.rgb)
    assert not upright.as_it_is
    lying = read_picture(path, WIDTH, HEIGHT)  # masks were drawn over the pixels as they are stored
    assert lying.rgb.shape == (HEIGHT, WIDTH, 3)
    assert abs(int(lying.rgb[10, 10, 0]) - int(lying.rgb[-10, 10, 0])) < 50
    with pytest.raises(DatasetError, match=f"{WIDTH}x{HEIGHT} pixels, expected 50x50"):
        read_picture(path, 50, 50)


def test_where_both_fit_the_picture_is_turned(tmp_path: Path) -> None:
    picture = read_picture(turned(tmp_path / "a.jpg", 3, (WIDTH, HEIGHT)), WIDTH, HEIGHT)
    assert is_upright(picture.rgb)


@pytest.mark.parametrize("content", [b"", b"no picture", b"half"])
def test_damaged_pictures_are_faults(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    with pytest.raises(DatasetError, match=r"a\.jpg is not a readable image"):
        read_picture(path, WIDTH, HEIGHT)
    with pytest.raises(DatasetError, match="missing"):
        read_picture(tmp_path / "b.jpg", WIDTH, HEIGHT)


# -- records -----------------------------------------------------------------------------------------------------------


def test_a_sound_file_has_no_faults(collector: Collector) -> None:
    pictures, faults = read(collector.write())
    assert not faults
    assert [(p.name, [t.kind for t in p.things]) for p in pictures] == [
        ("a.jpg", ["cup"]),
        ("b.jpg", ["chair", "dining table"]),
    ]
    assert all(not p.exhaustive and p.unique and not p.all_labelled for p in pictures)


def repeat(list_name: str) -> Callable[[dict[str, Any]], None]:
    return lambda c: c[list_name].append(dict(c[list_name][0]))


def change(list_name: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda c: c[list_name][0].update(fields)


def drop(list_name: str, field: str) -> Callable[[dict[str, Any]], None]:
    return lambda c: c[list_name][0].pop(field)


@pytest.mark.parametrize(
    ("edit", "reason", "name"),
    [
        (repeat("images"), "images left out: an id that was there before", "image 1"),
        (repeat("annotations"), "annotations left out: an id that was there before", "annotation 1"),
        (repeat("categories"), "categories left out: an id", "category 1"),
        (drop("images", "id"), "images left out: no id", "images[0]"),
        (change("images", id=[1]), "images left out: no id", "images[0]"),
        (drop("images", "file_name"), "images left out: no file name", "image 1"),
        (change("images", file_name=7), "images left out: no file name", "image 1"),
        (drop("images", "width"), "images left out: no width and height", "a.jpg"),
        (change("images", height="120"), "images left out: no width and height", "a.jpg"),
        (change("images", height=-1), "images left out: no width and height", "a.jpg"),
        (change("images", file_name="../a.jpg"), "leaves the folder", "../a.jpg"),
        (change("images", file_name="/etc/passwd"), "leaves the folder", "/etc/passwd"),
        (change("images", file_name="x\\..\\..\\a.jpg"), "leaves the folder", "x\\..\\..\\a.jpg"),
        (lambda c: c["images"].append({**c["images"][1], "id": 9}), "a file that was there before", "b.jpg"),
        (drop("annotations", "image_id"), "an image that is not there", "annotation 1"),
        (change("annotations", image_id=99), "an image that is not there", "annotation 1"),
        (change("annotations", image_id=[1]), "an image that is not there", "annotation 1"),
        (drop("categories", "name"), "categories left out: no name", "category 1"),
        (change("categories", name=5), "categories left out: no name", "category 1"),
        (lambda c: c["annotations"].insert(0, 5), "annotations left out: no JSON object", "annotations[0]"),
        (lambda c: c["images"].append(None), "images left out: no JSON object", "images[2]"),
        (change("images", annotated="mine"), 'images whose "annotated" is not known', "a.jpg"),
        (lambda c: c.update(captions=[{"image_id": 9, "caption": "a"}]), "captions left out", "'a'"),
    ],
)
def test_faults_are_counted_and_named_and_the_rest_is_used(
    collector: Collector, edit: Callable[[dict[str, Any]], None], reason: str, name: str
) -> None:
    pictures, faults = read(collector.write(edit))
    named = [names for text, names in faults.items() if reason in text]
    assert named == [[name]]
    assert {t.kind for p in pictures for t in p.things} >= {"chair", "dining table"}


def test_an_unknown_category_may_be_anything(collector: Collector) -> None:
    pictures, faults = read(collector.write(change("annotations", category_id=77)))
    assert faults == {"annotations of a category that is not there": ["annotation 1"]}
    assert [(t.kind, t.certain) for t in pictures[0].things] == [(UNKNOWN_KIND, False)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not (readable )?JSON"),
        ("[]", "holds list"),
        ("{}", "no image with a labelled object"),
        ('{"images": 5, "annotations": {}, "categories": null}', "no image with a labelled object"),
    ],
)
def test_a_file_with_nothing_usable_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "coco.json").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read(tmp_path / "coco.json")
    with pytest.raises(DatasetError, match="missing"):
        read(tmp_path / "none.json")


def test_links_out_of_the_folder_are_not_followed(collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes((collector.images / "a.jpg").read_bytes())
    (collector.images / "a.jpg").unlink()
    (collector.images / "a.jpg").symlink_to(tmp_path / "secret.jpg")
    _, faults = read(collector.write())
    assert faults["images left out: their path leaves the folder of the images"] == ["a.jpg"]


def test_how_a_picture_was_annotated(tmp_path: Path) -> None:
    made = Collector(tmp_path / "c")
    for name in ("coco80", "voc20", "person_only"):
        made.picture(f"{name}.jpg", [(1, BOX)], annotated=name)
    made.picture("none.jpg", [(1, BOX)])
    crowd = made.picture("crowd.jpg", [])
    made.annotation(crowd["id"], 1, rle(box_mask(BOX)), BOX, iscrowd=1)
    made.annotation(crowd["id"], 1, rle(box_mask(BOX)), BOX, reliable=0)
    made.annotation(crowd["id"], 1, rle(box_mask(BOX)), BOX, reliable=1)
    kinds = {"cup", "chair", "dining table", "cat"}
    coco80, voc20, person, none, last = read(made.write())[0]
    assert coco80.exhaustive == kinds
    assert (coco80.all_labelled, coco80.unique) == (True, True)
    assert (voc20.exhaustive, voc20.all_labelled, voc20.unique) == (VOC20, False, True)
    assert (person.exhaustive, person.all_labelled, person.unique) == (frozenset(), False, False)
    assert (none.exhaustive, none.all_labelled, none.unique) == (frozenset(), False, True)
    assert [t.certain for t in last.things] == [False, False, True]
    told = read(made.write(), exhaustive=True)[0]
    assert [p.exhaustive for p in told] == [kinds, VOC20, frozenset(), kinds, kinds]


def test_captions_of_both_forms(collector: Collector) -> None:
    collector.content["captions"] = [{"image_id": 1, "caption": "A  cup."}]
    collector.content["annotations"].append({"id": 50, "image_id": 1, "caption": "A red cup on a table"})
    pictures, faults = read(collector.write())
    assert pictures[0].captions == ("A cup.", "A red cup on a table")
    assert not faults


def test_faults_of_workers_come_back_with_their_names() -> None:
    faults = Faults()
    others = faults.add_counts({key("left out: no mask", "annotation 7"): 2, "captions": 3})
    faults.add("left out: no mask", "annotation 8")
    faults.add("left out: no mask", "annotation 9")
    assert others == {"captions": 3}
    assert faults.lines() == ["      4 left out: no mask (annotation 7, annotation 7, annotation 8 and 1 more)"]


def test_outlines_are_numbered_from_the_largest_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Collector(tmp_path / "c")
    (made.images / "x").mkdir()
    made.picture("a.jpg", [(1, (10, 10, 30, 30)), (2, (50, 30, 150, 110))])
    made.picture("x/a.jpg", [(3, (20, 20, 100, 100))])
    made.annotation(1, 4, None, BOX)
    made.annotation(1, 4, rle(box_mask((100, 5, 150, 25))), BOX, iscrowd=1)
    command = ["outlines", "--coco", str(made.write()), "--images", str(made.images), "--out", str(tmp_path / "o")]
    assert cli.main([*command, "--size", "320", "--test", "1", "--val", "0"]) == 0
    assert "2 drawings, 3 objects" in capsys.readouterr().out
    index = json.loads((tmp_path / "o/objects.json").read_text())
    assert list(index) == ["a.jpg", "a_2.jpg"]
    assert index["a.jpg"]["objects"]["1"] == {
        "annotation": 2,
        "category": "chair",
        "bbox": [50, 30, 100, 80],
        "share": 0.4167,
    }
    assert (index["a_2.jpg"]["file_name"], index["a_2.jpg"]["split"]) == ("x/a.jpg", "test")
    drawing = np.asarray(Image.open(tmp_path / "o/a.jpg")).astype(int)
    assert drawing.shape == (240, 320, 3)
    assert (
        np.abs(drawing[100:120, 99:102] - (255, 64, 64)).sum(axis=2).min() < 120
    )  # the largest is outlined in the first colour
    assert cli.main([*command, "--size", "5"]) == 2


def test_the_command_needs_pictures_of_the_recorded_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Collector(tmp_path / "c")
    made.picture("a.jpg", [(1, BOX)])
    made.picture("b.jpg", [(2, BOX)], width=80, height=60)
    command = ["photos", "--coco", str(made.write()), "--images", str(made.images), "--out", str(tmp_path / "d")]
    assert cli.main(command) == 0
    assert "b.jpg is 160x120 pixels, expected 80x60" in capsys.readouterr().err
    assert len(Dataset(tmp_path / "d").images) == 1
