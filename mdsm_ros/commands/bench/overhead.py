"""The cost of the node itself: CPU time per answer around the model, by size and transport of the image.

The node runs with a model that costs nothing, so its CPU time is what lies between message and model and between model
and message: receiving, decoding, resizing, masks, sending. CPU time depends less on the machine's load than latency.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from mdsm_ros.commands.bench.empty_node import IMAGE_SIZE
from mdsm_ros.commands.bench.latency import QUESTION, photograph
from mdsm_ros.commands.bench.running_node import PROFILE_VARIABLES, START_TIMEOUT, run_camera
from mdsm_ros.demo import BUNDLED_PHOTOGRAPHS
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.ros.node_process import NodeProcess
from mdsm_ros.ros.process.memory import keep_freed_memory
from mdsm_ros.segmenter import Segmenter

SIZES = ("640x480", "1280x720", "1920x1080", "3840x2160")
TRANSPORTS = ("raw", "compressed")
ANSWERS = 20  # by which CPU time is divided
MODEL_RUNS = 5
PHOTOGRAPH = BUNDLED_PHOTOGRAPHS / "kitchen.jpg"
EMPTY_NODE = "mdsm_ros.commands.bench.empty_node"


def node_seconds(transport: str, profile: Path, answers: int = ANSWERS) -> dict[str, float]:
    """CPU seconds of the node without a model per answer, by size of the image.

    Raises:
        BenchError: Node or camera ended early.
    """
    environment = {name: value for name, value in os.environ.items() if name not in PROFILE_VARIABLES}
    environment |= dict.fromkeys(PROFILE_VARIABLES, str(profile))
    parameters = {"image_transport": transport, "image_reliability": "reliable", "device": "cpu"}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "node.log"
        with NodeProcess(log, parameters, {}, environment, module=EMPTY_NODE) as node:
            camera = [sys.executable, "-m", "mdsm_ros.ros.players.step_camera", "--pid", str(node.pid)]
            camera += ["--photograph", str(PHOTOGRAPH), "--sizes", *SIZES, "--answers", str(answers)]
            camera += ["--timeout", str(START_TIMEOUT), *(["--compressed"] if transport == "compressed" else [])]
            measured: dict[str, dict[str, Any]] = json.loads(run_camera(camera, environment, node))
    return {size: found["cpu"] for size, found in measured.items()}


def model_seconds(segmenter: Segmenter, settings: InferenceSettings) -> float:
    """CPU seconds of an answer to a photograph that has the model's size, of which mdsm-small takes a second look."""
    image = np.asarray(Image.fromarray(photograph()).resize((IMAGE_SIZE, IMAGE_SIZE)))
    segmenter.warm_up(settings, (IMAGE_SIZE, IMAGE_SIZE))
    times = []
    for _ in range(MODEL_RUNS):
        begun = time.process_time()
        segmenter.segment(image, QUESTION, settings)
        times.append(time.process_time() - begun)
    return median(times)


def table(model: float, node: Mapping[str, Mapping[str, float]]) -> str:
    """A Markdown table.

    Args:
        model: CPU seconds of the model per answer.
        node: CPU seconds of the node per answer, by transport and size.
    """
    lines = [
        f"CPU time per answer, the model's: {1000 * model:.0f} ms; the node's own, images as rgb8 or JPEG, two masks:",
        "",
        f"| image | node without model (ms) | by the model | node and model, by {SIZES[0]} |",
        "|---" * 4 + "|",
    ]
    for transport, by_size in node.items():
        for size, seconds in by_size.items():
            whole = (model + seconds) / (model + by_size[SIZES[0]])
            lines.append(f"| {size}, {transport} | {1000 * seconds:.1f} | {seconds / model:.2f} | {whole:.2f} |")
    return "\n".join(lines)


def overhead_table(segmenter: Segmenter, settings: InferenceSettings, profile: Path) -> str:
    """Measures model and node, and returns the table.

    Raises:
        BenchError: The node could not be measured.
    """
    node = {transport: node_seconds(transport, profile) for transport in TRANSPORTS}
    keep_freed_memory()  # as the node does, in which the model runs
    return table(model_seconds(segmenter, settings), node)
