"""Numbers that are not finite: where they come up they are an error, and they get into no file and no message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mdsm_ros.errors import AnswerError, StorageError, TrainingError, WeightsError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.backends.numpy_backend import NumpyBackend
from mdsm_ros.inference.backends.torch_backend import TorchBackend
from mdsm_ros.pictures.overlay import draw_overlay
from mdsm_ros.pictures.sheet import tile_size
from training.train.checkpoints import SKIPPED_AT_MOST, SKIPPED_WHILE_SCALING, Watch, read_checkpoint, write_checkpoint

NAN, INF = float("nan"), float("inf")


def answer(score: float = 0.5, pixel: float = 0.5, spread: float | None = None) -> Segmentation:
    probability = np.full((4, 6), 0.25, np.float32)
    probability[1, 2] = pixel
    uncertainty = None if spread is None else np.full((4, 6), spread, np.float32)
    return Segmentation(probability > 0.4, probability, uncertainty, score, True, "refined", {"total": 0.1})


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_an_answer_that_is_no_number_is_none(bad: float) -> None:
    with pytest.raises(AnswerError, match="score of the model's refined answer is not finite"):
        answer(score=bad)
    with pytest.raises(AnswerError, match=r"probability .* in 1 of 24 values"):
        answer(pixel=bad)
    with pytest.raises(AnswerError, match="uncertainty"):
        answer(spread=bad)
    assert answer(spread=0.1).present


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_logits_that_are_finite(kind: torch.dtype) -> None:
    largest = torch.full((1, 40, 40), torch.finfo(kind).max, dtype=kind)  # whose sum is no number of this kind
    backend = TorchBackend(torch.device("cpu"))
    assert backend.is_finite(largest)
    assert backend.is_finite(-largest)
    for bad in ((NAN,), (INF,), (-INF,), (INF, -INF)):
        logits = torch.zeros((1, 40, 40), dtype=kind)
        logits[0, 3, : len(bad)] = torch.tensor(bad, dtype=kind)
        assert not backend.is_finite(logits)
        assert not NumpyBackend("cpu").is_finite(logits.float().numpy())


@pytest.mark.parametrize(("scaling", "most"), [(False, SKIPPED_AT_MOST), (True, SKIPPED_WHILE_SCALING)])
def test_steps_without_a_gradient_are_left_out_until_they_are_too_many(scaling: bool, most: int) -> None:
    watch, loss = Watch(scaling), torch.tensor(NAN)
    for _ in range(3):  # a good step begins the count anew
        for step in range(most - 1):
            assert not watch.note(step, torch.tensor(INF), loss)
        assert watch.note(most, torch.tensor(2.0), loss)
    for step in range(most - 1):
        watch.note(step, torch.tensor(NAN), loss)
    with pytest.raises(TrainingError, match=f"for {most} steps in a row"):
        watch.note(most, torch.tensor(NAN), loss)


def test_no_checkpoint_right_after_a_step_that_was_left_out() -> None:
    watch = Watch(scaling=False)
    watch.expect_sound(0)
    watch.note(0, torch.tensor(NAN), torch.tensor(NAN))
    with pytest.raises(TrainingError):
        watch.expect_sound(1)


@pytest.mark.parametrize("where", ["stage", "optimizer", "ema"])
def test_a_checkpoint_with_nan_is_not_written(tmp_path: Path, where: str) -> None:
    path = tmp_path / "stage1.pt"
    good = {
        "step": 1,
        "stage": {"a": torch.ones(3)},
        "optimizer": {"state": {0: {"m": torch.ones(3)}}},
        "ema": {"s": [torch.ones(3)]},
    }
    write_checkpoint(good, path)
    bad = {**good, "step": 2, where: {"deep": [{"x": torch.tensor([1.0, NAN])}]}}
    with pytest.raises(TrainingError, match=f"{where}.deep.0.x holds numbers that are not finite"):
        write_checkpoint(bad, path)
    assert read_checkpoint(path)["step"] == 1


def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "stage1.pt"
    content = {"step": 1, "stage": {"a": torch.ones(1000)}}
    write_checkpoint(content, path)

    def fail(content: object, file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", fail)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(StorageError, match=r"stage1\.pt cannot be written: the disk is full .* are needed.* is kept"):
        write_checkpoint({**content, "step": 2}, path)
    assert read_checkpoint(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["stage1.pt"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half", b"x" * 1000])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stage1.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"stage1\.pt cannot be read"):
        read_checkpoint(tmp_path / "stage1.pt")


@pytest.mark.parametrize("shape", [(200_000, 1), (1, 200_000), (5, 7)])
def test_pictures_of_any_aspect_are_drawn(shape: tuple[int, int]) -> None:
    mask = np.ones(shape, bool)
    found = Segmentation(mask, mask.astype(np.float32), None, 0.5, True, "refined", {"total": 0.1})
    assert draw_overlay(np.zeros((*shape, 3), np.uint8), found, "get the cup").shape == (*shape, 3)
    width, height = tile_size(shape[1], shape[0], 360)
    assert width == 360
    assert 1 <= height <= 4 * 360
