"""Several instructions about one image: the answers of one by one, from features that are computed once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from boxes import write_boxes
from torch import nn

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import InstructionError, SettingsError
from mdsm_ros.models.config import ModelConfig
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.mdsm.network import MDSM
from mdsm_ros.segmenter import Segmenter
from training.evaluation.evaluate import by_image, evaluate

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
TEXTS = ("get the red cup", "bring me the pillow nearest to the radio", "get the red cup")
SEEDS = (3, 4, 5)


class OneByOne(nn.Module):
    """A model of other authors: each batch has one instruction per image."""

    config = ModelConfig(image_size=32)
    compute_parts: tuple[nn.Module, ...] = ()

    def encode_text(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([float(len(text)) for text in texts])

    def initial(self, images: torch.Tensor, text: torch.Tensor) -> InitialMask:
        assert len(images) == len(text) == 1
        return InitialMask((text - 20).expand(1, 1, 8, 8), text)


@pytest.fixture(scope="module")
def segmenter(untrained_weights: Path) -> Segmenter:
    return Segmenter.from_pretrained(untrained_weights, device="cpu")


@pytest.mark.parametrize("samples", [1, 2])
def test_the_answers_are_those_of_one_by_one(segmenter: Segmenter, samples: int) -> None:
    settings = segmenter.defaults.updated(num_samples=samples, present_threshold=0.0, num_inference_steps=2)
    together = list(segmenter.stream_many(IMAGE, TEXTS, settings, seeds=SEEDS))
    assert [[answer.stage for answer in stage] for stage in together] == [["initial"] * 3, ["refined"] * 3]
    for row, (text, seed) in enumerate(zip(TEXTS, SEEDS, strict=True)):
        for stage, alone in zip(together, segmenter.stream(IMAGE, text, settings, seed=seed), strict=True):
            np.testing.assert_allclose(stage[row].probability, alone.probability, atol=1e-5)
            assert stage[row].score == pytest.approx(alone.score, abs=1e-5)
            assert (stage[row].uncertainty is None) == (alone.uncertainty is None)
    first, _, third = together[1]
    assert not np.array_equal(first.probability, third.probability)  # another seed, another noise
    assert set(first.timings) == {"preprocess", "text", "initial", "refine", "total"}
    final = segmenter.segment_many(IMAGE, TEXTS, settings, seeds=SEEDS)
    np.testing.assert_array_equal(final[0].probability, first.probability)


def test_what_does_not_meet_the_language_runs_once(segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    model = segmenter.model
    assert isinstance(model, MDSM)
    assert model.intermediate.clip is not None
    seen: list[int] = []
    handle = model.intermediate.clip.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    try:
        assert len(segmenter.segment_many(IMAGE, TEXTS, num_inference_steps=0)) == 3
    finally:
        handle.remove()
    assert seen == [1]


def test_the_words_of_an_instruction_are_read_once(segmenter: Segmenter) -> None:
    model = segmenter.model
    assert isinstance(model, MDSM)
    keys: list[int] = []
    layers = [pwam.key for pwam in model.intermediate.pwam]
    assert all(isinstance(layer, nn.Linear) for layer in layers)
    handles = [layer.register_forward_hook(lambda *_: keys.append(1)) for layer in layers]  # type: ignore[union-attr]
    try:
        for _ in range(3):  # a stream of images
            segmenter.segment(IMAGE, "take the blue box", num_inference_steps=0)
    finally:
        for handle in handles:
            handle.remove()
    assert len(keys) == len(layers)


def test_a_model_that_cannot_share_answers_one_by_one() -> None:
    segmenter = Segmenter(OneByOne(), "one by one", "cpu")
    answers = segmenter.segment_many(IMAGE, ["short", "a sentence of more than twenty letters"])
    assert [answer.mask.any() for answer in answers] == [False, True]


def test_wrong_numbers_are_named(segmenter: Segmenter) -> None:
    with pytest.raises(InstructionError, match="instructions is empty, expected at least one"):
        segmenter.segment_many(IMAGE, [])
    with pytest.raises(SettingsError, match="length of seeds is 1, expected 3"):
        segmenter.segment_many(IMAGE, TEXTS, seeds=[1])
    with pytest.raises(SettingsError, match="seed is -1"):
        segmenter.segment_many(IMAGE, TEXTS, seeds=[1, 2, -1])


def test_an_evaluation_answers_the_instructions_of_an_image_together(segmenter: Segmenter, tmp_path: Path) -> None:
    write_boxes(tmp_path, "test", 3)
    data = Dataset(tmp_path)
    instructions = data.split("test")[::-1]
    groups = by_image(instructions)
    assert len(groups) == 3
    assert all(len({instruction.image_id for instruction in group}) == 1 for group in groups)
    assert max(map(len, by_image([instructions[0]] * 20))) == 8
    answers = evaluate(segmenter, data, instructions, segmenter.defaults)
    assert [answered.id for answered in answers] == [instruction.id for instruction in instructions]
    alone = evaluate(segmenter, data, instructions[1:2], segmenter.defaults)
    assert alone[0].score == pytest.approx(answers[1].score, abs=1e-5)
