"""``mdsm-evaluate``: segmentation metrics of a model on a dataset split, initial and refined mask side by side.

mIoU, oIoU and P@X are over the instructions whose target is in view, at the resolution of the dataset's images;
where the model answers "not in view", its mask is empty and the IoU 0. gIoU counts all instructions: one that names
nothing in view scores 1 if the model says so, else 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from mdsm_ros.annotations import Dataset, DatasetError, Instruction
from mdsm_ros.hub import HubModel, WeightsError
from mdsm_ros.metrics import intersection_union, summarize
from mdsm_ros.pretrained import load_model
from mdsm_ros.segmenter import Segmentation, Segmenter

STAGES = ("initial", "refined")
WIN_MARGIN = 0.01  # IoU; smaller differences count as neither win nor loss


@dataclass(frozen=True)
class Answered:
    """One instruction's answers, stage by stage: (intersection, union), presence, and seconds until the mask."""

    in_view: bool
    counts: dict[str, tuple[int, int]]
    present: bool
    seconds: dict[str, float]


def answer(segmenter: Segmenter, data: Dataset, instruction: Instruction) -> Answered:
    """Asks a segmenter one instruction of a dataset and compares with the truth."""
    truth = data.mask(instruction)
    counts: dict[str, tuple[int, int]] = {}
    seconds: dict[str, float] = {}
    last: Segmentation | None = None
    for last in segmenter.stream(data.image(instruction.image_id), instruction.text, seed=instruction.id):
        counts[last.stage] = intersection_union(last.mask, truth)
        seconds[last.stage] = last.timings["total"]
    assert last is not None
    return Answered(bool(instruction.annotation_ids), counts, last.present, seconds)


def summarize_answers(answers: Sequence[Answered]) -> dict[str, dict[str, float]]:
    """Metrics of every stage over all answers, and "refinement": how refined masks compare with initial ones."""
    result: dict[str, dict[str, float]] = {}
    seen = [a for a in answers if a.in_view]
    unseen = [a for a in answers if not a.in_view]
    for stage in STAGES:
        if not all(stage in a.counts for a in answers):
            continue
        figures = summarize([a.counts[stage] for a in seen])
        rejected = [float(not a.present) for a in unseen]
        figures["gIoU"] = float(np.mean([i / u if u else 0.0 for i, u in (a.counts[stage] for a in seen)] + rejected))
        if unseen:
            figures["no-target accuracy"] = float(np.mean(rejected))
        if seen:
            figures["target accuracy"] = float(np.mean([a.present for a in seen]))
        figures["median seconds"] = float(np.median([a.seconds[stage] for a in answers]))
        result[stage] = figures
    if "refined" in result and seen:
        change = np.array([_iou(a, "refined") - _iou(a, "initial") for a in seen])
        result["refinement"] = {
            "mIoU gain": float(change.mean()),
            "wins": float((change > WIN_MARGIN).sum()),
            "losses": float((change < -WIN_MARGIN).sum()),
        }
    return result


def _iou(answered: Answered, stage: str) -> float:
    intersection, union = answered.counts[stage]
    return intersection / union if union else 0.0


def evaluate(segmenter: Segmenter, data: Dataset, instructions: Sequence[Instruction]) -> dict[str, dict[str, float]]:
    """Metrics of a segmenter on instructions of a dataset."""
    progress = tqdm(instructions, desc=segmenter.name, unit="instruction", disable=None)
    return summarize_answers([answer(segmenter, data, instruction) for instruction in progress])


def untrained(name: str, device: str, seed: int) -> Segmenter:
    """The same architecture and tokenizer with random weights: what the metrics are worth without learning."""
    model = load_model(name)
    assert isinstance(model, HubModel)
    torch.manual_seed(seed)
    segmenter = Segmenter(
        type(model)(model.config, model.tokenizer),  # type: ignore[call-arg]
        f"{name} untrained",
        device,
    )
    segmenter.present_threshold = 0.0  # its presence score knows nothing and might empty every mask
    return segmenter


def markdown_table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Rows: model and stage; columns: metrics."""
    rows = [(f"{model}, {stage}", f) for model, r in results.items() for stage, f in r.items() if stage in STAGES]
    columns = list(dict.fromkeys(key for _, figures in rows for key in figures))
    lines = ["| model | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join(f"{figures[c]:.3f}" if c in figures else "" for c in columns) + " |"
        for name, figures in rows
    ]
    for model, result in results.items():
        if "refinement" in result:
            change = result["refinement"]
            lines += [
                "",
                f"{model}: refinement changes mIoU by {change['mIoU gain']:+.4f}, "
                f"{change['wins']:.0f} wins, {change['losses']:.0f} losses (|change| > {WIN_MARGIN}).",
            ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mdsm-evaluate``."""
    parser = argparse.ArgumentParser(prog="mdsm-evaluate", description=__doc__)
    parser.add_argument("--model", default="mdsm-tiny", help="embedded name, folder or hub id")
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, help="the first so many instructions")
    parser.add_argument("--steps", type=int, help="refinement steps (default: the model's)")
    parser.add_argument("--untrained", action="store_true", help="the same model with random weights too")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    args = parser.parse_args(argv)
    try:
        data = Dataset(args.data)
        instructions = data.split(args.split)[: args.limit]
        segmenters = [Segmenter.from_pretrained(args.model, device=args.device)]
        if args.untrained:
            segmenters.append(untrained(args.model, args.device, seed=0))
        results = {}
        for segmenter in segmenters:
            if args.steps is not None:
                segmenter.num_inference_steps = args.steps
            results[segmenter.name] = evaluate(segmenter, data, instructions)
    except (DatasetError, WeightsError, ValueError) as error:
        print(f"mdsm-evaluate: {error}", file=sys.stderr)
        return 2
    print(f"{len(instructions)} instructions of {args.split!r}\n\n{markdown_table(results)}")
    if args.out is not None:
        args.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
