"""Homes seen through a real camera: other pixels, and nothing else."""

from __future__ import annotations

import argparse
import ctypes.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="rendering homes needs MuJoCo")
if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
    pytest.skip("rendering needs libegl1 and libgl1-mesa-dri", allow_module_level=True)

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import DatasetError
from mdsm_ros.homes import generate
from mdsm_ros.homes.generate import SPLIT_SEEDS, room_samples
from mdsm_ros.homes.layout import build_home
from training.homes import command as generate_homes

pytestmark = pytest.mark.render


def _write(out: Path, *options: str) -> None:
    parser = argparse.ArgumentParser()
    generate_homes.add_arguments(parser)
    generate_homes.run(parser.parse_args(["--out", str(out), "--images", "2", "--size", "96x72", *options]))


def test_the_camera_changes_pixels_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = build_home(SPLIT_SEEDS["val"]).rooms[0]
    samples = list(room_samples(room, np.random.default_rng(0), 2, (96, 72)))  # a whole home takes long
    monkeypatch.setattr(generate, "home_samples", lambda *options: samples)
    _write(tmp_path / "real")
    _write(tmp_path / "ideal", "--camera", "ideal")
    real, ideal = Dataset(tmp_path / "real"), Dataset(tmp_path / "ideal")
    assert real.info["recipe"] == ideal.info["recipe"] | {"camera": "real"}
    assert real.instructions == ideal.instructions
    assert real.annotations == ideal.annotations
    for image_id in real.images:
        ours, theirs = real.image(image_id), ideal.image(image_id)
        assert np.abs(ours.astype(int) - theirs).mean() > 2
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.6
        depth = real.depth(image_id)
        assert depth is not None
        np.testing.assert_array_equal(depth, ideal.depth(image_id))
    with pytest.raises(DatasetError, match="choose another folder"):
        _write(tmp_path / "real", "--camera", "ideal")
