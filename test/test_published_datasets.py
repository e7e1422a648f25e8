"""Public datasets from small files in the real formats, by the commands that read them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.dataset.format import Dataset
from training import cli

HEIGHT, WIDTH = 24, 32
LEFT, RIGHT = np.zeros((2, HEIGHT, WIDTH), dtype=bool)
LEFT[4:12, 2:10] = True
RIGHT[10:20, 20:30] = True


def picture(path: Path, shade: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), shade, dtype=np.uint8)).save(path)


def labels(path: Path, content: NDArray[Any], mode: str = "I;16") -> None:
    """A label image of 16 bits, as OCID has them, or with a palette, as VOC."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "P":
        image = Image.frombytes("P", content.shape[::-1], content.astype(np.uint8).tobytes())
        image.putpalette([value for value in range(256) for _ in range(3)])
    else:
        image = Image.fromarray(content.astype(np.uint16))
    image.save(path)


def square(x: int, y: int, right: int, bottom: int) -> list[float]:
    return [float(value) for value in (x, y, right, y, right, bottom, x, bottom)]


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def build(*arguments: object) -> Dataset:
    assert cli.main([str(argument) for argument in arguments]) == 0
    data = Dataset(Path(str(arguments[arguments.index("--out") + 1])))
    assert cli.main(["check", str(data.root)]) == 0
    return data


def masks(data: Dataset, split: str) -> dict[str, NDArray[np.bool_]]:
    return {instruction.text: data.mask(instruction) for instruction in data.split(split)}


# gRefCOCO


