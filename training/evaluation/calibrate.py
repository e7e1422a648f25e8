"""``mdsm-calibrate``: metrics of each present_threshold on held-out data, and the threshold to use.

Below the threshold an answer is "not in view" and its mask empty. gIoU counts both kinds of instructions: the IoU of
those whose target is in view, 0 where it is denied; 1 for one that names nothing in view and is told so, else 0.
The threshold is changed if another one is clearly better by gIoU, or if it denies more than one of ten targets.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mdsm_ros.arguments import count
from mdsm_ros.commands.runner import run_command
from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.files import write_json
from mdsm_ros.hub.folder import CONFIG_FILE
from mdsm_ros.inference.answer import STAGES
from mdsm_ros.segmenter import Segmenter
from training.evaluation.analysis import Answered
from training.evaluation.evaluate import evaluate

THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(20))
LEAST_TARGET_ACCURACY = 0.9  # gIoU alone would deny most targets of a model whose masks are poor
NOISE = 0.01  # of gIoU: one or two of 150 instructions


def curve(answers: Sequence[Answered], thresholds: Sequence[float] = THRESHOLDS) -> dict[float, Figures]:
    """Computes the metrics of each threshold from answers given with threshold 0.

    "precision" and "recall" refer to "not in view": the fraction of the answers "not in view" that are right, and the
    fraction of the absent targets that are reported as absent.
    """
    stage = STAGES[-1] if all(STAGES[-1] in a.counts for a in answers) else STAGES[0]
    in_view = np.array([a.in_view for a in answers])
    scores = np.array([a.score for a in answers])
    ious = np.array([a.iou(stage) for a in answers])
    result: dict[float, Figures] = {}
    for threshold in thresholds:
        denied = scores < threshold
        rejected = int((denied & ~in_view).sum())
        gains = np.where(in_view, np.where(denied, 0.0, ious), denied)
        result[threshold] = {
            "precision": rejected / max(1, int(denied.sum())),
            "recall": rejected / max(1, int((~in_view).sum())),
            "target accuracy": float((~denied)[in_view].mean()) if in_view.any() else 0.0,
            "gIoU": float(gains.mean()),
        }
    return result


def best_threshold(figures: Mapping[float, Figures], current: float) -> float:
    """The threshold nearest to the current one whose gIoU is among the best.

    "Among the best" is within :data:`NOISE` of the highest gIoU. Only thresholds that keep
    :data:`LEAST_TARGET_ACCURACY` count; if none does, because the masks themselves are empty, those that keep the most.
    """
    kept = {threshold: row for threshold, row in figures.items() if row["target accuracy"] >= LEAST_TARGET_ACCURACY}
    most = max(row["target accuracy"] for row in figures.values())
    allowed = kept or {threshold: row for threshold, row in figures.items() if row["target accuracy"] == most}
    best = max(row["gIoU"] for row in allowed.values())
    near = (threshold for threshold, row in allowed.items() if row["gIoU"] >= best - NOISE)
    return min(near, key=lambda threshold: abs(threshold - current))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--data", type=Path, required=True, help="dataset folder; not the one for the reported metrics")
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=count, help="use only the first N instructions")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--write", action="store_true", help=f"write the best threshold to the model's {CONFIG_FILE}")


def run(args: argparse.Namespace) -> None:
    """Prints the metrics of each threshold, and writes the best one to the model if requested."""
    data = Dataset(args.data)
    instructions = data.split(args.split)[: args.limit]
    segmenter = Segmenter.from_pretrained(args.model, device=args.device, local_files_only=True)
    settings = replace(segmenter.defaults, present_threshold=0.0)
    answers = evaluate(segmenter, data, instructions, settings)
    figures = curve(answers)
    best = best_threshold(figures, segmenter.defaults.present_threshold)
    print(figures_table("present_threshold", {f"{threshold:.2f}": row for threshold, row in figures.items()}))
    print(f"\nchosen by gIoU on {len(instructions)} instructions of {args.split!r}: {best}")
    if args.write:
        path = args.model / CONFIG_FILE
        config = json.loads(path.read_text(encoding="utf-8"))
        write_json(path, config | {"present_threshold": best}, indent=2)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``mdsm-calibrate``."""
    return run_command("mdsm-calibrate", "training.evaluation.calibrate", argv)


if __name__ == "__main__":
    raise SystemExit(main())
