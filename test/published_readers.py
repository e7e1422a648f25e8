"""The readers of public datasets' files, with a sound file for each, for ``foreign_readers.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mdsm_ros.errors import DatasetError
from training.datasets.published import ocid_ref, ocid_vlg, phrasecut, roborefit

MOST_PIXELS = 10_000  # of an image whose masks are drawn
IMAGE = "ARID20/floor/top/seq06/rgb/result.png"

PHRASES = [
    {
        "task_id": "2417__1", "image_id": 2417, "ann_ids": [1], "instance_boxes": [[3, 2, 8, 7]], "phrase": "red cup",
        "Polygons": [[[[3, 2], [11, 2], [11, 9.5], [3, 9]]]],
        "phrase_structure": {"name": "cup", "attributes": ["red"], "relation_descriptions": [], "type": "attribute"},
    }
]  # fmt: skip
IMAGES = [{"image_id": 2417, "width": 16, "height": 12, "split": "val"}]
REQUESTS = [
    {"num": 0, "text": "get the cup", "bbox": [3, 2, 11, 9], "scene": "table",
     "rgb_path": "final_dataset\\train\\image\\0.png", "mask_path": "final_dataset\\train\\mask\\0/a.png"}
]  # fmt: skip
OCID_REF = {"1": {"scene_path": IMAGE, "scene_instance_id": 3, "class": "cup", "sentence": "the red cup"}}
OCID_VLG: dict[str, Any] = {
    "data": [
        {"image_filename": "ARID20/floor/top/seq06,result.png", "answer": 3, "target": "cup_1",
         "question": "the red cup", "question_index": 1, "grasps": [], "box": [3, 2, 8, 7]}
    ]
}  # fmt: skip


def _draw(pictures: list[phrasecut.Picture]) -> None:
    for picture in pictures:
        for task in picture.tasks:
            for polygons in task.instances:
                if picture.height * picture.width < MOST_PIXELS:
                    try:
                        phrasecut.phrase_mask(polygons, picture.height, picture.width)
                    except DatasetError:
                        continue


def read_phrases(content: bytes, folder: Path) -> None:
    (folder / "refer_val.json").write_bytes(content)
    (folder / phrasecut.IMAGE_FILES[0]).write_text(json.dumps(IMAGES))
    _draw(phrasecut.read_pictures(folder, [folder], ["val"]))


def read_images(content: bytes, folder: Path) -> None:
    (folder / "refer_val.json").write_text(json.dumps(PHRASES))
    (folder / phrasecut.IMAGE_FILES[0]).write_bytes(content)
    _draw(phrasecut.read_pictures(folder, [folder], ["val"]))


def read_requests(content: bytes, folder: Path) -> None:
    (folder / "train").mkdir(exist_ok=True)
    (folder / "train/roborefit_train.json").write_bytes(content)
    roborefit.read_pictures(folder, ["train"])


def read_ocid_ref(content: bytes, folder: Path) -> None:
    (folder / "train_expressions.json").write_bytes(content)
    phrases = ocid_ref.read_splits(ocid_ref.read_phrases, folder, ["train"])
    ocid_ref.pictures_of(phrases, folder, "label", "ocid-ref")


def read_ocid_vlg(content: bytes, folder: Path) -> None:
    (folder / "train_expressions.json").write_bytes(content)
    phrases = ocid_ref.read_splits(ocid_vlg.read_phrases, folder, ["train"])
    ocid_ref.pictures_of(phrases, folder, ocid_vlg.LABELS, "ocid-vlg")


JSON_FILES = {
    "phrasecut phrases": (PHRASES, read_phrases),
    "phrasecut images": (IMAGES, read_images),
    "roborefit": (REQUESTS, read_requests),
    "ocid-ref": (OCID_REF, read_ocid_ref),
    "ocid-vlg": (OCID_VLG, read_ocid_vlg),
}
"""Sound content and reader of each file, by its name."""
