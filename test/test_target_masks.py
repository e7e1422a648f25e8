"""Which instructions a training sees, and which masks they have."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from boxes import CONFIG

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import ConfigError, DatasetError
from training.datasets.dataset import InstructionDataset, of_categories, with_class_masks
from training.train.config import read_config


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A picture of two cups and a hat, and one instruction about each, and about an absent pen."""
    root = tmp_path_factory.mktemp("cups")
    with DatasetWriter(root, ["cup", "hat", "pen"]) as writer:
        image_id = writer.add_image(np.zeros((64, 64, 3), np.uint8))
        for number, kind in enumerate(("cup", "cup", "hat")):
            mask = np.zeros((64, 64), bool)
            mask[16 * number : 16 * number + 16, :32] = True
            target = writer.add_annotation(image_id, kind, mask)
            writer.add_instruction(image_id, [target], kind, split="train", source="a", expressions=1, distractors=0)
        writer.add_instruction(image_id, [], "pen", split="train", source="a", expressions=1, distractors=0)
    return Dataset(root)


def test_class_masks_show_all_objects_of_the_category(data: Dataset) -> None:
    plain = InstructionDataset(data, "train", 64, cache=False).collate(range(4)).masks
    merged = InstructionDataset(data, "train", 64, cache=False, adapt=with_class_masks).collate(range(4)).masks
    both = plain[0] | plain[1]
    assert [mask.equal(truth) for mask, truth in zip(merged, (both, both, plain[2], plain[3]), strict=True)] == [
        True
    ] * 4


def test_only_instructions_about_the_first_categories_are_kept(data: Dataset) -> None:
    kept = of_categories(data, data.split("train"), 1)
    assert [i.text for i in kept] == ["cup", "cup", "pen"]  # what is absent is of no category
    with pytest.raises(DatasetError, match="no instruction is about the first 1 categories"):
        InstructionDataset(data, "train", 64, cache=False, adapt=partial(of_categories_of_hats, number=1))


def of_categories_of_hats(data: Dataset, instructions: list, number: int) -> list:  # type: ignore[type-arg]
    return of_categories(data, [i for i in instructions if i.text == "hat"], number)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target_masks": "box"}, "target_masks is 'box', expected 'instance' or 'class'"),
        ({"first_categories": 0}, "first_categories is 0, expected a positive integer"),
        ({"denoising_weight": 0.5}, "denoising_weight is 0.5, expected 0, or more for Grounded Diffusion"),
        ({"model": {"prediction": "epsilon"}}, "initial_noise_probability is 0.5, expected 0 with prediction: epsilon"),
        ({"model": {"prediction": "velocity"}}, "prediction is 'velocity', expected 'sample' or 'epsilon'"),
        ({"model": {"sampler": "euler"}}, "sampler is 'euler', expected 'ddim' or 'ddpm'"),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG | change))
    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "config.yaml")
