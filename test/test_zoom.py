"""The second look: a part of the image is seen again, enlarged, and refined."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml
from boxes import CONFIG, write_boxes
from torch.nn import functional

from mdsm_ros.commands.attention.steps import refinement_steps
from mdsm_ros.errors import ConfigError
from mdsm_ros.inference.asking.finder import parts_of
from mdsm_ros.inference.backends.numpy_backend import NumpyBackend
from mdsm_ros.inference.backends.torch_backend import TorchBackend
from mdsm_ros.inference.zoom import FINE, Zoom, smallest_part, zoom_around
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.mdsm import MDSM_TINY
from mdsm_ros.models.mdsm.network import MDSM
from mdsm_ros.segmenter import Segmenter
from training.train.command import main as train_main

WHOLE = Zoom(0, 0, 40, 40)


def cells(*found: tuple[int, int]) -> np.ndarray[Any, Any]:
    marked = np.zeros((40, 40), bool)
    for row, column in found:
        marked[row, column] = True
    return marked


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        (cells((10, 12), (19, 15)), Zoom(7, 6, 15, 40)),  # 1.5 times ten cells, around the middle
        (cells((0, 0), (9, 9)), Zoom(0, 0, 15, 40)),  # inside the image
        (cells((30, 39)), Zoom(25, 30, 10, 40)),  # a quarter of the image at least
        (cells((5, 5), (30, 5)), WHOLE),  # most of the image
        (cells(), WHOLE),
    ],
)
def test_the_part_around_a_mask(marked: np.ndarray[Any, Any], expected: Zoom) -> None:
    zoom = zoom_around(marked, 1.5)
    assert zoom == expected
    assert zoom.is_whole == (expected == WHOLE)
    rows, columns = zoom.part(40, 40)
    assert marked[rows, columns].sum() == marked.sum()


def test_a_part_is_not_stretched_too_far() -> None:
    assert smallest_part(480, 640, 320) == pytest.approx(1 / 3)
    assert smallest_part(2160, 3840, 320) == 0.25
    assert zoom_around(cells((30, 39)), 1.5, smallest_part(240, 320, 320)) == Zoom(13, 13, 27, 40)
    assert zoom_around(cells((5, 5)), 1.5, smallest_part(120, 160, 320)) == WHOLE  # smaller than the model's input


def test_a_part_in_pixels() -> None:
    assert Zoom(7, 6, 15, 40).part(300, 400) == (slice(52, 165), slice(60, 210))
    assert Zoom(30, 30, 10, 40).part(10, 3) == (slice(8, 10), slice(2, 3))


def test_both_libraries_zoom_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    wholes, parts = torch.randn(2, 1, 40, 40, generator=generator), torch.randn(2, 3, 80, 80, generator=generator)
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    zooms = [Zoom(7, 6, 15, 40), WHOLE]
    ours, theirs = TorchBackend(torch.device("cpu")), NumpyBackend("cpu")
    for name, given in (("zoom_in", (wholes, zooms, 40)), ("zoom_out", (wholes, parts, zooms))):
        arrays = [x.numpy() if isinstance(x, torch.Tensor) else x for x in given]
        found = getattr(ours, name)(*given)
        np.testing.assert_allclose(found.numpy(), getattr(theirs, name)(*arrays), atol=1e-4)
    assert found.shape == (2, 3, 40 * FINE, 40 * FINE)
    np.testing.assert_array_equal(ours.enlarged(image, zooms, 32).numpy(), theirs.enlarged(image, zooms, 32))
    np.testing.assert_array_equal(ours.marked(wholes, 0.7), theirs.marked(wholes.numpy(), 0.7))


def test_a_part_that_is_put_back_is_where_it_was() -> None:
    backend, zoom = TorchBackend(torch.device("cpu")), [Zoom(3, 20, 12, 40)]
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    whole = (rows + columns)[None, None]
    back = backend.zoom_out(whole, backend.zoom_in(whole, zoom, 80), zoom)
    expected = functional.interpolate(whole, scale_factor=FINE, mode="bilinear", align_corners=False)
    assert (back - expected).abs().max() <= 1  # a cell at the part's edges, where it does not see its neighbours
    torch.testing.assert_close(back[..., 40:112, 176:240], expected[..., 40:112, 176:240], atol=1e-4, rtol=0)


class Bright:
    """Marks what is bright, on a grid of 16 x 16 cells; its refiner gives what it is given, on 32 x 32 cells."""

    zoom: float | None = 1.5
    compute_parts = ()
    config = dataclasses.replace(MDSM_TINY, image_size=64)
    seen: list[torch.Tensor]

    def __init__(self) -> None:
        self.seen = []

    def to(self, device: object) -> Bright:
        return self

    def eval(self) -> Bright:
        return self

    def encode_text(self, texts: Sequence[str]) -> Sequence[str]:
        return texts

    def initial(self, images: torch.Tensor, text: Sequence[str]) -> InitialMask:
        self.seen.append(images)
        logits = 20 * (images.mean(dim=1, keepdim=True) - 0.5)
        coarse = functional.avg_pool2d(logits, 4)
        return InitialMask(coarse, torch.ones(len(images)), functional.avg_pool2d(logits, 2))

    def look_again(self, images: torch.Tensor, text: Sequence[str], logits: torch.Tensor) -> InitialMask:
        assert logits.shape[-2:] == (16, 16)
        return self.initial(images, text)

    def refine(
        self, features: torch.Tensor, logits: torch.Tensor, *given: Any, keep_on: Callable[[], bool], **options: Any
    ) -> torch.Tensor:
        return features


def disc(height: int, width: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    picture = np.full((height, width, 3), 40, np.uint8)
    cv2.circle(picture, (3 * width // 4, height // 4), height // 14, (250, 250, 250), -1)
    return picture, picture[..., 0] > 128


def iou(mask: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def test_a_small_object_is_seen_larger() -> None:
    picture, truth = disc(480, 640)
    model = Bright()
    segmenter = Segmenter(model, "bright", "cpu")
    first, refined = segmenter.stream(picture, "get the disc")
    assert len(model.seen) == 2
    assert first.zoom is None
    assert refined.zoom == Zoom(2, 10, 4, 16)
    assert iou(refined.mask, truth) > 0.95
    assert iou(first.mask, truth) < 0.85
    model.zoom = None
    (*_, whole) = segmenter.stream(picture, "get the disc")
    assert whole.zoom is None
    assert iou(whole.mask, truth) < iou(refined.mask, truth) - 0.02


def test_one_object_is_marked_and_looked_at_again_where_one_is_asked_for() -> None:
    picture, main = disc(480, 640)
    cv2.circle(picture, (60, 400), 30, (250, 250, 250), -1)
    both = picture[..., 0] > 128
    segmenter = Segmenter(Bright(), "bright", "cpu")
    first, refined = segmenter.stream(picture, "get the disc")
    assert iou(first.mask, main) > iou(first.mask, both)
    assert iou(refined.mask, main) > 0.95
    assert refined.zoom == Zoom(2, 10, 4, 16)
    for words, one in (("get the discs", True), ("get the disc", False)):
        *_, everything = segmenter.stream(picture, words, one_object=one)
        assert iou(everything.mask, both) > 0.8
        assert everything.zoom is None
    assert refined.dropped is not None
    assert iou(refined.dropped, both & ~main) > 0.5  # as coarse as the grid
    assert len(parts_of(refined)) == 2  # a question can be about both
    assert refined.probability[400, 60] > 0.9  # the model's own values stay as they are


def test_larger_images_stay_for_a_model_that_looks_again() -> None:
    model = Bright()
    segmenter = Segmenter(model, "bright", "cpu")
    with_zoom = segmenter.least_side
    model.zoom = None
    assert with_zoom == 2 * segmenter.least_side


def test_without_time_there_is_no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, _ = disc(96, 128)
    model, clock = Bright(), SimpleNamespace(now=0.0)
    monkeypatch.setattr("mdsm_ros.inference.clock.time.perf_counter", lambda: clock.now)
    look, refine = model.look_again, model.refine

    def slow_look(*given: Any) -> InitialMask:
        clock.now += 0.2
        return look(*given)

    def slow_refine(*given: Any, **options: Any) -> torch.Tensor:
        clock.now += 0.01
        return refine(*given, **options)

    monkeypatch.setattr(model, "look_again", slow_look)
    monkeypatch.setattr(model, "refine", slow_refine)
    segmenter = Segmenter(model, "bright", "cpu")
    assert segmenter.segment(picture, "get the disc").zoom is not None  # its time is known now
    without = segmenter.segment(picture, "get the disc", latency_budget=0.1)
    assert (without.stage, without.zoom) == ("refined", None)  # the whole image, for which there is time
    assert segmenter.segment(picture, "get the disc", latency_budget=0.205).zoom is None  # no time for a step after it
    assert segmenter.segment(picture, "get the disc", latency_budget=0.3).zoom is not None
    stream = segmenter.stream(picture, "get the disc")
    next(stream)
    clock.now += 5.0  # while the initial answer is published
    (answer,) = stream
    assert answer.timings["refine"] == pytest.approx(0.21)
    assert segmenter.segment(picture, "get the disc", latency_budget=0.3).zoom is not None
    clock.now = 0.0
    asked = iter([True, False])
    stages = [a.stage for a in segmenter.stream(picture, "get the disc", keep_on=lambda: next(asked, False))]
    assert stages == ["initial"]
    assert clock.now == pytest.approx(0.2)  # the look was taken, the steps after it were not


@pytest.fixture
def zooming(untrained_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Segmenter:
    """An untrained model that marks the upper right quarter at first."""
    segmenter = Segmenter.from_pretrained(untrained_weights, device="cpu")
    model: Any = segmenter.model
    model.config = dataclasses.replace(model.config, refiner_zoom=1.2)
    initial = model.initial

    def quarter(images: torch.Tensor, *given: Any) -> InitialMask:
        found: InitialMask = initial(images, *given)
        found.logits.copy_(found.logits.clamp(-1, 1) - 2)
        for row, words in enumerate(given[0].mask.sum(dim=1).tolist()):
            if words != 5:  # "get the table" has nothing that is seen, so no part
                found.logits[row, :, :8, 8:] += 4
        return found

    monkeypatch.setattr(model, "initial", quarter)
    return segmenter


PICTURE = np.random.default_rng(1).integers(0, 255, (90, 120, 3), dtype=np.uint8)


def test_several_instructions_look_again_together(zooming: Segmenter) -> None:
    texts = ["get the red cup", "get the table", "get the cup on the table"]
    settings = zooming.defaults.updated(present_threshold=0.0, num_samples=2)
    alone = [zooming.segment(PICTURE, text, settings, seed=seed) for seed, text in enumerate(texts)]
    assert [answer.zoom is not None for answer in alone] == [True, False, True]
    encoded: list[Any] = []
    model: Any = zooming.model
    encode = model.encode_text

    def encode_text(asked: Sequence[str]) -> Any:
        encoded.append(list(asked))
        return encode(asked)

    model.encode_text = encode_text
    for warm in (False, True):
        given = settings.updated(warm_start=warm)
        together = zooming.segment_many(PICTURE, texts, given, seeds=[0, 1, 2])
        for answer, one in zip(together, alone, strict=True):
            assert answer.zoom == one.zoom
            np.testing.assert_allclose(answer.probability, one.probability, atol=1e-4)
    assert encoded == [texts, [texts[0], texts[2]], [texts[0], texts[2]]]
    assert zooming.segment_many(PICTURE, texts, given, seeds=[0, 1, 2])[1].zoom is None  # from the previous masks


def test_a_warm_start_is_enlarged_too(zooming: Segmenter) -> None:
    settings = zooming.defaults.updated(warm_start=True, present_threshold=0.0)
    starts: list[Any] = []
    model: Any = zooming.model
    refine = model.refine

    def watched(*given: Any, start: torch.Tensor | None, **options: Any) -> torch.Tensor:
        starts.append(start)
        return refine(*given, start=start, **options)  # type: ignore[no-any-return]

    model.refine = watched
    first = zooming.segment(PICTURE, "get the red cup", settings)
    zooming.segment(PICTURE, "get the red cup", settings)
    assert starts[0] is None
    assert starts[1].shape[-2:] == (16, 16)
    rows, columns = first.zoom.part(90, 120)  # type: ignore[union-attr]
    seen = cv2.resize(first.probability[rows, columns], (16, 16), interpolation=cv2.INTER_AREA)
    assert np.abs(starts[1].sigmoid()[0, 0].numpy() - seen).mean() < 0.05


def test_the_steps_are_shown_where_they_are(zooming: Segmenter) -> None:
    _, steps = refinement_steps(zooming, PICTURE, "get the red cup", 2)
    last = zooming.segment(PICTURE, "get the red cup", num_inference_steps=2, present_threshold=0.0)
    rows, columns = last.zoom.part(90, 120)  # type: ignore[union-attr]
    inside = np.zeros((90, 120), bool)
    inside[rows, columns] = True
    assert not steps[-1].probability[~inside].any()
    differences = np.abs(steps[-1].probability - last.probability)[inside]
    assert np.median(differences) < 1e-2  # all but the part's edges, which blend with what is around them


@pytest.mark.parametrize("value", [0.5, float("nan"), 1000.0])
def test_a_zoom_out_of_range(value: float) -> None:
    with pytest.raises(ConfigError, match=r"refiner_zoom is .*, expected None, or 1 to 100"):
        dataclasses.replace(MDSM_TINY, refiner_zoom=value)


@pytest.mark.training
@pytest.mark.usefixtures("one_thread")
def test_a_refiner_learns_from_enlarged_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_boxes(tmp_path / "data", "train", 8)
    write_boxes(tmp_path / "val", "val", 4)
    config = CONFIG | {"model": CONFIG["model"] | {"refiner_zoom": 1.5}, "evaluate_steps": 4}
    for stage in ("stage1", "stage2"):
        config[stage] = CONFIG[stage] | {"steps": 4}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    looks = []
    again = MDSM.look_again

    def watched(self: MDSM, images: torch.Tensor, text: Any, logits: torch.Tensor) -> InitialMask:
        looks.append(images.shape)
        return again(self, images, text, logits)

    monkeypatch.setattr(MDSM, "look_again", watched)
    paths = {"--config": "config.yaml", "--data": "data", "--val-data": "val", "--out": "run"}
    options = [str(part) for name, place in paths.items() for part in (name, tmp_path / place)]
    assert train_main([*options, "--device", "cpu"]) == 0
    assert len(looks) == 5  # four steps, and a validation
    trained = Segmenter.from_pretrained(tmp_path / "run/model", device="cpu")
    assert trained.model.config.refiner_zoom == 1.5  # type: ignore[attr-defined]
