"""Kills commands at random moments, runs them again, and compares the results with those of runs that were left alone.

    PYTHONPATH=. python scripts/kill_again.py --kills 40 --seed 0
    PYTHONPATH=. python scripts/kill_again.py --kills 1 --seed 4711 --only shards   # one of them again
    PYTHONPATH=. python scripts/kill_again.py --kills 40 --fork   # in a fraction of the time

Each command is run once without a kill. Then it is started in an empty folder, its process group gets SIGKILL, and the
same command is run again to its end, with --resume where it has that. One kill in four comes at a moment between the
start and the usual end, the others between the first file and the usual end.

Everything in the folder is compared, also what a kill could leave beside the result. Files have to be equal byte for
byte. There are three exceptions. JSON may differ in the times that it gives. Checkpoints of a training may differ in
their bytes, but not in a number. Pages and TensorBoard's events, which are full of times, only have to be there.
A second run that is refused with exit code 2 is right where the first one had already written the whole result.

With --fork the commands are copies of one process that has imported everything, so that no kill falls on the imports.
The copies share the order of sets, which separate processes do not.

Exit code 1 where a result differs or a second run fails.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from scripts.compare_folders import differences
from scripts.fork import POLL, Fork

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 600.0  # seconds of one run
FROM_START = 0.25  # of the kills; the others wait for the first file
OUT = "out"  # the result's folder in the place of a run
REFUSED = 2  # exit code
SETTINGS = {  # of the commands' environment
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
IMPORTED = ("training.train.run", "mdsm_ros.checkpoints.convert.run", "mdsm_ros.replay.run", "webdataset", "mujoco")


@dataclass(frozen=True)
class Command:
    """A command that writes a folder.

    Attributes:
        arguments: of Python; the folder is ``out`` in the place where the command runs.
        again: what the second run gets besides.
        fork: run it as a copy of this process; the arguments begin with -m.
        good: exit codes of a run that worked.
    """

    arguments: tuple[str, ...]
    again: tuple[str, ...] = ()
    fork: bool = False
    good: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Usual:
    """A run without a kill: seconds until its first file, and until its end."""

    first: float
    end: float


@dataclass
class Row:
    """What became of the kills of one command."""

    kills: int = 0
    hits: int = 0  # the command had not ended yet
    identical: int = 0


# --- the runs ---


Process: TypeAlias = "subprocess.Popen[bytes] | Fork"


def start(command: Command, place: Path, *more: str) -> Process:
    """Starts a command in a process group of its own; its output goes to a file beside the place."""
    arguments = (*command.arguments, *more)
    with place.with_suffix(".log").open("wb") as log:
        if command.fork:
            return Fork(arguments[1], arguments[2:], place, log)
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=place,
            env=os.environ | SETTINGS,
            start_new_session=True,
            stdout=log,
            stderr=log,
        )


def until_first_file(process: Process, place: Path) -> None:
    """Waits until something lies in the place or the process has ended."""
    while process.poll() is None and not any(place.iterdir()):
        time.sleep(POLL)


def ended(process: Process) -> int:
    """Waits for the end of a process; nothing of it stays where this script is interrupted or it takes too long."""
    try:
        return process.wait(LONGEST)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def undisturbed(command: Command, place: Path) -> Usual:
    """Runs a command in an empty place.

    Raises:
        RuntimeError: it fails.
    """
    begin = time.monotonic()
    process = start(command, place)
    until_first_file(process, place)
    first = time.monotonic() - begin
    if ended(process) not in command.good:
        raise RuntimeError(f"{command.arguments} ended with {process.returncode}: {said(place)}")
    return Usual(first, time.monotonic() - begin)


def killed(command: Command, place: Path, usual: Usual, rng: random.Random) -> bool:
    """Starts a command in an empty place and kills its process group; whether it was still running."""
    process = start(command, place)
    if rng.random() < FROM_START:
        seconds = usual.end * rng.random()
    else:
        until_first_file(process, place)
        seconds = (usual.end - usual.first) * rng.random()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait() == -signal.SIGKILL
    return False


def said(place: Path) -> str:
    """The end of what the last run in a place has printed."""
    return place.with_suffix(".log").read_text(encoding="utf-8", errors="replace")[-2000:]


# --- all of it ---


def kill_once(command: Command, place: Path, whole: Path, usual: Usual, rng: random.Random) -> tuple[bool, list[str]]:
    """Kills and runs again; whether the kill came before the end, and what is wrong with the result."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    hit = killed(command, place, usual, rng)
    code = ended(start(command, place, *command.again))
    wrong = differences(whole, place)
    if code not in command.good and (code != REFUSED or wrong):
        wrong.insert(0, f"the second run ended with {code}: {said(place)}")
    return hit, wrong


