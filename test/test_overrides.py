"""``mdsm-evaluate --set``: every field that is accepted has an effect, every other one is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mdsm_ros.errors import CommandError
from mdsm_ros.models.families import presets
from mdsm_ros.segmenter import Segmenter
from training.evaluation.overrides import overridden, read_overrides

IMAGE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def segmenter(untrained_weights: Path) -> Iterator[Segmenter]:
    found = Segmenter.from_pretrained(untrained_weights, device="cpu")
    yield found
    found.close()


def masks(segmenter: Segmenter) -> np.ndarray[Any, Any]:
    return segmenter.segment(IMAGE, "get the red cup").probability


def test_nothing_to_change(segmenter: Segmenter) -> None:
    assert overridden(segmenter, read_overrides([])) is segmenter


@pytest.mark.parametrize("word", ["start_timestep=100", "num_inference_steps=1"])
def test_a_changed_field_changes_the_answer(segmenter: Segmenter, word: str) -> None:
    changed = overridden(segmenter, read_overrides([word]))
    name, _, value = word.partition("=")
    assert getattr(changed.model.config, name) == int(value)
    assert not np.array_equal(masks(changed), masks(segmenter))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("colour=red", "'colour', expected a field of MDSMConfig"),
        ("start_timestep=0", "start_timestep is 0"),
        ("decoder_channels=32", "decoder_channels=32, which does not fit the weights"),
        ("freeze_clip=true", "freeze_clip=True, expected a field that answers of .* depend on"),
        ("bert_checkpoint=none", "bert_checkpoint=none, expected a field that answers of"),
        ("drop_path_rate=0.5", "drop_path_rate=0.5, expected a field that answers of"),
        ("bert_dropout=0.5", "bert_dropout=0.5, expected a field that answers of"),
        ("efficientnet_frozen_stages=1", "efficientnet_frozen_stages=1, expected a field that answers of"),
        ("image_size=160", "image_size=160, which does not fit the weights"),
    ],
)
def test_what_cannot_be_changed_is_refused(segmenter: Segmenter, word: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        overridden(segmenter, read_overrides([word]))


def test_fields_that_answers_do_not_depend_on() -> None:
    for name, config in presets().items():
        names = {field.name for field in dataclasses.fields(config)}
        assert config.idle_fields <= names, name
        assert config.answer_fields <= names - config.idle_fields, name
        of_training = {
            field for field in names if field.startswith("freeze_") or field.endswith(("checkpoint", "dropout"))
        }
        assert of_training <= config.idle_fields, name
    assert "clip_num_heads" in presets()["mdsm-small"].idle_fields  # its semantic branch is an EfficientNet
    assert "clip_num_heads" not in presets()["mdsm-tiny"].idle_fields


@pytest.mark.parametrize("word", ["start_timestep", "=3", "a b=3"])
def test_words_of_another_form(word: str) -> None:
    with pytest.raises(CommandError, match="expected NAME=VALUE"):
        read_overrides([word])
