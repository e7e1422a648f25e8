"""The cost of starting: CPU seconds of commands in separate processes, relative to ``import torch``.

It measures CPU time instead of wall time, and ratios within one run: both depend less on the machine's load.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import psutil

from mdsm_ros.arguments import count
from mdsm_ros.demo import BUNDLED_PHOTOGRAPHS
from mdsm_ros.errors import BenchError, DemoError
from mdsm_ros.ros.node_process import NodeProcess

INSTRUCTION = "get the red cup on the table"
CLI = ("-m", "mdsm_ros.commands.main")
WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from mdsm_ros.commands.main import main; sys.exit(main())"
ACTIVE = "active on "  # text in the node's log
TIMEOUT = 600.0  # s, for one start of the node
POLL = 0.05  # s
Measurement = Callable[[], float]


def cpu_seconds(*arguments: str) -> float:
    """CPU seconds, user and system, of a Python process and its children from start to end.

    Raises:
        BenchError: The process failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        raise BenchError(f"python {' '.join(arguments)} ended with {ended.returncode}: {ended.stderr.strip()[-500:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def node_cpu_seconds() -> float:
    """CPU seconds of the node with the embedded model, from its start until it is active; needs ROS.

    Raises:
        BenchError: The node ended, or did not become active in time.
    """
    environment = os.environ | {"ROS_AUTOMATIC_DISCOVERY_RANGE": "OFF"}  # isolated from other nodes on this machine
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "node.log"
        with NodeProcess(log, {}, {}, environment) as node:
            process, end = psutil.Process(node.pid), time.monotonic() + TIMEOUT
            while ACTIVE not in log.read_text(encoding="utf-8", errors="replace"):
                try:
                    node.check()
                except DemoError as error:
                    raise BenchError(str(error)) from error
                if time.monotonic() > end:
                    raise BenchError(f"the node was not active after {TIMEOUT:.0f} s")
                time.sleep(POLL)
            times = process.cpu_times()
            return float(times.user + times.system)


def measurements(folder: Path) -> dict[str, Measurement]:
    """The measured commands by row of the table; the first, ``import torch``, is the reference.

    Args:
        folder: Folder for the commands' output.
    """
    picture = str(BUNDLED_PHOTOGRAPHS / "kitchen.jpg")
    segment = (*CLI, "segment", picture, INSTRUCTION, "--out", str(folder / "overlay.png"))
    commands: dict[str, tuple[str, ...]] = {
        'python -c "import torch"': ("-c", "import torch"),
        "mdsm --help": (*CLI, "--help"),
        "mdsm models": (*CLI, "models"),
        "import mdsm_ros.segmenter": ("-c", "import mdsm_ros.segmenter"),
        'mdsm segment photo.jpg "..."': segment,
    }
    if find_spec("onnxruntime") is not None:  # as if PyTorch were not installed
        commands['mdsm segment photo.jpg "...", without PyTorch'] = ("-c", WITHOUT_TORCH, *segment[len(CLI) :])
    found: dict[str, Measurement] = {name: partial(cpu_seconds, *words) for name, words in commands.items()}
    if find_spec("rclpy") is not None:
        found["mdsm_node, from start to active"] = node_cpu_seconds
    return found


def table(measured: Mapping[str, list[float]]) -> str:
    """A Markdown table: the median CPU seconds of each row, and the ratio to the first row."""
    lines = ["| | CPU seconds | by import torch |", "|---|---|---|"]
    whole = [median(values) for values in measured.values()]
    for name, value in zip(measured, whole, strict=True):
        lines.append(f"| `{name}` | {value:.2f} | {value / whole[0]:.2f} |")
    return "\n".join(lines)


def measure(what: Mapping[str, Measurement], runs: int) -> dict[str, list[float]]:
    """Runs every measurement ``runs`` times in turns, after an uncounted run that fills the file cache."""
    for run in what.values():
        run()
    measured: dict[str, list[float]] = {name: [] for name in what}
    for _ in range(runs):
        for name, run in what.items():
            measured[name].append(run())
    return measured


def main(argv: list[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m mdsm_ros.commands.bench.start", description="Measure the cost of starting."
    )
    parser.add_argument("--runs", type=count, default=5, help="number of runs for the median (default: %(default)s)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        what = measurements(Path(folder))
        try:
            print(table(measure(what, args.runs)))
        except BenchError as error:
            print(f"bench-start: error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    if node_cpu_seconds not in what.values():
        print("\nThe node was not measured: rclpy cannot be imported here.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
