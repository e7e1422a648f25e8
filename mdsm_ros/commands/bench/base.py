"""What stage 1 of mdsm-base costs against LAVT-base, by values of its configuration.

``python -m mdsm_ros.commands.bench.base`` counts operations without computing anything; ``--time`` also measures the
CPU time with random weights, which takes minutes and some GB of memory.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from mdsm_ros.arguments import count
from mdsm_ros.commands.bench.curves.curve import cpu_milliseconds
from mdsm_ros.commands.bench.curves.systems import random_model
from mdsm_ros.commands.bench.latency import INSTRUCTION
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.mdsm.network import MDSM

TOKENS = 20  # of an instruction
REFERENCE, OURS = "lavt-base", "mdsm-base"
VARIANTS: tuple[Mapping[str, Any], ...] = (
    {},
    {"clip_input_size": 336},
    {"clip_input_size": 224},
    {"decoder_last_channels": 256},
    {"decoder_last_channels": 128},
    {"decoder_last_channels": 256, "clip_input_size": 336},
    {"decoder_last_channels": 128, "clip_input_size": 336},
    {"decoder_last_channels": 256, "clip_input_size": 224},
    {"finest_level": 1},
)


def gigaflops(preset: str, changes: Mapping[str, Any]) -> tuple[float, float | None]:
    """Operations of stage 1 and of one refinement step in 10^9, a multiplication and an addition counted as two.

    The language encoder, which runs once per instruction, is not counted.

    Nothing is computed: the network has no memory behind its values.
    """
    with torch.device("meta"):
        model = random_model(preset, **changes)
        images = torch.rand(1, 3, model.config.image_size, model.config.image_size)
        words = torch.rand(1, TOKENS, model.config.bert_hidden_size)
        text = TextFeatures(words, torch.ones(1, TOKENS, dtype=torch.bool))
    with torch.inference_mode():
        with FlopCounterMode(display=False) as counter:
            initial = model.initial(images, text)
        stage_one = counter.get_total_flops() / 1e9
        if not isinstance(model, MDSM):
            return stage_one, None
        with FlopCounterMode(display=False) as counter:
            model.refine(initial.features, initial.logits, 1)
    return stage_one, counter.get_total_flops() / 1e9


def cpu_seconds(preset: str, changes: Mapping[str, Any], runs: int) -> float:
    """CPU seconds of stage 1 with random weights."""
    model: HubModel = random_model(preset, **changes)
    images = torch.rand(1, 3, model.config.image_size, model.config.image_size)
    with torch.inference_mode():
        text = model.encode_text([INSTRUCTION])
        return cpu_milliseconds(lambda: model.initial(images, text), runs) / 1000


def table(rows: Sequence[tuple[str, Mapping[str, Any]]], runs: int | None) -> str:
    """Markdown, with ratios to the first row.

    Args:
        rows: Presets with changed fields.
        runs: Number of runs whose least CPU time counts; None to count operations only.
    """
    heads = ["stage 1 (GFLOP)", "ratio", "refinement step (GFLOP)", *(["CPU (s)", "ratio"] if runs else [])]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    first: list[float] = []
    for preset, changes in rows:
        stage_one, step = gigaflops(preset, changes)
        seconds = cpu_seconds(preset, changes, runs) if runs else None
        first = first or [stage_one, seconds or 1.0]
        cells = [f"{stage_one:.0f}", f"{stage_one / first[0]:.2f}", "" if step is None else f"{step:.0f}"]
        cells += [] if seconds is None else [f"{seconds:.2f}", f"{seconds / first[1]:.2f}"]
        name = ", ".join([preset, *(f"{field} {value}" for field, value in changes.items())])
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def values(text: str) -> dict[str, int]:
    """Parses FIELD=NUMBER,FIELD=NUMBER; nothing for the preset as it is."""
    return {field: int(number) for field, _, number in (part.partition("=") for part in text.split(",") if part)}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m mdsm_ros.commands.bench.base", description=__doc__)
    parser.add_argument("--time", type=count, metavar="RUNS", help="also measure the CPU time, the least of RUNS runs")
    parser.add_argument(
        "--values",
        type=values,
        nargs="+",
        default=VARIANTS,
        metavar="FIELD=NUMBER,...",
        help="fields of mdsm-base's configuration in each row; '' for none (default: nine rows)",
    )
    args = parser.parse_args(argv)
    print(table([(REFERENCE, {}), *((OURS, changes) for changes in args.values)], args.time))
    return 0


if __name__ == "__main__":
    sys.exit(main())
