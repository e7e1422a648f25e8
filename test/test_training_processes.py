"""Trainings that are killed, divided into micro-batches, and run on two processes of ``accelerate launch``.

What need not be a process of its own runs in that of the tests, which has imported everything already.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from boxes import CONFIG, MODEL, STEPS, write_boxes
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.train.command import main

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("one_thread")]

ROOT = Path(__file__).parents[1]
TOLERANCE = 5e-3  # of losses after some steps: sums in another order round differently, and Adam makes more of it


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("processes")
    write_boxes(root / "train", "train", 24)
    write_boxes(root / "val", "val", 4)
    write_config(root, "config")
    return root


def write_config(root: Path, name: str, **changes: Any) -> None:
    # dropout draws differently on other processes; without it only the order of sums is left
    config = CONFIG | {"model": MODEL | {"bert_dropout": 0.0}} | changes
    (root / f"{name}.yaml").write_text(yaml.safe_dump(config))


STAGES = """
import shutil, sys
from accelerate import PartialState
from training.train.command import main

whole, run, *arguments = sys.argv[1:]
assert PartialState(cpu=True).num_processes == 2
assert main([*arguments, "--stage=1"]) == 0
with PartialState().main_process_first():
    if PartialState().is_main_process:
        shutil.copy(f"{whole}/stage1.pt", f"{run}/stage1.pt")
assert main([*arguments, "--resume"]) == 0
"""  # on each of two processes: as test_a_step_is_the_same_however_it_is_divided does on one


def arguments(root: Path, out: str, config: str) -> list[str]:
    paths = {"config": root / f"{config}.yaml", "data": root / "train", "val-data": root / "val", "out": root / out}
    return ["--device=cpu", *(f"--{name}={path}" for name, path in paths.items())]


def train_here(root: Path, out: str, config: str, *options: str) -> int:
    return main([*arguments(root, out, config), *options])


def start(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )


def train_on_two_processes(root: Path, out: str, config: str, whole: Path) -> None:
    script = root / "stages.py"
    script.write_text(STAGES)
    # --multi_gpu is accelerate's name for torchrun, on GPUs or not; its launcher for CPUs needs MPI
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--num_machines=1"]
    launch += ["--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0"]
    process = start("-m", *launch, str(script), str(whole), str(root / out), *arguments(root, out, config))
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-3000:]
    assert "2 processes" in errors


@pytest.fixture(scope="module")
def whole(workplace: Path) -> Path:
    """An uninterrupted training on one process."""
    assert train_here(workplace, "whole", "config") == 0
    return workplace / "whole"


def weights(run: Path, stage: int) -> dict[str, torch.Tensor]:
    return torch.load(run / f"stage{stage}.pt", weights_only=True)["stage"]  # type: ignore[no-any-return]


def logged(run: Path, stage: int, name: str) -> dict[int, float]:
    events = EventAccumulator(str(run / "tensorboard" / f"stage{stage}"))
    events.Reload()
    return {event.step: event.value for event in events.Scalars(name)}


def test_killed_and_resumed_gives_the_same_weights_bit_for_bit(workplace: Path, whole: Path) -> None:
    write_config(workplace, "careful", checkpoint_seconds=0.0)  # a checkpoint after every step
    process = start("-m", "training.train.command", *arguments(workplace, "killed", "careful"))
    checkpoint = workplace / "killed/stage2.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert 0 < torch.load(checkpoint, weights_only=True)["step"] < STEPS
    assert train_here(workplace, "killed", "config", "--resume") == 0
    for stage in (1, 2):
        resumed = weights(workplace / "killed", stage)
        for name, value in weights(whole, stage).items():
            assert torch.equal(resumed[name], value), name


@pytest.mark.parametrize("kind", ["micro-batches", "processes"])
def test_a_step_is_the_same_however_it_is_divided(workplace: Path, whole: Path, kind: str) -> None:
    write_config(workplace, kind, gradient_accumulation=2 if kind == "micro-batches" else 1)
    run = workplace / kind
    if kind == "processes":
        train_on_two_processes(workplace, kind, kind, whole)
    else:
        assert train_here(workplace, kind, kind, "--stage=1") == 0
        # stage 2 from the same stage 1 to the last bit: else it would begin with what rounding has made of 24 steps
        shutil.copy(whole / "stage1.pt", run / "stage1.pt")
        assert train_here(workplace, kind, kind, "--resume") == 0
    for stage in (1, 2):
        for name in ("loss/loss", "gradient_norm"):
            divided, expected = logged(run, stage, name), logged(whole, stage, name)
            assert list(expected) == [1, 20]
            assert divided[1] == pytest.approx(expected[1], rel=1e-5)
        assert logged(run, stage, "loss/loss") == pytest.approx(logged(whole, stage, "loss/loss"), rel=TOLERANCE)


def test_more_parts_than_images_are_refused(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_config(workplace, "too_many", gradient_accumulation=5)
    assert train_here(workplace, "too_many", "too_many") == 2
    assert "images is 4, expected at least one for each of 5" in capsys.readouterr().err
