"""``mdsm-data ask``: how well questions about ambiguous instructions serve, and what relations are worth to a detector.

Takes a dataset that annotates every object, such as one of ``mdsm-data homes``. Every instruction with one target in
view is asked as it is; it is clear. Those whose target has others of its category in view are asked once more without
their deciding clauses ("get the cup"); these are ambiguous. A simulated person answers the questions. ``--model``
finds the objects. With ``--model true`` the true objects stand in for a perfect detector, all with the same score.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mdsm_ros.arguments import count, positive_number, refinement_steps, share
from mdsm_ros.commands.options import check_refinement
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.metrics import figures_table
from mdsm_ros.errors import CommandError, DatasetError
from mdsm_ros.files import public_name, write_json
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.segmenter import Segmenter
from training.evaluation.asking.instructions import Asked, asked_of
from training.evaluation.asking.judge import FOUND, Conditions, judge

TRUE = "true"
GROUPS = ("ambiguous", "clear, others of its category in view", "clear, alone of its category", "clear")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--data", type=Path, required=True, help="dataset folder; every object must be annotated")
    parser.add_argument("--split", default="test")
    parser.add_argument(
        "--model",
        default="mdsm-small",
        help="embedded name, folder or hub id; true: the true objects stand in for a detector (default: %(default)s)",
    )
    parser.add_argument("--steps", type=refinement_steps, help="refinement steps (default: the model's)")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--limit", type=count, default=150, help="number of instructions, half of them ambiguous (default: %(default)s)"
    )
    parser.add_argument(
        "--margin",
        type=share,
        default=InferenceSettings().ask_margin,
        help="as the node's parameter ask_margin (default: %(default)s)",
    )
    parser.add_argument("--boxes", action="store_true", help="with --model true: boxes instead of masks")
    parser.add_argument("--no-depth", action="store_true", help="judge relations in the image alone")
    parser.add_argument("--max-seconds", type=positive_number, help="end after so many seconds with what was judged")
    parser.add_argument("--out", type=Path, help="JSON file for the metrics and for each instruction's")


def run(args: argparse.Namespace) -> int:
    """Prints the metrics; returns the exit status."""
    data = Dataset(args.data)
    chosen = choose(list(asked_of(data, data.split(args.split))), args.limit)
    if not chosen:
        raise DatasetError(f"{args.data}: no instruction of split {args.split!r} has one target in view")
    segmenter = None if args.model == TRUE else Segmenter.from_pretrained(args.model, device=args.device)
    if args.boxes and segmenter is not None:
        raise CommandError(f"--boxes is for --model {TRUE}, --model is {args.model}")
    for name, value, unset in (("steps", args.steps, None), ("device", args.device, "auto")):
        if segmenter is None and value != unset:
            raise CommandError(f"--{name} is {value}, expected none with --model {TRUE}: no model answers")
    if segmenter is not None:
        check_refinement([segmenter], steps=args.steps)
    conditions = Conditions(segmenter, args.margin, not args.no_depth, args.boxes, args.steps)
    records: list[dict[str, Any]] = []
    began = time.monotonic()
    for asked in tqdm(chosen, desc=public_name(args.model), unit="instruction", disable=None):
        if args.max_seconds is not None and time.monotonic() - began > args.max_seconds:
            break
        records.append(judge(data, asked, conditions))
    metrics = summarize(records)
    print(f"{len(records)} instructions of {args.split!r}, margin {args.margin}\n")
    print(figures_table("instructions", metrics))
    if args.out is not None:
        write_json(args.out, {"margin": args.margin, "metrics": metrics, "records": records}, indent=2)
    return 0


def choose(asked: Sequence[Asked], limit: int) -> list[Asked]:
    """Selects instructions from all images: half ambiguous, a quarter clear with rivals in view, a quarter without."""
    groups = [
        [one for one in asked if one.ambiguous],
        [one for one in asked if not one.ambiguous and one.rivals > 0],
        [one for one in asked if not one.ambiguous and one.rivals == 0],
    ]
    numbers = (limit - 2 * (limit // 4), limit // 4, limit // 4)
    spread = [_spread(group, number) for group, number in zip(groups, numbers, strict=True)]
    return [one for several in zip_longest(*spread) for one in several if one is not None]


def _spread(group: Sequence[Asked], number: int) -> list[Asked]:
    """Returns ``number`` instructions of a group, evenly spaced."""
    places = np.unique(np.linspace(0, len(group) - 1, min(number, len(group))).astype(int)) if group else ()
    return [group[int(i)] for i in places]


def summarize(records: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Computes the metrics of each group of instructions.

    Returns:
        For each group: number of instructions, fraction with a question, and mIoU and P@0.5 of the three masks that
        :func:`training.evaluation.asking.judge.judge` describes.
    """
    groups = {
        GROUPS[0]: [r for r in records if r["ambiguous"]],
        GROUPS[1]: [r for r in records if not r["ambiguous"] and r["rivals"] > 0],
        GROUPS[2]: [r for r in records if not r["ambiguous"] and r["rivals"] == 0],
        GROUPS[3]: [r for r in records if not r["ambiguous"]],
    }
    return {name: _metrics(group) for name, group in groups.items() if group}


def _metrics(group: Sequence[dict[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {"instructions": len(group)}
    found["asked"] = _mean([r["question"] is not None for r in group])
    found["target among the candidates"] = _mean([r["found"] for r in group])
    for key, name in (("own", "without"), ("picked", "picked by relations"), ("replied", "after the reply")):
        found[f"mIoU {name}"] = _mean([r[key] for r in group])
        found[f"P@0.5 {name}"] = _mean([r[key] >= FOUND for r in group])
    return found


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 3)
