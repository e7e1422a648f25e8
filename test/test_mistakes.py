"""What a mask shows, on a picture of two red boxes, one blue one and a floor that nobody annotated."""

from __future__ import annotations

import numpy as np
import pytest

from mdsm_ros.annotation_writer import DatasetWriter
from mdsm_ros.annotations import Dataset
from training.mistakes import outcome

BOXES = {"target": (0, "red box"), "twin": (20, "red box"), "blue": (40, "blue box")}
WIDTH, HEIGHT, SIDE = 80, 40, 10


def columns(left: int, right: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[:SIDE, left:right] = True
    return mask


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("boxes")
    with DatasetWriter(root, ["red box", "blue box"]) as writer:
        image = writer.add_image(np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8))
        ids = [writer.add_annotation(image, kind, columns(left, left + SIDE)) for left, kind in BOXES.values()]
        writer.add_instruction(
            image, ids[:1], "take the first red box", split="test", source="test", expressions=1, distractors=1
        )
    return Dataset(root)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (0, 10, "the target"),
        (0, 5, "the target"),  # IoU 0.5, inclusive
        (0, 4, "the target, badly"),
        (0, 21, "the target, badly"),  # 10 / 21, against 1 / 30 with the twin
        (21, 30, "another of its kind"),
        (41, 50, "another kind"),
        (60, 80, "no thing"),
        (39, 41, "no thing"),  # IoU 1 / 11 with the blue box
        (0, 0, "nothing"),
    ],
)
def test_what_a_mask_shows(data: Dataset, left: int, right: int, expected: str) -> None:
    assert outcome(columns(left, right), data, data.instructions[0]) == expected
