from __future__ import annotations

from pathlib import Path

import numpy as np

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.language.prompts import photograph_of
from training.cli import main

KINDS = ("bed", "chair", "lamp", "table", "rug")


def test_questions_ask_for_kinds_in_the_picture_and_as_often_for_others(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "homes", KINDS, info={"source": "homes"}) as writer:
        image_id = writer.add_image(np.full((96, 128, 3), 90, dtype=np.uint8), scene="home-1")
        masks = np.zeros((2, 96, 128), dtype=bool)
        masks[0, 10:50, 10:50] = True
        masks[1, 40:90, 70:120] = True
        ids = [writer.add_annotation(image_id, kind, mask) for kind, mask in zip(("bed", "chair"), masks, strict=True)]
        writer.add_instruction(
            image_id, ids[:1], "go to the bed", split="train", source="homes", expressions=1, distractors=0
        )
    assert main(["captions", str(tmp_path / "homes"), "--questions", "--out", str(tmp_path / "out")]) == 0
    data = Dataset(tmp_path / "out")
    assert len(data.images) == 4  # around each, around both, and the whole view
    for image_id in data.images:
        asked = [instruction for instruction in data.instructions if instruction.image_id == image_id]
        there = {data.categories[annotation.category_id] for annotation in data.annotations_of(image_id)}
        answers = {i.text: {data.annotations[a].category_id for a in i.annotation_ids} for i in asked}
        in_view = {text for text, ids in answers.items() if ids}
        assert 2 * len(in_view) == len(answers) == len(asked)
        assert in_view <= {photograph_of([kind]) for kind in there} <= {photograph_of([kind]) for kind in KINDS[:2]}
        assert set(answers) - in_view <= {photograph_of([kind]) for kind in KINDS[2:]}
        assert all(len(ids) <= 1 for ids in answers.values())
