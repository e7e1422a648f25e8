"""``mdsm-evaluate``: segmentation metrics of a model on a dataset split, initial and refined mask side by side.

Masks are compared at the resolution of the dataset's images. :mod:`training.analysis` defines the metrics.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from mdsm_ros.annotations import Dataset, DatasetError, Instruction
from mdsm_ros.hub import HubModel, WeightsError
from mdsm_ros.metrics import calibration_counts, intersection_union
from mdsm_ros.pretrained import load_model
from mdsm_ros.segmenter import Segmentation, Segmenter
from training.analysis import (
    Answered,
    by_group,
    figures_table,
    markdown_table,
    summarize_answers,
    traits,
    worst_refinements,
)
from training.view import contact_sheet, labelled, marked, outline

WORST = 10
TRUTH = np.array((0, 255, 0))


def ask(segmenter: Segmenter, data: Dataset, instruction: Instruction) -> list[Segmentation]:
    """A segmenter's answers to an instruction of a dataset, stage by stage; the same ones every time."""
    return list(segmenter.stream(data.image(instruction.image_id), instruction.text, seed=instruction.id))


def answer(segmenter: Segmenter, data: Dataset, instruction: Instruction) -> Answered:
    """Asks a segmenter one instruction of a dataset and compares with the truth."""
    truth = data.mask(instruction)
    answers = ask(segmenter, data, instruction)
    return Answered(
        in_view=bool(instruction.annotation_ids),
        counts={a.stage: intersection_union(a.mask, truth) for a in answers},
        present=answers[-1].present,
        seconds={a.stage: a.timings["total"] for a in answers},
        id=instruction.id,
        score=answers[-1].score,
        calibration={a.stage: calibration_counts(a.probability, truth) for a in answers},
        traits=traits(instruction.expressions, instruction.words, instruction.distractors, float(truth.mean())),
    )


def evaluate(segmenter: Segmenter, data: Dataset, instructions: Sequence[Instruction]) -> list[Answered]:
    """A segmenter's answers to instructions of a dataset."""
    progress = tqdm(instructions, desc=segmenter.name, unit="instruction", disable=None)
    return [answer(segmenter, data, instruction) for instruction in progress]


def picture_of_worst(segmenter: Segmenter, data: Dataset, answers: Sequence[Answered]) -> Image.Image | None:
    """A sheet of the ten answers that refinement spoiled most: initial and refined mask, and in green the truth."""
    by_id = {instruction.id: instruction for instruction in data.instructions}
    tiles = []
    for answered in worst_refinements(answers, WORST):
        instruction = by_id[answered.id]
        image, truth = data.image(instruction.image_id), data.mask(instruction)
        for found in ask(segmenter, data, instruction):
            picture = marked(image, found.mask)
            picture[outline(truth)] = TRUTH
            tiles.append(labelled(picture, f"{found.stage}, IoU {answered.iou(found.stage):.2f}: {instruction.text}"))
    return contact_sheet(tiles, columns=4) if tiles else None


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


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mdsm-evaluate``."""
    parser = argparse.ArgumentParser(prog="mdsm-evaluate", description=__doc__)
    parser.add_argument("--model", default="mdsm-tiny", help="embedded name, folder or hub id")
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, help="the first so many instructions")
    parser.add_argument("--steps", type=int, help="refinement steps (default: the model's)")
    parser.add_argument("--samples", type=int, default=1, help="refinements whose mean is the answer")
    parser.add_argument("--untrained", action="store_true", help="the same model with random weights too")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="JSON file for the figures, and each instruction's")
    parser.add_argument("--worst", type=Path, help=f"picture file for the {WORST} that refinement spoiled most")
    args = parser.parse_args(argv)
    try:
        data = Dataset(args.data)
        instructions = data.split(args.split)[: args.limit]
        segmenters = [Segmenter.from_pretrained(args.model, device=args.device)]
        if args.untrained:
            segmenters.append(untrained(args.model, args.device, seed=0))
        answers = {}
        for segmenter in segmenters:
            segmenter.num_samples = args.samples
            if args.steps is not None:
                segmenter.num_inference_steps = args.steps
            answers[segmenter.name] = evaluate(segmenter, data, instructions)
        worst = picture_of_worst(segmenters[0], data, answers[segmenters[0].name]) if args.worst else None
    except (DatasetError, WeightsError, ValueError) as error:
        print(f"mdsm-evaluate: {error}", file=sys.stderr)
        return 2
    results = {name: summarize_answers(found) for name, found in answers.items()}
    groups = by_group(answers[segmenters[0].name])
    sizes = sorted({(data.images[i.image_id].width, data.images[i.image_id].height) for i in instructions})
    shown = ", ".join(f"{width}x{height}" for width, height in sizes[:3]) + (", ..." if len(sizes) > 3 else "")
    print(f"{len(instructions)} instructions of {args.split!r}, masks at {shown} pixels\n\n{markdown_table(results)}")
    for name, rows in groups.items():
        print(f"\n{figures_table(name, rows)}")
    if args.out is not None:
        samples = {
            name: [asdict(replace(a, calibration={})) for a in found]  # that is in the metrics
            for name, found in answers.items()
        }
        content = {"metrics": results, "groups": groups, "samples": samples}
        args.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if worst is not None:
        worst.save(args.worst)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
