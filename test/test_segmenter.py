from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertTokenizerFast

from mdsm_ros.errors import ImageError, InstructionError, SettingsError, WeightsError
from mdsm_ros.inference.answer import validate_instruction
from mdsm_ros.inference.preprocess import to_image_grid
from mdsm_ros.inference.refinement.pace import Pace
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.inference.threads import leave_a_core
from mdsm_ros.models.lavt import LAVT_TINY
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.models.mdsm import MDSM_TINY
from mdsm_ros.models.mdsm.network import MDSM
from mdsm_ros.segmenter import Segmenter

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def segmenter(untrained_weights: Path) -> Segmenter:
    return Segmenter.from_pretrained(untrained_weights, device="cpu")


@pytest.fixture
def anything_present(segmenter: Segmenter) -> Iterator[Segmenter]:
    """Without training the presence score means nothing: every target counts as in view."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segmenter, "defaults", segmenter.defaults.updated(present_threshold=0.0))
        yield segmenter


def test_answer_is_on_the_grid_of_the_image(anything_present: Segmenter) -> None:
    answer = anything_present.segment(IMAGE, "get the red cup", one_object=False)
    assert answer.mask.shape == answer.probability.shape == (60, 80)
    assert answer.mask.dtype == bool
    assert answer.probability.dtype == np.float32
    assert answer.stage == "refined"
    np.testing.assert_array_equal(answer.mask, answer.probability >= anything_present.defaults.mask_threshold)
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
    answer = anything_present.segment(IMAGE, "get the red cup", seed=3, num_samples=3)
    assert answer.uncertainty is not None
    assert answer.uncertainty.shape == (60, 80)
    assert 0 < answer.uncertainty.max() <= 0.5
    away = np.abs(answer.probability - one.probability)  # the first of the three has the noise of the one
    assert (away <= 2**0.5 * answer.uncertainty + 1e-4).all()


def test_a_model_of_one_stage_answers_once(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "get", "the", "cup"]
    LAVT(LAVT_TINY, BertTokenizerFast(vocab={word: i for i, word in enumerate(words)})).save_pretrained(tmp_path)
    segmenter = Segmenter.from_pretrained(tmp_path, device="cpu")
    assert segmenter.defaults.num_inference_steps == 0
    (answer,) = segmenter.stream(IMAGE, "get the cup", num_inference_steps=4)
    assert answer.stage == "initial"
    with pytest.raises(WeightsError, match="model_type is 'lavt', expected 'mdsm'"):
        MDSM.from_pretrained(tmp_path)


def test_nobody_waits_for_a_refined_answer_that_is_not_wanted(anything_present: Segmenter) -> None:
    asked: list[bool] = []

    def keep_on() -> bool:
        asked.append(len(asked) < 2)
        return asked[-1]

    answers = anything_present.stream(IMAGE, "get the red cup", num_inference_steps=50, keep_on=keep_on)
    assert [answer.stage for answer in answers] == ["initial"]
    assert len(asked) <= 4  # before the first step and after it, then no more of the fifty


def test_a_latency_budget_limits_the_steps(anything_present: Segmenter, monkeypatch: pytest.MonkeyPatch) -> None:
    model = anything_present._model
    assert isinstance(model, MDSM)
    steps: list[int] = []
    forward = model.refiner.unet.forward
    clock = 0.0  # s; everything but the refiner takes no time, a step of it a tenth of a second
    monkeypatch.setattr("mdsm_ros.inference.clock.time.perf_counter", lambda: clock)

    def slow(*args: Any) -> torch.Tensor:
        nonlocal clock
        clock += 0.1
        steps[-1] += 1
        return forward(*args)

    monkeypatch.setattr(model.refiner.unet, "forward", slow)
    monkeypatch.setattr(anything_present, "_pace", Pace())

    def ask(budget: float) -> str:
        steps.append(0)
        answer = anything_present.segment(IMAGE, "get the red cup", num_inference_steps=10, latency_budget=budget)
        return answer.stage

    assert ask(0.35) == "refined"  # times are not known yet: it ends when the budget is over
    assert ask(0.55) == "refined"  # they are: as many as fit are planned
    assert ask(0.05) == "initial"
    assert ask(0.0) == "refined"  # no limit
    assert steps == [4, 5, 0, 10]


def test_a_budget_that_was_missed_in_a_slow_moment_is_tried_again() -> None:
    pace = Pace()
    for _ in range(30):
        pace.note(9.0, samples=1)
    planned = [pace.affordable(4, 1.0, samples=1) for _ in range(25)]
    assert planned[:20] == [0] * 20
    assert planned[20:] == [4] * 5
    assert pace.affordable(4, 1.0, samples=2) == 4


def test_a_warm_start_begins_with_the_mask_of_the_image_before(
    anything_present: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = anything_present._model
    assert isinstance(model, MDSM)
    refine, calls = model.refine, []

    def spy(*args: Any, **options: Any) -> torch.Tensor:
        result = refine(*args, **options)
        calls.append((args[2], options["strength"], options["start"], result))
        return result

    monkeypatch.setattr(model, "refine", spy)
    settings = anything_present.defaults.updated(warm_start=True, num_inference_steps=4)
    monkeypatch.setattr("mdsm_ros.inference.refinement.warm_start.WARM_SECONDS", 1e9)  # a busy machine is slow
    for image, text in ((IMAGE, "get the cup"), (IMAGE, "get the cup"), (IMAGE, "get"), (IMAGE[:30], "get")):
        anything_present.segment(image, text, settings)
    assert [(steps, strength) for steps, strength, _, _ in calls] == [(4, 1.0), (2, 0.5), (4, 1.0), (4, 1.0)]
    assert [start is None for _, _, start, _ in calls] == [True, False, True, True]
    assert torch.equal(calls[1][2], calls[0][3])
    monkeypatch.setattr("mdsm_ros.inference.refinement.warm_start.WARM_SECONDS", -1.0)  # too old
    anything_present.segment(IMAGE[:30], "get", settings)
    assert calls[-1][2] is None


def test_streams_share_the_model_and_nothing_else(untrained_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Segmenter.from_pretrained(untrained_weights, device="cpu")
    second = first.of_another_stream()
    monkeypatch.setattr("mdsm_ros.inference.refinement.warm_start.WARM_SECONDS", 1e9)
    encoded: list[str] = []
    encode = first.model.encode_text

    def encode_and_note(texts: list[str]) -> Any:
        encoded.extend(texts)
        return encode(texts)

    monkeypatch.setattr(first.model, "encode_text", encode_and_note)
    fresh = first.segment(IMAGE, "get the cup", warm_start=True).probability
    again = first.segment(IMAGE, "get the cup", warm_start=True).probability
    other = second.segment(IMAGE, "get the cup", warm_start=True).probability
    np.testing.assert_array_equal(other, fresh)  # not from the mask of the first stream
    assert not np.array_equal(other, again)
    second.segment(IMAGE, "get the red cup")
    first.segment(IMAGE, "get the cup")
    assert encoded == ["get the cup", "get the cup", "get the red cup"]  # each stream keeps its own
    first.close()
    with pytest.raises(RuntimeError, match="closed"):
        second.segment(IMAGE, "get the cup")


def test_an_image_may_be_smaller_than_its_answer(anything_present: Segmenter) -> None:
    small, settings = IMAGE[::2, ::2].copy(), anything_present.defaults.updated(one_object=False)
    for answer, same in zip(
        anything_present.stream(small, "get the cup", settings, answer_shape=(60, 80)),
        anything_present.stream(small, "get the cup", settings),
        strict=True,
    ):
        assert answer.mask.shape == answer.probability.shape == (60, 80)
        np.testing.assert_array_equal(answer.mask, answer.probability >= settings.mask_threshold)
        assert answer.score == same.score
        assert same.mask.shape == (30, 40)


def test_the_probability_of_an_answer_is_computed_when_somebody_asks(
    anything_present: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []

    def to_grid_and_note(*args: Any) -> Any:
        computed.append(1)
        return to_image_grid(*args)

    monkeypatch.setattr("mdsm_ros.inference.backends.torch_backend.to_image_grid", to_grid_and_note)
    answer = anything_present.segment(IMAGE, "get the red cup")
    assert computed == []
    assert answer.probability is answer.probability
    assert computed == [1]


@pytest.mark.slow
def test_half_precision_answers_nearly_the_same(untrained_weights: Path) -> None:
    plain = Segmenter.from_pretrained(untrained_weights, device="cpu")
    half = Segmenter.from_pretrained(untrained_weights, device="cpu", acceleration="half")
    assert (plain.acceleration, half.acceleration, half.acceleration_error) == ("none", "half", None)
    one, other = (segmenter.segment(IMAGE, "get the red cup").probability for segmenter in (plain, half))
    assert 0 < np.abs(one - other).max() < 0.05


@pytest.mark.slow
def test_compiled_parts_answer_the_same(
    untrained_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # capturing the graphs takes time in proportion to the layers: as few as there can be
    sizes: dict[str, Any] = {
        "swin_depths": (1, 1, 1, 1),
        "bert_num_layers": 1,
        "clip_num_layers": 1,
        "refiner_channels": (32, 32),
    }
    tokenizer = BertTokenizerFast.from_pretrained(untrained_weights)
    MDSM(replace(MDSM_TINY, **sizes), tokenizer).save_pretrained(tmp_path)
    compile_module, compiled = torch.nn.Module.compile, []

    def without_code_generation(
        module: torch.nn.Module,
    ) -> None:
        # code generation takes minutes; the graphs are captured for real
        compiled.append(type(module).__name__)
        compile_module(module, backend="aot_eager")

    monkeypatch.setattr(torch.nn.Module, "compile", without_code_generation)
    plain = Segmenter.from_pretrained(tmp_path, device="cpu").segment(IMAGE, "get the red cup")
    segmenter = Segmenter.from_pretrained(tmp_path, device="cpu", acceleration="compile")
    assert (segmenter.acceleration, segmenter.acceleration_error) == ("compile", None)
    assert compiled == ["IntermediateStage", "UNet"]
    answer = segmenter.segment(IMAGE, "get the red cup")
    np.testing.assert_allclose(answer.probability, plain.probability, atol=1e-4)


def test_what_does_not_compile_runs_without(untrained_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(_: torch.nn.Module) -> None:
        raise RuntimeError("no working C++ compiler")

    monkeypatch.setattr(torch.nn.Module, "compile", no_compiler)
    segmenter = Segmenter.from_pretrained(untrained_weights, device="cpu", acceleration="compile")
    assert segmenter.acceleration == "none"
    assert "'compile' failed on cpu: no working C++ compiler" in str(segmenter.acceleration_error)
    assert segmenter.segment(IMAGE, "get the red cup").stage == "refined"


def test_acceleration_that_changes_the_answers_is_left_out(
    untrained_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mdsm_ros.segmenter.TOLERANCE", 0.0)
    segmenter = Segmenter.from_pretrained(untrained_weights, device="cpu", acceleration="half")
    assert segmenter.acceleration == "none"
    assert "'half' changes probabilities by 0.0" in str(segmenter.acceleration_error)


def test_unknown_acceleration(untrained_weights: Path) -> None:
    with pytest.raises(ValueError, match="'warp', expected one of auto, none, half, compile"):
        Segmenter.from_pretrained(untrained_weights, device="cpu", acceleration="warp")


def test_absent_target_has_an_empty_mask(segmenter: Segmenter) -> None:
    answer = segmenter.segment(IMAGE, "get the red cup", present_threshold=1.0)
    assert not answer.present
    assert not answer.mask.any()
    assert 0 <= answer.score < 1


def test_an_empty_mask_is_never_present(anything_present: Segmenter) -> None:
    for answer in anything_present.stream(IMAGE, "get the red cup", mask_threshold=1.0):
        assert not answer.mask.any()
        assert not answer.present
    answer = anything_present.segment(IMAGE, "get the red cup", mask_threshold=0.0)
    assert answer.present
    assert answer.mask.all()


def test_another_language_is_not_answered(untrained_weights: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(untrained_weights, tmp_path / "model"))
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *["bring", "me", "the", "red", "cup", "on", "table", "in", "die"],
    ]
    BertTokenizerFast(vocab={word: i for i, word in enumerate(words)}).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"least_known_words": 0.7, "present_threshold": 1e-6}))
    reader = Segmenter.from_pretrained(folder, device="cpu")
    for text in ("bring me the red cup", "the mug", "Bring me the red teapot on the table!"):
        assert reader.segment(IMAGE, text, mask_threshold=0.0).present, text
    for text in ("bring mir die rote tasse", "der becher auf dem tisch", "\u676f\u5b50 \u6301\u3063\u3066"):
        answer = reader.segment(IMAGE, text, mask_threshold=0.0)
        assert answer.score == 0, text
        assert not answer.present, text


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


def test_settings_hold_for_a_call_and_change_nothing(segmenter: Segmenter) -> None:
    before = segmenter.defaults
    strict = InferenceSettings(num_inference_steps=0, mask_threshold=1.0)
    assert segmenter.segment(IMAGE, "get the cup", strict).stage == "initial"
    assert segmenter.segment(IMAGE, "get the cup", strict, num_inference_steps=1).stage == "refined"
    assert segmenter.segment(IMAGE, "get the cup", num_inference_steps=None).stage == "refined"
    assert segmenter.defaults == before


def test_bad_settings_are_refused_before_anything_is_answered(segmenter: Segmenter) -> None:
    with pytest.raises(SettingsError, match="num_inference_steps is -1, expected a whole number, 0 or more"):
        segmenter.stream(IMAGE, "get the cup", num_inference_steps=-1)
    with pytest.raises(SettingsError, match="setting is 'steps', expected one of num_inference_steps, num_samples, "):
        segmenter.stream(IMAGE, "get the cup", steps=3)


@pytest.mark.parametrize(("wanted", "expected"), [(None, -1), ("2", 0)])
def test_a_core_is_left_to_others(monkeypatch: pytest.MonkeyPatch, wanted: str | None, expected: int) -> None:
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if wanted is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    try:
        leave_a_core()
        assert torch.get_num_threads() == max(1, before + expected)
    finally:
        torch.set_num_threads(before)


def test_unknown_device(untrained_weights: Path) -> None:
    with pytest.raises(ValueError, match="'toaster'"):
        Segmenter.from_pretrained(untrained_weights, device="toaster")


def test_closed(untrained_weights: Path) -> None:
    closed = Segmenter.from_pretrained(untrained_weights, device="cpu")
    closed.close()
    with pytest.raises(RuntimeError, match="closed"):
        closed.segment(IMAGE, "get the cup")
