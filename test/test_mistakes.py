"""What a mask shows, on a picture of two red boxes, a mug, a sofa and a floor that nobody annotated."""

from __future__ import annotations

import numpy as np
import pytest

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from training.evaluation.mistakes import outcome

THINGS = ((0, "red box"), (20, "red box"), (40, "mug"), (80, "sofa"))  # left edge, kind
WIDTH, HEIGHT, SIDE = 100, 40, 10


def columns(left: int, right: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[:SIDE, left:right] = True
    return mask


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("things")
    with DatasetWriter(root, ["red box", "mug", "sofa"]) as writer:
        image = writer.add_image(np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8))
        ids = [writer.add_annotation(image, kind, columns(left, left + SIDE)) for left, kind in THINGS]
        writer.add_instruction(
            image,
            ids[:1],
            "take the first red box right of the couch",
            split="test",
            source="test",
            expressions=1,
            distractors=1,
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
        (41, 50, "another kind, not named"),
        (81, 90, "another kind, named"),  # by another of its names
        (60, 80, "no thing"),
        (39, 41, "no thing"),  # IoU 1 / 11 with the mug
        (0, 0, "nothing"),
    ],
)
def test_what_a_mask_shows(data: Dataset, left: int, right: int, expected: str) -> None:
    assert outcome(columns(left, right), data, data.instructions[0]) == expected
