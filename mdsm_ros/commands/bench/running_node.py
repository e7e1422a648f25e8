"""The running node under a camera's load: latency against the model's own time, lost frames, growth.

Node and camera are separate processes, as on a robot. Most metrics are ratios within one run, because times depend on
the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from mdsm_ros.commands.bench.latency import IMAGE_SIZE, INSTRUCTION
from mdsm_ros.errors import BenchError, DemoError
from mdsm_ros.ros.node_process import NodeProcess

PROFILE = "fastdds_large_images.xml"
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")  # Fast DDS 2 and 3
START_TIMEOUT = 300.0  # s
SHORT = 10.0  # s
POLL = 0.5  # s
SLACK, OVERHEAD = 1.25, 0.010  # a node is fast enough if its latency is at most SLACK x model + OVERHEAD (s)


@dataclass(frozen=True)
class Load:
    """Settings of the camera.

    Attributes:
        profile: Fast DDS profile for both processes; None for the default.
    """

    name: str
    best_effort: bool
    profile: Path | None


def measure(load: Load, parameters: dict[str, Any], *, seconds: float, rate: float) -> dict[str, Any]:
    """Runs node and camera once; returns the camera's record, see ``mdsm_ros.ros.players.bench_camera``.

    Raises:
        BenchError: One of the two ended early.
    """
    environment = {name: value for name, value in os.environ.items() if name not in PROFILE_VARIABLES}
    if load.profile is not None:
        environment |= dict.fromkeys(PROFILE_VARIABLES, str(load.profile))
    height, width = IMAGE_SIZE
    camera = [sys.executable, "-m", "mdsm_ros.ros.players.bench_camera", "--frames", str(round(seconds * rate))]
    camera += ["--rate", str(rate), "--size", str(width), str(height), "--instruction", INSTRUCTION]
    camera += ["--timeout", str(START_TIMEOUT), *(["--best-effort"] if load.best_effort else [])]
    reliability = "best_effort" if load.best_effort else "reliable"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "node.log"
        with NodeProcess(log, {**parameters, "image_reliability": reliability}, {}, environment) as node:
            heard = run_camera(camera, environment, node)
    return json.loads(heard)  # type: ignore[no-any-return]


def run_camera(command: list[str], environment: dict[str, str], node: NodeProcess) -> str:
    """The camera's output; the wait ends early if the node ends."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as camera:
        while True:
            try:
                output, errors = camera.communicate(timeout=POLL)
                break
            except subprocess.TimeoutExpired:
                try:
                    node.check()
                except DemoError as error:
                    camera.kill()
                    raise BenchError(str(error)) from error
    if camera.returncode:
        raise BenchError(f"{errors.strip()}; the node's log ends with:\n{node.tail()}")
    return output


def row(load: Load, heard: dict[str, Any]) -> str:
    """A line of the table."""
    answers = [answer for answer in heard["answers"] if answer["final"]] or heard["answers"]
    last = heard["reports"][-1]
    memory = [float(report["process memory (MiB)"]) for report in heard["reports"] if report["state"] == "active"]
    cells = [load.name, str(heard["sent"]), last["images received"], last["images answered"]]
    if len(answers) < 10:
        return "| " + " | ".join([*cells, "", "", "", "", ""]) + " |"
    latency, model = ([answer[name] for answer in answers] for name in ("latency", "model"))
    allowed = SLACK * median(model) + OVERHEAD
    fifth = len(latency) // 5
    growth = median(latency[-fifth:]) / median(latency[:fifth])
    cells += [f"{1000 * median(latency):.0f}", f"{1000 * median(model):.0f}", f"{median(latency) / allowed:.2f}"]
    # in the first reports the node has not answered yet
    settled = memory[min(5, len(memory) - 1)]
    return "| " + " | ".join([*cells, f"{growth:.2f}", f"{memory[-1] / settled:.2f}"]) + " |"


def table(parameters: dict[str, Any], *, profile: Path, seconds: float, rate: float) -> str:
    """A Markdown table: a reliable and a best-effort camera, with and without the profile for large images.

    Args:
        parameters: Parameters of the node.
        profile: Fast DDS profile for large images.
        seconds: Duration of the first run, reliable and with the profile; the others take at most ten.
        rate: Images per second.

    Raises:
        BenchError: The node could not be measured.
    """
    height, width = IMAGE_SIZE
    loads = [
        Load(f"{name}{'' if chosen is None else f', {chosen.name}'}", name == "best effort", chosen)
        for chosen in (profile, None)
        for name in ("reliable", "best effort")
    ]
    lines = [
        f"node with {parameters['model']}, images of {width}x{height} at {rate:g} Hz",
        "",
        "| camera | sent | received | answered | latency p50 (ms) | model p50 (ms) "
        f"| latency / ({SLACK} model + {1000 * OVERHEAD:.0f} ms) | latency, last fifth / first | memory, end / start |",
        "|---" * 9 + "|",
    ]
    for number, load in enumerate(loads):
        span = seconds if number == 0 else min(seconds, SHORT)
        lines.append(row(load, measure(load, parameters, seconds=span, rate=rate)))
    return "\n".join(lines)


def find_profile() -> Path:
    """The path of the profile, in a source tree or where ament installs it.

    Raises:
        BenchError: The profile is in neither place.
    """
    prefixes: Sequence[str] = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    places = [Path(__file__).resolve().parents[3] / "config" / PROFILE]
    places += [Path(prefix) / "share" / "mdsm_ros" / "config" / PROFILE for prefix in (*prefixes, sys.prefix)]
    for place in places:
        if place.is_file():
            return place
    raise BenchError(f"{PROFILE} is missing, expected it in one of {', '.join(map(str, places))}")
