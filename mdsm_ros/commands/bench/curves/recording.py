"""How the cost of a replay grows with the length of the recording."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np

from mdsm_ros.commands.bench.curves.curve import Curve, cpu_milliseconds
from mdsm_ros.commands.bench.curves.systems import random_model
from mdsm_ros.demo.bag_writer import Shot, write_recording
from mdsm_ros.geometry import Camera
from mdsm_ros.replay.options import ReplayOptions
from mdsm_ros.replay.run import run_replay
from mdsm_ros.segmenter import Segmenter

LENGTHS = (50, 100, 200)  # images
SIZE = (120, 160)  # pixels
PRESET = "lavt-tiny"  # a cheap model: what surrounds it is measured


def replay_curve(lengths: Sequence[int] = LENGTHS) -> Curve:
    """``mdsm replay`` with all its results, on recordings of several lengths."""
    segmenter = Segmenter(random_model(PRESET), PRESET, "cpu")
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for length in lengths:
            root = Path(folder) / str(length)
            root.mkdir()
            write_recording(root / "bag", _shots(length), rate=10.0, start=10**9)
            replay = partial(_replay, ReplayOptions(root / "bag", root / "out"), segmenter)
            costs.append(cpu_milliseconds(replay, runs=1) / 1000)
    segmenter.close()
    name = f"mdsm replay with {PRESET}"
    return Curve(
        "replay, by the length of the recording", [f"{n} images" for n in lengths], lengths, {name: costs}, "s"
    )


def _shots(length: int) -> Iterator[Shot]:
    """A square that moves over noise, with its mask."""
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    camera = Camera(fx=150.0, fy=150.0, cx=SIZE[1] / 2, cy=SIZE[0] / 2)
    for number in range(length):
        truth = np.zeros(SIZE, dtype=bool)
        left = number % (SIZE[1] - 40)
        truth[40:80, left : left + 40] = True
        rgb = noise.copy()
        rgb[truth] = (200, 30, 30)
        yield Shot(rgb, truth, camera, "get the red box")


def _replay(options: ReplayOptions, segmenter: Segmenter) -> None:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        run_replay(options, segmenter)
