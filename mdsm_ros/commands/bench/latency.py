"""Latency of a Segmenter on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.checkpoints.pretrained import save_random
from mdsm_ros.commands.options import check_refinement
from mdsm_ros.demo import BUNDLED_PHOTOGRAPHS
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.segmenter import Segmenter

INSTRUCTION = "Go to the living room and get the pillow on the couch nearest to the radio."
IMAGE_SIZE = (480, 640)  # (height, width), the resolution of most robot cameras
PICTURE, QUESTION = BUNDLED_PHOTOGRAPHS / "table.jpg", "get the chair"  # of which mdsm-small takes a second look


def latency_table(
    model: str, *, device: str, accelerations: Sequence[str], runs: int, num_inference_steps: int | None = None
) -> str:
    """Answers about a photograph ``runs`` times after a warm-up, with each acceleration.

    Args:
        model: Name, folder or hub id; or ``random:PRESET`` for random weights, which take as long as trained ones.
        device: Device: "auto", "cpu", "cuda" or "cuda:N".
        accelerations: Accelerations, see :class:`Segmenter`.
        runs: Number of frames.
        num_inference_steps: Number of refinement steps; None for the model's own.

    Raises:
        WeightsError: The model cannot be found.
        CommandError: There are steps, but the model has one stage.
        ConfigError: The preset is unknown.
        DeviceError: The device or the acceleration does not exist.

    Returns:
        A Markdown table of milliseconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        name = model
        if model.startswith("random:"):
            save_random(model.removeprefix("random:"), Path(folder))
            name = folder
        lines: list[str] = []
        for acceleration in accelerations:
            segmenter = Segmenter.from_pretrained(name, device=device, acceleration=acceleration)
            check_refinement([segmenter], steps=num_inference_steps)
            settings = segmenter.defaults.updated(num_inference_steps=num_inference_steps)
            if not lines:
                lines = [
                    f"{model} on {segmenter.device}, {runs} frames of {IMAGE_SIZE[1]}x{IMAGE_SIZE[0]}, "
                    f"{settings.num_inference_steps} steps",
                    "",
                    "| acceleration | part | p50 (ms) | p95 (ms) | max (ms) |",
                    "|---|---|---|---|---|",
                ]
            note = "" if segmenter.acceleration_error is None else f" ({segmenter.acceleration_error})"
            for part, values in _times(segmenter, runs, settings).items():
                p50, p95 = np.percentile(values, [50, 95])
                lines.append(f"| {acceleration}{note} | {part} | {p50:.1f} | {p95:.1f} | {max(values):.1f} |")
            segmenter.close()
    return "\n".join(lines)


def photograph() -> NDArray[np.uint8]:
    """The picture of the measurement, uint8 (480, 640, 3) RGB."""
    height, width = IMAGE_SIZE
    with Image.open(PICTURE) as picture:
        return np.asarray(picture.convert("RGB").resize((width, height)))


def _times(segmenter: Segmenter, runs: int, settings: InferenceSettings) -> dict[str, list[float]]:
    """Milliseconds per frame until the initial answer, of all refinement, and until the refined answer."""
    picture = photograph()
    segmenter.warm_up(settings, IMAGE_SIZE)
    times: dict[str, list[float]] = {}
    for _ in range(runs):
        for answer in segmenter.stream(picture, QUESTION, settings):
            times.setdefault(answer.stage, []).append(1000 * answer.timings["total"])
            if "refine" in answer.timings:
                name = "refinement" if answer.zoom is None else "refinement with a second look"
                times.setdefault(name, []).append(1000 * answer.timings["refine"])
    return times
