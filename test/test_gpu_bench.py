"""scripts/gpu/bench.sh and its grid, run for real on the CPU with the smallest model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mdsm_ros.commands.bench import grid
from mdsm_ros.commands.bench.grid import Cell, Times, cells, main, run_grid
from scripts import write_docs

ROOT = Path(__file__).resolve().parent.parent


def test_the_grid_measures_writes_and_goes_on_after_an_error(untrained_weights: Path, tmp_path: Path) -> None:
    options = [
        "--device",
        "cpu",
        "--runs",
        "1",
        "--batches",
        "1",
        "2",
        "--ways",
        "eager",
        "--precisions",
        "fp32",
        "bf16",
    ]
    assert main(["--out", str(tmp_path), "--models", str(untrained_weights), "./nothing", *options]) == 0
    content = json.loads((tmp_path / "bench.json").read_text())
    assert content["device"] == "CPU"
    good = [row for row in content["cells"] if row["model"] == str(untrained_weights)]
    assert [(row["precision"], row["batch"]) for row in good] == [("fp32", 1), ("fp32", 2), ("bf16", 1), ("bf16", 2)]
    assert all(row["initial"] > 0 and row["step"] > 0 and row["memory"] is None for row in good)
    bad = [row for row in content["cells"] if row["model"] == "./nothing"]
    assert len(bad) == 4
    assert all(row["missing"].startswith("WeightsError: ") for row in bad)
    lines = (tmp_path / "bench.md").read_text().splitlines()
    assert len(lines) == 4 + 8
    assert "WeightsError" in lines[-1]


def test_the_most_important_cells_come_first_and_the_time_is_kept() -> None:
    order = cells(["a", "b"], [1, 8], ["eager", "compile", "graphs"], ["fp32", "fp16", "bf16"])
    assert len(order) == 3 * 3 * 2 * 2
    assert [cell.way for cell in order[:12]] == ["eager"] * 12
    assert order[12] == Cell("a", "fp16", "compile", 1)
    results = list(run_grid(order, torch.device("cpu"), 1, -1.0))
    assert {result for _, result in results} == {"no time left"}


def test_a_model_of_one_stage_has_no_step() -> None:
    (_, result), *_ = run_grid([Cell("random:lavt-tiny", "fp32", "eager", 1)], torch.device("cpu"), 1, 600.0)
    assert isinstance(result, Times)
    assert result.step is None
    assert result.initial > 0


@pytest.mark.slow
def test_compiled_parts_run_in_the_thread_that_compiled_them(
    untrained_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for way in ("compile", "graphs"):
        monkeypatch.setitem(grid.WAYS, way, {"backend": "eager"})  # traced, but without a C++ compiler
    wanted = [Cell(str(untrained_weights), "fp32", way, 2) for way in ("compile", "graphs")]
    for _, result in run_grid(wanted, torch.device("cpu"), 1, 600.0):
        assert isinstance(result, Times), result
        assert result.step is not None


@pytest.mark.slow
def test_the_script_on_a_cpu(untrained_weights: Path, tmp_path: Path) -> None:
    settings = {"DEVICE": "cpu", "RUNS": "1", "WAYS": "eager", "PRECISIONS": "fp32", "BATCHES": "1"}
    environment = os.environ | settings | {"MODELS": str(untrained_weights), "PYTHON": sys.executable}
    environment["PYTHONPATH"] = str(ROOT)
    subprocess.run(
        ["bash", ROOT / "scripts" / "gpu" / "bench.sh", tmp_path / "out"],
        env=environment,
        check=True,
        capture_output=True,
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"bench.json", "bench.md", "latency.md"}
    assert "| none | initial |" in (tmp_path / "out" / "latency.md").read_text()


def test_a_stored_result_becomes_the_table_of_the_documentation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = tmp_path / "gpu.json"
    monkeypatch.setattr(write_docs, "GPU_FILE", stored)
    assert write_docs.gpu_markdown() == "Nothing has been measured on a GPU yet.\n"
    head = {"precision": "fp16", "way": "graphs", "batch": 8}
    times = {"initial": 1.25, "step": None, "memory": 812.4, "setup": 31.0}
    rows = [{"model": "random:lavt-base"} | head | times, {"model": "mdsm-small"} | head | {"missing": "no time left"}]
    stored.write_text(json.dumps({"device": "a GPU", "torch": "2.9", "runs": 30, "cells": rows}))
    lines = write_docs.gpu_markdown().splitlines()
    assert lines[0] == "a GPU, torch 2.9; medians of 30 runs. Models with `random:` have random weights."
    assert lines[4] == "| random:lavt-base | fp16 | graphs | 8 | 1.2 |  | 812 | 31.0 |"
    assert lines[5] == "| mdsm-small | fp16 | graphs | 8 | no time left |  |  |  |"
