from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from transformers import BertTokenizerFast

from mdsm_ros.models.config import LAVT_TINY
from mdsm_ros.models.lavt import LAVT
from mdsm_ros.models.mdsm import MDSM
from mdsm_ros.segmenter import ImageError, InstructionError, Segmenter, WeightsError, validate_instruction

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def segmenter(untrained_weights: Path) -> Segmenter:
    return Segmenter.from_pretrained(untrained_weights, device="cpu")


@pytest.fixture
def anything_present(segmenter: Segmenter) -> Iterator[Segmenter]:
    """Without training the presence score means nothing: every target counts as in view."""
    before, segmenter.present_threshold = segmenter.present_threshold, 0.0
    yield segmenter
    segmenter.present_threshold = before


def test_answer_is_on_the_grid_of_the_image(anything_present: Segmenter) -> None:
    answer = anything_present.segment(IMAGE, "get the red cup")
    assert answer.mask.shape == answer.probability.shape == (60, 80)
    assert answer.mask.dtype == bool
    assert answer.probability.dtype == np.float32
    assert answer.stage == "refined"
    np.testing.assert_array_equal(answer.mask, answer.probability >= anything_present.mask_threshold)
    assert set(answer.timings) == {"preprocess", "text", "initial", "refine", "total"}
    parts = sum(seconds for name, seconds in answer.timings.items() if name != "total")
    assert answer.timings["total"] == pytest.approx(parts)


def test_stream_gives_the_initial_answer_first(anything_present: Segmenter) -> None:
    initial, refined = anything_present.stream(IMAGE, "get the red cup")
    assert (initial.stage, refined.stage) == ("initial", "refined")
    only = anything_present.segment(IMAGE, "get the red cup", num_inference_steps=0)
    np.testing.assert_array_equal(only.probability, initial.probability)


def test_seed_repeats(anything_present: Segmenter) -> None:
    first, again, other = (anything_present.segment(IMAGE, "get the cup", seed=s).probability for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_several_samples_give_their_mean_and_spread(anything_present: Segmenter) -> None:
    one = anything_present.segment(IMAGE, "get the red cup", seed=3)
    assert one.uncertainty is None
    anything_present.num_samples = 3
    try:
        answer = anything_present.segment(IMAGE, "get the red cup", seed=3)
    finally:
        anything_present.num_samples = 1
    assert answer.uncertainty is not None
    assert answer.uncertainty.shape == (60, 80)
    assert 0 < answer.uncertainty.max() <= 0.5
    away = np.abs(answer.probability - one.probability)  # the first of the three has the noise of the one
    assert (away <= 2**0.5 * answer.uncertainty + 1e-4).all()


def test_a_model_of_one_stage_answers_once(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "get", "the", "cup"]
    LAVT(LAVT_TINY, BertTokenizerFast(vocab={word: i for i, word in enumerate(words)})).save_pretrained(tmp_path)
    segmenter = Segmenter.from_pretrained(tmp_path, device="cpu")
    assert segmenter.num_inference_steps == 0
    (answer,) = segmenter.stream(IMAGE, "get the cup", num_inference_steps=4)
    assert answer.stage == "initial"
    with pytest.raises(WeightsError, match="model_type is 'lavt', expected 'mdsm'"):
        MDSM.from_pretrained(tmp_path)


def test_absent_target_has_an_empty_mask(segmenter: Segmenter) -> None:
    before, segmenter.present_threshold = segmenter.present_threshold, 1.0
    answer = segmenter.segment(IMAGE, "get the red cup")
    segmenter.present_threshold = before
    assert not answer.present
    assert not answer.mask.any()
    assert 0 <= answer.score < 1


@pytest.mark.parametrize("shape", [(0, 80, 3), (60, 80), (60, 80, 4)])
def test_image_of_wrong_shape(segmenter: Segmenter, shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="shape"):
        segmenter.segment(np.zeros(shape, dtype=np.uint8), "get the cup")


def test_image_of_wrong_type(segmenter: Segmenter) -> None:
    with pytest.raises(ImageError, match="float64"):
        segmenter.segment(np.zeros((4, 4, 3)), "get the cup")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"), [("", "''"), (" \t\n ", "expected a sentence"), ("a" * 10_000, "10000"), ("get\x00it", "x00")]
)
def test_bad_instructions(segmenter: Segmenter, text: str, message: str) -> None:
    with pytest.raises(InstructionError, match=message):
        segmenter.segment(IMAGE, text)


@pytest.mark.parametrize("text", ["赤いカップを取って", "get the 🏆", "Gehe in die Küche", "x"])
def test_any_other_text_is_answered(segmenter: Segmenter, text: str) -> None:
    assert segmenter.segment(IMAGE, text).mask.shape == (60, 80)


def test_whitespace_does_not_matter() -> None:
    assert validate_instruction("  get\tthe \n cup ") == "get the cup"


def test_twelve_megapixels(segmenter: Segmenter) -> None:
    answer = segmenter.segment(np.zeros((3000, 4000, 3), dtype=np.uint8), "get the cup", num_inference_steps=0)
    assert answer.mask.shape == (3000, 4000)


def test_negative_steps(segmenter: Segmenter) -> None:
    with pytest.raises(ValueError, match="-1"):
        segmenter.segment(IMAGE, "get the cup", num_inference_steps=-1)


def test_unknown_device(untrained_weights: Path) -> None:
    with pytest.raises(ValueError, match="'toaster'"):
        Segmenter.from_pretrained(untrained_weights, device="toaster")


def test_closed(untrained_weights: Path) -> None:
    closed = Segmenter.from_pretrained(untrained_weights, device="cpu")
    closed.close()
    with pytest.raises(RuntimeError, match="closed"):
        closed.segment(IMAGE, "get the cup")