def test_grefcoco_has_several_targets_one_and_none(tmp_path: Path) -> None:
    name = "COCO_train2014_000000000009.jpg"
    picture(tmp_path / "train2014" / name)
    objects = [
        {"id": 5, "segmentation": [square(2, 4, 10, 12)], "iscrowd": 0},
        {"id": 6, "segmentation": [square(20, 10, 30, 20)], "iscrowd": 0},
        {"id": 7, "segmentation": [square(0, 20, 32, 24)], "iscrowd": 1},
    ]
    write(
        tmp_path / "data/grefcoco/instances.json",
        {
            "images": [{"id": 9, "file_name": name, "height": HEIGHT, "width": WIDTH}],
            "annotations": [{**thing, "image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1]} for thing in objects],
            "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
        },
    )

    def ref(number: int, targets: Any, text: str) -> dict[str, Any]:
        sentence = {"tokens": text.split(), "raw": text.title(), "sent": text, "sent_id": 100 + number}
        return {
            "ref_id": number, "image_id": 9, "ann_id": targets, "category_id": [1], "split": "val",
            "sentences": [sentence], "sent_ids": [100 + number], "file_name": name,
        }  # fmt: skip

    refs = [ref(1, [5, 6], "both people"), ref(2, [6], "right one"), ref(3, [-1], "the horse"), ref(4, -1, "a cat")]
    write(tmp_path / "data/grefcoco/grefs(unc).json", [*refs, ref(5, [5, 7], "the left one and the crowd")])
    folders = ["--annotations", tmp_path / "data", "--images", tmp_path / "train2014"]
    data = build("grefcoco", *folders, "--text", "sent", "--out", tmp_path / "out")
    found = masks(data, "val")
    np.testing.assert_array_equal(found["both people"], LEFT | RIGHT)
    np.testing.assert_array_equal(found["right one"], RIGHT)
    assert not found["the horse"].any()
    assert not found["a cat"].any()
    assert [i.distractors for i in data.split("val")] == [0, 1, 0, 0, 1]
    np.testing.assert_array_equal(found["the left one and the crowd"], LEFT)  # as in the authors' code


# PhraseCut


def test_phrasecut_fills_polygons_as_its_authors_do(tmp_path: Path) -> None:
    picture(tmp_path / "VG_100K_2/2417.jpg")
    (tmp_path / "VG_100K").mkdir()
    corners: dict[str, list[list[float]]] = {
        "left": [[2, 4], [9.9, 4], [9.9, 11.5], [2, 11.5]],
        "right": [[20, 10], [29, 10], [29, 19], [20, 19]],
    }
    structure = {"attributes": ["red"], "relation_ids": [], "relation_descriptions": [], "type": "attribute"}

    def task(number: str, phrase: str, name: str, *objects: list[list[float]]) -> dict[str, Any]:
        return {
            "task_id": number, "image_id": 2417, "ann_ids": [1], "instance_boxes": [[0, 0, 1, 1]] * len(objects),
            "Polygons": [[polygon] for polygon in objects], "phrase": phrase,
            "phrase_structure": {**structure, "name": name},
        }  # fmt: skip

    both = task("2417__1_2", "cups on the table", "cup", corners["left"], corners["right"])
    write(tmp_path / "refer_val.json", [both, task("2417__2", "red cup", "cup", corners["right"])])
    meta = {"image_id": 2417, "coco_id": None, "flickr_id": 1, "url": "", "split": "val"}
    write(tmp_path / "image_data_split3000.json", [{**meta, "width": WIDTH, "height": HEIGHT}])
    folders = ["--annotations", tmp_path, "--images", tmp_path / "VG_100K", tmp_path / "VG_100K_2"]
    data = build("phrasecut", *folders, "--splits", "val", "--out", tmp_path / "out")
    found = masks(data, "val")
    np.testing.assert_array_equal(found["red cup"], RIGHT)
    np.testing.assert_array_equal(found["cups on the table"], LEFT | RIGHT)
    assert len(data.annotations) == 2  # the region that both phrases name is one object
    assert {i.text: (i.distractors, i.origin) for i in data.instructions}["red cup"] == (1, "2417__2")


# RoboRefIt


def test_roborefit_is_read_with_paths_of_both_systems(tmp_path: Path) -> None:
    root = tmp_path / "final_dataset"
    picture(root / "testA/image/0000000.png")
    for name, mask in (("left", LEFT), ("right", RIGHT)):
        path = root / f"testA/mask/0000000/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.stack([0 * mask, 0 * mask, 255 * mask], axis=-1).astype(np.uint8)).save(path)

    def record(number: int, text: str, mask: str) -> dict[str, Any]:
        return {
            "num": number, "text": text, "bbox": [2, 4, 10, 12], "rgb_path": "final_dataset\\testA\\image\\0000000.png",
            "depth_path": "final_dataset\\testA\\depth\\0000000.png", "scene": "table",
            "mask_path": f"final_dataset\\testA\\mask\\0000000/{mask}.png",
        }  # fmt: skip

    requests = [record(0, "pass me the large yellow pear", "left"), record(1, "get the cup", "right")]
    write(root / "testA/roborefit_testA.json", requests)
    data = build("roborefit", "--root", root, "--splits", "testA", "--out", tmp_path / "out")
    found = masks(data, "testA")
    np.testing.assert_array_equal(found["pass me the large yellow pear"], LEFT)
    np.testing.assert_array_equal(found["get the cup"], RIGHT)
    assert [i.distractors for i in data.instructions] == [0, 0]  # categories are not known


# OCID


OCID_IMAGE = "ARID20/floor/top/seq06/rgb/result_2018-08-20-11-37-31.png"


def ocid_labels() -> NDArray[np.int64]:
    return np.where(LEFT, 3, np.where(RIGHT, 18, 1))


def test_ocid_ref_masks_are_where_the_label_image_has_the_number(tmp_path: Path) -> None:
    picture(tmp_path / "OCID" / OCID_IMAGE)
    labels(tmp_path / "OCID" / OCID_IMAGE.replace("rgb", "label"), ocid_labels())

    def record(sentence: str, label: int, name: str) -> dict[str, Any]:
        return {
            "seq_id": 6, "scene_id": 11, "take_id": 9, "scene_path": OCID_IMAGE, "sub_dataset": "ARID20",
            "sequence_path": "ARID20/floor/top/seq06", "instance_id": 5527, "scene_instance_id": label,
            "class": name, "class_instance": f"{name}_1", "sentence": sentence, "tokens": sentence.split(),
            "bbox": "[20, 10, 30, 20]", "sentence_type": "spatial",
        }  # fmt: skip

    write(tmp_path / "train_expressions.json", {"83152": record("the food box on the left", 3, "food_box")})
    write(tmp_path / "val_expressions.json", {"83153": record("the right one", 18, "food_box")})
    folders = ["--annotations", tmp_path, "--images", tmp_path / "OCID"]
    data = build("ocid-ref", *folders, "--splits", "train", "val", "--out", tmp_path / "out")
    np.testing.assert_array_equal(masks(data, "train")["the food box on the left"], LEFT)
    np.testing.assert_array_equal(masks(data, "val")["the right one"], RIGHT)
    assert len(data.images) == 1  # both splits show it, as published
    assert [i.distractors for i in data.instructions] == [1, 1]


def test_ocid_vlg_is_read_in_each_version(tmp_path: Path) -> None:
    picture(tmp_path / OCID_IMAGE)
    labels(tmp_path / OCID_IMAGE.replace("rgb", "seg_mask_instances_combi"), ocid_labels())
    sequence, image = OCID_IMAGE.split("/rgb/")
    record = {
        "image_filename": f"{sequence},{image}", "box": [20, 10, 10, 10], "grasps": [], "answer": 18,
        "target": "food_box_1", "question": "Pick the food box in the back", "program": [], "question_index": 7,
    }  # fmt: skip
    write(tmp_path / "refer/novel-classes/test_expressions.json", {"data": [record]})
    where = ["--root", tmp_path, "--version", "novel-classes", "--splits", "test"]
    data = build("ocid-vlg", *where, "--out", tmp_path / "out")
    np.testing.assert_array_equal(masks(data, "test")["Pick the food box in the back"], RIGHT)
    assert data.instructions[0].origin == "7"


# VOC and COCO


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """Two chairs and a person between uncertain pixels; 9 and 15 are VOC's numbers."""
    classes, objects = np.zeros((2, HEIGHT, WIDTH), dtype=np.uint8)
    for number, (rows, columns, kind) in enumerate(
        [(slice(4, 12), slice(2, 10), 9), (slice(10, 20), slice(20, 30), 9), (slice(0, 3), slice(0, 32), 15)], start=1
    ):
        classes[rows, columns], objects[rows, columns] = kind, number
    classes[12:14, 2:10] = objects[12:14, 2:10] = 255
    picture(tmp_path / "JPEGImages/2007_000032.jpg")
    labels(tmp_path / "SegmentationClass/2007_000032.png", classes, "P")
    labels(tmp_path / "SegmentationObject/2007_000032.png", objects, "P")
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2007_000032\n")
    return tmp_path


def test_voc_gives_semantic_masks(voc: Path) -> None:
    data = build("voc", "--root", voc, "--splits", "val", "--absent", 2, "--out", voc / "out")
    found = masks(data, "val")
    np.testing.assert_array_equal(found["a photograph of a chair"], LEFT | RIGHT)
    assert len(found) == 4  # chair, person, and two that are not there
    assert sum(not mask.any() for mask in found.values()) == 2
    by_category = {data.categories[a.category_id]: a for a in data.annotations.values()}
    assert by_category.keys() == {"chair", "person", "void"}
    assert (by_category["void"].iscrowd, by_category["void"].area) == (1, 16)


def test_other_lists_of_voc_are_another_dataset(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build("voc", "--root", voc, "--splits", "val", "--out", voc / "out")
    shutil.copytree(voc / "ImageSets/Segmentation", voc / "ImageSets/Main")
    options = ["--root", str(voc), "--splits", "val", "--out", str(voc / "out"), "--lists", "ImageSets/Main"]
    assert cli.main(["voc", *options]) == 2
    assert "ImageSets/Segmentation" in capsys.readouterr().err


def test_voc_gives_objects(voc: Path) -> None:
    data = build("voc", "--root", voc, "--splits", "val", "--masks", "instance", "--out", voc / "out")
    np.testing.assert_array_equal(masks(data, "val")["a photograph of a chair"], LEFT | RIGHT)
    chairs = [a for a in data.annotations.values() if data.categories[a.category_id] == "chair"]
    assert [a.area for a in chairs] == [LEFT.sum(), RIGHT.sum()]


def test_a_class_mask_with_other_numbers_is_listed_and_named(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels(voc / "SegmentationClass/2007_000032.png", np.full((HEIGHT, WIDTH), 21), "P")
    assert cli.main(["voc", "--root", str(voc), "--splits", "val", "--out", str(voc / "out")]) == 2
    printed = capsys.readouterr().err
    assert "2007_000032: a class mask has the number 21, expected 0 to 20 or 255" in printed


@pytest.mark.parametrize(("kind", "number"), [("class", 2), ("instance", 3)])
def test_coco_gives_each_category_of_an_image(tmp_path: Path, kind: str, number: int) -> None:
    picture(tmp_path / "val2017/000000000139.jpg")
    objects = [
        {"id": 1, "category_id": 62, "segmentation": [square(2, 4, 10, 12)]},
        {"id": 2, "category_id": 62, "segmentation": [square(20, 10, 30, 20)]},
        {"id": 3, "category_id": 1, "segmentation": [square(0, 0, 32, 3)]},
    ]
    image = {"id": 139, "file_name": "000000000139.jpg", "height": HEIGHT, "width": WIDTH}
    content = {
        "images": [image],
        "annotations": [{**thing, "image_id": 139, "iscrowd": 0} for thing in objects],
        "categories": [{"id": 1, "name": "person"}, {"id": 62, "name": "chair"}],
    }
    write(tmp_path / "instances_val2017.json", content)
    files = ["--annotations", tmp_path / "instances_val2017.json", "--images", tmp_path / "val2017"]
    data = build("coco", *files, "--split", "val", "--masks", kind, "--out", tmp_path / "out")
    np.testing.assert_array_equal(masks(data, "val")["a photograph of a chair"], LEFT | RIGHT)
    assert len(data.annotations) == number


# what all of them do


def test_a_missing_image_is_listed_and_the_rest_is_built(
    tmp_path: Path, voc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = voc / "ImageSets/Segmentation/val.txt"
    lists.write_text("2007_000032\n2007_000039\n")
    assert cli.main(["voc", "--root", str(voc), "--splits", "val", "--out", str(tmp_path / "out")]) == 0
    assert "2007_000039.jpg is missing" in capsys.readouterr().err
    assert len(Dataset(tmp_path / "out").images) == 1


@pytest.mark.parametrize(
    ("command", "file", "content", "message"),
    [
        ("roborefit", "train/roborefit_train.json", {}, "expected a list of instructions"),
        ("roborefit", "train/roborefit_train.json", [{"num": 1}], "has no 'text'"),
        ("ocid-vlg", "refer/multiple/train_expressions.json", {"data": 3}, "data is 3, expected a list"),
        ("ocid-vlg", "refer/multiple/train_expressions.json", [], "expected a JSON object"),
    ],
)
def test_damaged_files_are_named(
    tmp_path: Path, command: str, file: str, content: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / file, content)
    assert cli.main([command, "--root", str(tmp_path), "--splits", "train", "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert file in printed


def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = {"num": 1, "text": "the cup", "rgb_path": "final_dataset\\..\\..\\secret.png", "mask_path": "a.png"}
    write(tmp_path / "train/roborefit_train.json", [record])
    assert cli.main(["roborefit", "--root", str(tmp_path), "--splits", "train", "--out", str(tmp_path / "o")]) == 2
    assert "leads out of the folder" in capsys.readouterr().err


def test_sources_say_where_every_dataset_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sources"]) == 0
    printed = capsys.readouterr().out
    readers = [name for name, (module, _) in cli.COMMANDS.items() if "published" in module and name != "sources"]
    assert len(readers) == 7
    for name in (*readers, "refcoco", "shimrie"):
        assert f"mdsm-data {name} --help" in printed
    assert printed.count("Licence:") == printed.count("Files: http")