def kill_all(commands: dict[str, Command], kills: int, seed: int, scratch: Path) -> dict[str, Row]:
    """Kills the commands in turn; prints what becomes of each.

    Args:
        commands: by name.
        kills: of all commands together.
        seed: of the first kill; the next has the next.
        scratch: a new folder.
    """
    rows = {name: Row() for name in commands}
    usual: dict[str, Usual] = {}
    for number in range(kills):
        name = list(commands)[number % len(commands)]
        place, whole = scratch / name / "place", scratch / name / "whole"
        if name not in usual:
            place.mkdir(parents=True)
            usual[name] = undisturbed(commands[name], place)
            place.rename(whole)  # all runs have the same path, which could be in a result
            print(f"{name}: first file after {usual[name].first:.1f} s, end after {usual[name].end:.1f} s", flush=True)
        rng = random.Random(f"{name} {seed + number}")
        hit, wrong = kill_once(commands[name], place, whole, usual[name], rng)
        rows[name].kills += 1
        rows[name].hits += hit
        rows[name].identical += not wrong
        moment = "killed" if hit else "ended before the kill"
        print("\n  ".join([f"{name}, seed {seed + number}: {moment}", *(wrong or ["identical"])]), flush=True)
    return rows


def table(rows: dict[str, Row]) -> str:
    """The rows and their sum as text."""
    total = Row(*(sum(getattr(row, key) for row in rows.values()) for key in ("kills", "hits", "identical")))
    lines = [f"{'command':10} {'kills':>6} {'before the end':>15} {'identical':>10}"]
    for name, row in {**rows, "all": total}.items():
        lines.append(f"{name:10} {row.kills:6} {row.hits:15} {row.identical:10}")
    return "\n".join(lines)


# --- the commands and what they work on ---


def prepare(inputs: Path) -> dict[str, Command]:
    """Writes a small data set, a checkpoint, a model and a recording; the commands that use them."""
    import torch
    import yaml
    from boxes import CONFIG, MODEL, write_boxes
    from official_lavt import Sizes, write_checkpoint
    from recordings import CUP, Recorder, picture
    from stand_ins import TOKENIZER

    from mdsm_ros.checkpoints.pretrained import make_model
    from training.train.config import read_config

    inputs.mkdir(parents=True)
    write_boxes(inputs / "boxes", "train", 120)
    write_boxes(inputs / "few", "train", 24)
    config = CONFIG | {"model": MODEL | {"bert_dropout": 0.0}, "checkpoint_seconds": 0.0}
    (inputs / "train.yaml").write_text(yaml.safe_dump(config))
    stage = {"steps": 12, "images": 4, "learning_rate": 1e-3}
    lab = {"mixture": {"lab": 2, "rehearsal": 2}, "freeze_language": True, "stage1": stage, "stage2": stage}
    (inputs / "lab.yaml").write_text(yaml.safe_dump(config | lab | {"auxiliary_weight": 0.0}))
    write_checkpoint(inputs / "lavt.pth", Sizes())
    TOKENIZER.save_pretrained(inputs / "tokenizer")
    torch.manual_seed(0)
    make_model(read_config(inputs / "train.yaml").model_config(), TOKENIZER).save_pretrained(inputs / "model")
    recorder = Recorder(inputs / "bag")
    recorder.say(CUP, 0.5)
    for number in range(60):
        recorder.show(picture(number % 30), number + 1.0)
    recorder.close()
    return {
        "train": python(
            "training.train.command", config=inputs / "train.yaml", data=inputs / "few", device="cpu", again=True
        ),
        "homes": python("training.cli", "homes", images=4, size="96x72", library="none", split="val"),
        "merge": python("training.cli", "merge", inputs / "boxes", inputs / "few"),
        "shards": python("training.cli", "shards", inputs / "boxes", size=4),
        "convert": python("mdsm_ros.commands.main", "convert", inputs / "lavt.pth", tokenizer=inputs / "tokenizer"),
        "replay": python("mdsm_ros.commands.main", "replay", inputs / "bag", model=inputs / "model", device="cpu"),
        "learn": _learn(inputs),
    }


def _learn(inputs: Path) -> Command:
    command = python(
        "mdsm_ros.commands.main",
        "learn",
        inputs / "few" / "images",
        labels=inputs / "few",
        mix=inputs / "few",
        model=inputs / "model",
        config=inputs / "lab.yaml",
        device="cpu",
    )
    return replace(command, good=(0, 1))  # 1: the new model is not better, which a few steps do not achieve


def python(module: str, *arguments: str | Path, again: bool = False, **options: object) -> Command:
    """A command of a module; ``again``: whether the second run needs --resume."""
    given = (f"--{name}={value}" for name, value in options.items())
    return Command(("-m", module, *map(str, arguments), f"--out={OUT}", *given), ("--resume",) if again else ())


NAMES = ("train", "homes", "merge", "shards", "convert", "replay", "learn")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40, help="of all commands together (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first kill; the next has the next")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help="only these commands")
    parser.add_argument("--fork", action="store_true", help="start the commands as copies of one process")
    args = parser.parse_args(argv)
    os.environ.update(SETTINGS)
    sys.path[:0] = [str(ROOT / "test")]
    with tempfile.TemporaryDirectory() as scratch:
        commands = prepare(Path(scratch) / "inputs")
        chosen = {name: replace(commands[name], fork=args.fork) for name in args.only}
        for module in IMPORTED if args.fork else ():
            import_module(module)
        rows = kill_all(chosen, args.kills, args.seed, Path(scratch) / "runs")
    print(table(rows))
    return 0 if all(row.identical == row.kills for row in rows.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
