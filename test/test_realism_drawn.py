"""Drawings of a diffusion model, judged by the measure of realism."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from diffusion_stand_ins import write_pipeline

from mdsm_ros.errors import DatasetError
from training.latent.generate import open_pipeline
from training.realism import drawn
from training.realism.drawn import drawings

SIDE = 40


def test_each_kind_is_drawn_as_often_as_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "STEPS", 2)
    write_pipeline(tmp_path / "model")
    pipeline = open_pipeline(str(tmp_path / "model"))
    found = list(drawings(pipeline, ["mug", "sofa"], 2, 0, SIDE))
    assert [(name, kind) for name, kind, _ in found] == [
        ("mug 0", "mug"), ("mug 1", "mug"), ("sofa 0", "sofa"), ("sofa 1", "sofa")
    ]  # fmt: skip
    assert {picture.shape for _, _, picture in found} == {(SIDE, SIDE, 3)}
    assert len({picture.tobytes() for _, _, picture in found}) == 4
    again = list(drawings(pipeline, ["mug"], 1, 0, SIDE))
    assert np.array_equal(again[0][2], found[0][2])


def test_a_checkpoint_that_is_not_there_is_said() -> None:
    with pytest.raises(DatasetError, match="'/nowhere' cannot be loaded"):
        open_pipeline("/nowhere")
