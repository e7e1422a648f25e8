"""Times of models on a GPU in every precision, for ``scripts/gpu/bench.sh``.

Each cell of the grid is one model, precision, way of running and batch size. What is measured is stage 1 and one
refinement step, without the preparation of images, and the peak of the GPU's memory. Results are written after every
cell, so a run that is ended early keeps what it has. The thread that loads a model also runs it, as in the node: CUDA
graphs belong to the thread that recorded them.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from mdsm_ros.arguments import count, positive_number
from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.commands.bench.curves.systems import random_model
from mdsm_ros.commands.bench.grid_table import table
from mdsm_ros.commands.bench.latency import INSTRUCTION
from mdsm_ros.files import write_json
from mdsm_ros.inference.device import choose_device
from mdsm_ros.models.interface import InitialMask, RefiningModel, SegmentationModel

RANDOM = "random:"
MODELS = ("mdsm-small", "random:mdsm-base", "random:lavt-base")
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
WAYS: dict[str, dict[str, Any]] = {"eager": {}, "compile": {}, "graphs": {"mode": "reduce-overhead"}}
BATCHES = (1, 8)
COMPILING = 90.0  # s that must be left to begin with a cell that compiles


@dataclass(frozen=True)
class Cell:
    """What is measured together.

    Attributes:
        model: Name of a model, or ``random:PRESET``.
        precision: One of :data:`PRECISIONS`.
        way: "eager", "compile" (torch.compile) or "graphs" (torch.compile with CUDA graphs).
        batch: Number of images, each with its own instruction.
    """

    model: str
    precision: str
    way: str
    batch: int


@dataclass(frozen=True)
class Times:
    """The result of a cell.

    Attributes:
        initial: Median time of stage 1 in milliseconds.
        step: Median time of one refinement step in milliseconds; None for models of one stage.
        memory: Peak of the GPU's memory in MiB; None on a CPU.
        setup: Seconds until the first answer, with loading and compilation.
    """

    initial: float
    step: float | None
    memory: float | None
    setup: float


def cells(models: Sequence[str], batches: Sequence[int], ways: Sequence[str], precisions: Sequence[str]) -> list[Cell]:
    """All cells, the most important ones first: what is not compiled, then half precision, then the rest."""
    order = [("eager", name) for name in PRECISIONS]
    order += [(way, name) for name in ("fp16", "bf16", "fp32") for way in ("compile", "graphs")]
    wanted = [(way, name) for way, name in order if way in ways and name in precisions]
    return [Cell(model, name, way, batch) for way, name in wanted for model in models for batch in batches]


def measure(cell: Cell, device: torch.device, runs: int) -> Times:
    """Loads a model and times it."""
    begun = time.perf_counter()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    model = _load(cell.model, device)
    if cell.way != "eager":
        for part in model.compute_parts:
            part.compile(**WAYS[cell.way])
    run = _Frames(model, cell, device)
    run.answer()
    setup = time.perf_counter() - begun
    run.answer()  # the second one records CUDA graphs
    times = [run.answer() for _ in range(runs)]
    steps = [step for _, step in times if step is not None]
    memory = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
    return Times(median(initial for initial, _ in times), median(steps) if steps else None, memory, setup)


def _load(name: str, device: torch.device) -> SegmentationModel:
    model: SegmentationModel
    model = random_model(name.removeprefix(RANDOM)) if name.startswith(RANDOM) else load_model(name)
    return model.to(device).eval()


class _Frames:
    """Answers about a batch of noise images in one precision."""

    def __init__(self, model: SegmentationModel, cell: Cell, device: torch.device) -> None:
        self.model, self.cell, self.device = model, cell, device
        side = model.config.image_size
        generator = torch.Generator().manual_seed(0)
        self.images = torch.rand((cell.batch, 3, side, side), generator=generator).to(device)

    def answer(self) -> tuple[float, float | None]:
        """Milliseconds of stage 1, and of one refinement step if the model has them."""
        kind = PRECISIONS[self.cell.precision]
        half = kind != torch.float32
        with torch.inference_mode(), torch.autocast(self.device.type, kind) if half else nullcontext():
            if self.cell.way == "graphs":
                torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
            text = self.model.encode_text([INSTRUCTION] * self.cell.batch)
            initial: InitialMask
            seconds, initial = self._timed(lambda: self.model.initial(self.images, text))
            if not isinstance(self.model, RefiningModel):
                return 1000 * seconds, None
            steps = max(1, self.model.config.num_inference_steps)
            refining = self.model
            spent, _ = self._timed(lambda: refining.refine(initial.features, initial.logits, steps))
        return 1000 * seconds, 1000 * spent / steps

    def _timed(self, call: Callable[[], Any]) -> tuple[float, Any]:
        self._wait()
        begun = time.perf_counter()
        result = call()
        self._wait()
        return time.perf_counter() - begun, result

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def in_thread(call: Callable[[], Times]) -> Times | str:
    """The result of a call in a thread of its own, or the first line of its error: the next cell goes on."""
    found: list[Times | str] = []

    def work() -> None:
        try:
            found.append(call())
        except Exception as error:  # compilers and drivers raise many types
            found.append(f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


def run_grid(
    grid: Sequence[Cell], device: torch.device, runs: int, seconds: float
) -> Iterator[tuple[Cell, Times | str]]:
    """The result of each cell, or why there is none."""
    deadline = time.monotonic() + seconds
    for cell in grid:
        left = deadline - time.monotonic()
        if left < (0 if cell.way == "eager" else min(COMPILING, seconds / 2)):
            yield cell, "no time left"
            continue
        yield cell, in_thread(lambda cell=cell: measure(cell, device, runs))  # type: ignore[misc]
        torch._dynamo.reset()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.empty_cache()


def record(cell: Cell, result: Times | str) -> dict[str, Any]:
    """One cell with its result for the JSON file."""
    return asdict(cell) | (asdict(result) if isinstance(result, Times) else {"missing": result})


def device_name(device: torch.device) -> str:
    """The GPU's name, or "CPU"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def main(argv: Sequence[str] | None = None) -> int:
    """Measures the grid; writes bench.json and bench.md."""
    parser = argparse.ArgumentParser(prog="python -m mdsm_ros.commands.bench.grid", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for bench.json and bench.md")
    parser.add_argument("--models", nargs="+", default=MODELS, help="names, folders or random:PRESET")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: %(default)s)")
    parser.add_argument("--batches", type=count, nargs="+", default=BATCHES, help="numbers of images")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=tuple(WAYS), help="ways of running")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=tuple(PRECISIONS))
    parser.add_argument("--runs", type=count, default=30, help="answers to time in each cell (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=positive_number, default=480.0, help="time limit; what is left out is named (%(default)g)"
    )
    args = parser.parse_args(argv)
    device = choose_device(args.device)
    grid = cells(args.models, args.batches, args.ways, args.precisions)
    content: dict[str, Any] = {
        "device": device_name(device),
        "torch": torch.__version__,
        "runs": args.runs,
        "cells": [],
    }
    args.out.mkdir(parents=True, exist_ok=True)
    for cell, result in run_grid(grid, device, args.runs, args.seconds):
        content["cells"].append(record(cell, result))
        write_json(args.out / "bench.json", content, indent=2)
        (args.out / "bench.md").write_text(table(content) + "\n", encoding="utf-8")
        print(json.dumps(content["cells"][-1]), file=sys.stderr, flush=True)
    print(table(content))
    return 0


if __name__ == "__main__":
    sys.exit(main())
