"""The libraries that can run a model, against PyTorch and CLIPSeg, on one thread and in one run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median

import torch

from mdsm_ros.commands.bench.latency import QUESTION, photograph
from mdsm_ros.extras import is_installed
from mdsm_ros.inference.acceleration import RUNTIMES
from mdsm_ros.inference.threads import NUMBER
from mdsm_ros.segmenter import Segmenter

CLIPSEG = "clipseg, random weights"
CLIPSEG_SIDE = 352  # pixels
CLIPSEG_PATCH = 16  # of clipseg-rd64-refined
COLUMNS = (
    "first mask (CPU ms)",
    "refined (CPU ms)",
    "first / torch's",
    "refined / torch's",
    "refined / first",
    "CLIPSeg / first",
)
Times = dict[str, list[float]]  # CPU seconds until each stage of an answer


def runtimes_table(model: str, runs: int, num_inference_steps: int | None = None) -> str:
    """Markdown: CPU time of the first and of the refined mask by PyTorch and each installed runtime, and ratios.

    CPU time of the process on one thread, and all rows in turns: both depend less on the machine's load.

    Args:
        model: Name, folder or hub id of a model with exported graphs.
        runs: Number of answers of each row.
        num_inference_steps: Number of refinement steps; None for the model's own.

    Raises:
        WeightsError: The model cannot be found.
    """
    with _one_thread():
        segmenters, notes = _segmenters(model)
        rows: dict[str, Callable[[Times], None]] = {
            name: _answering(one, num_inference_steps) for name, one in segmenters.items()
        }
        if is_installed("transformers"):
            rows[CLIPSEG] = _clipseg()
        measured: dict[str, Times] = {name: {} for name in rows}
        for measure in rows.values():
            measure({})  # what is set up by the first answer does not count
        for _ in range(runs):
            for name, measure in rows.items():
                measure(measured[name])
    return "\n".join([f"{model} on one CPU thread, {runs} answers", "", *_lines(measured), *notes])


def _segmenters(model: str) -> tuple[dict[str, Segmenter], list[str]]:
    found, notes = {"torch": Segmenter.from_pretrained(model, device="cpu")}, []
    for name in ("onnx", "openvino"):
        if not is_installed(RUNTIMES[name]):
            continue
        segmenter = Segmenter.from_pretrained(model, device="cpu", acceleration=name)
        if segmenter.acceleration_error is None:
            found[name] = segmenter
        else:
            notes += ["", segmenter.acceleration_error]
    return found, notes


def _answering(segmenter: Segmenter, steps: int | None) -> Callable[[Times], None]:
    image = photograph()

    def answer(times: Times) -> None:
        begun = time.process_time()
        for part in segmenter.stream(image, QUESTION, num_inference_steps=steps):
            times.setdefault(part.stage, []).append(time.process_time() - begun)

    return answer


def _clipseg() -> Callable[[Times], None]:
    """CLIPSeg at its own size with random weights, which take as long as trained ones."""
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    network = CLIPSegForImageSegmentation(CLIPSegConfig(vision_config={"patch_size": CLIPSEG_PATCH})).eval()
    pixels = torch.rand(1, 3, CLIPSEG_SIDE, CLIPSEG_SIDE)
    phrase = torch.rand(1, network.config.projection_dim)  # encoded once, as our instruction is

    def answer(times: Times) -> None:
        begun = time.process_time()
        with torch.inference_mode():
            network(pixel_values=pixels, conditional_embeddings=phrase)
        times.setdefault("initial", []).append(time.process_time() - begun)

    return answer


def _lines(measured: Mapping[str, Times]) -> Iterator[str]:
    medians = {name: {stage: median(values) for stage, values in times.items()} for name, times in measured.items()}
    yield f"| | {' | '.join(COLUMNS)} |"
    yield "|---" * (1 + len(COLUMNS)) + "|"
    ours, other = medians["torch"], medians.get(CLIPSEG, {}).get("initial")
    for name, times in medians.items():
        first, refined = times["initial"], times.get("refined")
        cells = [
            f"{1000 * first:.1f}",
            "" if refined is None else f"{1000 * refined:.1f}",
            f"{first / ours['initial']:.2f}",
            "" if refined is None or "refined" not in ours else f"{refined / ours['refined']:.2f}",
            "" if refined is None else f"{refined / first:.2f}",
            "" if other is None else f"{other / first:.1f}",
        ]
        yield f"| {name} | {' | '.join(cells)} |"


@contextmanager
def _one_thread() -> Iterator[None]:
    threads, wanted = torch.get_num_threads(), os.environ.get(NUMBER)
    os.environ[NUMBER] = "1"
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if wanted is None:
            del os.environ[NUMBER]
        else:
            os.environ[NUMBER] = wanted
