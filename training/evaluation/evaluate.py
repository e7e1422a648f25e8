"""``mdsm-evaluate``: segmentation metrics of a model on a dataset split, initial and refined mask side by side.

Masks are compared at the resolution of the dataset's images. :mod:`training.evaluation.analysis` defines the metrics.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from mdsm_ros.arguments import count, refinement_steps
from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.commands.options import check_picture_name, check_refinement
from mdsm_ros.commands.runner import run_command
from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import Figures, calibration_counts, covered_instances, figures_table, intersection_union
from mdsm_ros.errors import CommandError, DatasetError
from mdsm_ros.files import public_name, write_json
from mdsm_ros.inference.answer import STAGES, Segmentation
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.language.several import asks_for_several
from mdsm_ros.models.base import HubModel
from mdsm_ros.pictures.files import write_picture
from mdsm_ros.pictures.overlay import draw_mask, draw_outline
from mdsm_ros.pictures.page import ORDERS, Page, Picture, library_versions, write_page
from mdsm_ros.pictures.sheet import contact_sheet, labelled
from mdsm_ros.segmenter import Segmenter
from training.datasets.view import marked, outline
from training.evaluation.analysis import (
    Answered,
    by_group,
    by_outcome,
    markdown_table,
    summarize_answers,
    traits,
    worst_refinements,
)
from training.evaluation.mistakes import outcome
from training.evaluation.overrides import overridden, read_overrides
from training.evaluation.paired import (
    Comparison,
    comparison_json,
    comparison_page,
    comparison_text,
    differences,
    pair_up,
    scene_of,
)

TOGETHER = 8  # instructions about one image in one call of the model
DEFAULT_MODEL = "mdsm-small"
WORST = 10
SHOWN = 16  # images of each group in the report
TRUTH = np.array((0, 255, 0))


def ask(
    segmenter: Segmenter, data: Dataset, instructions: Sequence[Instruction], settings: InferenceSettings
) -> list[list[Segmentation]]:
    """A segmenter's answers to instructions about one image of a dataset, each stage by stage; deterministic."""
    texts, ids = [i.text for i in instructions], [i.id for i in instructions]
    stages = segmenter.stream_many(data.image(instructions[0].image_id), texts, settings, seeds=ids)
    return [list(answers) for answers in zip(*stages, strict=True)]


def by_image(instructions: Iterable[Instruction]) -> list[list[Instruction]]:
    """Instructions that are answered together: those about one image, at most :data:`TOGETHER`."""
    groups: dict[int, list[Instruction]] = {}
    for instruction in instructions:
        groups.setdefault(instruction.image_id, []).append(instruction)
    return [group[i : i + TOGETHER] for group in groups.values() for i in range(0, len(group), TOGETHER)]


def compare(answers: Sequence[Segmentation], data: Dataset, instruction: Instruction, together: int) -> Answered:
    """Compares the answers to an instruction with the ground truth; ``together`` is how many were answered at once."""
    truth = data.mask(instruction)
    in_view = bool(instruction.annotation_ids)
    return Answered(
        in_view=in_view,
        counts={a.stage: intersection_union(a.mask, truth) for a in answers},
        present=answers[-1].present,
        seconds={a.stage: a.timings["total"] / together for a in answers},
        id=instruction.id,
        score=answers[-1].score,
        calibration={a.stage: calibration_counts(a.probability, truth) for a in answers},
        outcome={a.stage: outcome(a.mask, data, instruction) for a in answers} if in_view else {},
        instances={a.stage: _instances(a, data, instruction) for a in answers} if _has_several(instruction) else {},
        traits=traits(instruction, float(truth.mean())),
    )


def _has_several(instruction: Instruction) -> bool:
    return len(instruction.annotation_ids) > 1


def _instances(found: Segmentation, data: Dataset, instruction: Instruction) -> tuple[int, int, int]:
    """How many true objects are covered, how many there are, and how many the answer has."""
    truth = [data.mask_of(annotation_id) for annotation_id in instruction.annotation_ids]
    return covered_instances([one.mask for one in found.instances], truth), len(truth), len(found.instances)


def evaluate(
    segmenter: Segmenter,
    data: Dataset,
    instructions: Sequence[Instruction],
    settings: InferenceSettings,
    name: str | None = None,
) -> list[Answered]:
    """A segmenter's answers to instructions of a dataset; the progress bar shows ``name``, or the segmenter's.

    Instructions about one image are answered together; the seconds of each are its part of their time.
    """
    found: dict[int, Answered] = {}
    with tqdm(total=len(instructions), desc=name or segmenter.name, unit="instruction", disable=None) as progress:
        for group in by_image(instructions):
            for instruction, answers in zip(group, ask(segmenter, data, group, settings), strict=True):
                found[instruction.id] = compare(answers, data, instruction, len(group))
            progress.update(len(group))
    return [found[instruction.id] for instruction in instructions]


def picture_of_worst(
    segmenter: Segmenter, data: Dataset, answers: Sequence[Answered], settings: InferenceSettings
) -> Image.Image | None:
    """A sheet of the ten largest losses by refinement: initial and refined mask, and the ground truth in green."""
    worst = worst_refinements(answers, WORST)
    by_id = _by_id(data, worst)
    tiles = []
    for answered in worst:
        instruction = by_id[answered.id]
        image, truth = data.image(instruction.image_id), data.mask(instruction)
        for found in ask(segmenter, data, [instruction], settings)[0]:
            picture = marked(image, found.mask)
            picture[outline(truth)] = TRUTH
            tiles.append(labelled(picture, f"{found.stage}, IoU {answered.iou(found.stage):.2f}: {instruction.text}"))
    return contact_sheet(tiles, columns=4) if tiles else None


def page_of(
    segmenter: Segmenter,
    settings: InferenceSettings,
    data: Dataset,
    answers: Sequence[Answered],
    tables: Mapping[str, Mapping[str, Figures]],
    facts: Mapping[str, Any],
) -> Page:
    """The report of an evaluation: its tables, times, and the best and worst answers and refinements."""
    seen = [a for a in answers if a.in_view]
    by_iou = sorted(seen, key=final_iou)
    chosen = {a.id: a for a in (*by_iou[:SHOWN], *by_iou[-SHOWN:], *worst_refinements(answers, SHOWN))}
    by_id = _by_id(data, chosen.values())
    pictures = []
    for answered in chosen.values():
        instruction = by_id[answered.id]
        canvas, found = np.array(data.image(instruction.image_id)), final_iou(answered)
        draw_mask(canvas, ask(segmenter, data, [instruction], settings)[0][-1].mask)
        draw_outline(canvas, data.mask(instruction))
        change = answered.change if "refined" in answered.counts else None
        words = f"IoU {found:.2f}" + ("" if change is None else f", refinement {change:+.2f}")
        pictures.append(Picture(canvas, f"{instruction.text} ({words})", found, change, answered.score))
    return Page(
        title=f"{public_name(segmenter.name)} on {data.root.name}",
        tables=tables,
        faults=None,  # a dataset that cannot be read ends the evaluation
        latencies=[1000 * max(a.seconds.values()) for a in answers],
        timeline={"score": [a.score for a in answers], "IoU": [final_iou(a) if a.in_view else None for a in answers]},
        pictures=pictures,
        facts=facts,
        orders=ORDERS | {"": "the worst, the best, the most spoiled"},
    )


def _by_id(data: Dataset, answers: Iterable[Answered]) -> dict[int, Instruction]:
    """The instructions of some answers by id."""
    wanted = {answered.id for answered in answers}
    return {instruction.id: instruction for instruction in data.instructions if instruction.id in wanted}


def final_iou(answered: Answered) -> float:
    """Of the last stage's mask."""
    return answered.iou(next(stage for stage in reversed(STAGES) if stage in answered.counts))


def _public(by_model: Mapping[str, Any]) -> dict[str, Any]:
    """The results by names without the model's location on this machine."""
    return {public_name(name): content for name, content in by_model.items()}


def untrained(name: str, device: str, seed: int) -> Segmenter:
    """The same architecture and tokenizer with random weights, as a baseline without learning.

    Raises:
        CommandError: This package does not train the model.
    """
    model = load_model(name)
    if not isinstance(model, HubModel):
        raise CommandError(f"--untrained is for models that this package trains, {name} is none")
    torch.manual_seed(seed)
    config = replace(model.config, present_threshold=0.0)  # its score is random and might empty every mask
    return Segmenter(type(model)(config, model.tokenizer), f"{name} untrained", device)


def choose(
    data: Dataset,
    split: str,
    sources: Sequence[str] | None,
    scene: str | None,
    *,
    several: bool = False,
    limit: int | None = None,
) -> list[Instruction]:
    """The first instructions of a split, optionally only those of some sources and scenes or for several objects.

    Raises:
        DatasetError: There is no such instruction.
    """
    fitting = (
        instruction
        for instruction in data.split(split)
        if (sources is None or instruction.source in sources)
        and data.images[instruction.image_id].scene.startswith(scene or "")
        and (not several or _has_several(instruction) or asks_for_several(instruction.text))
    )
    found = list(islice(fitting, limit))
    if not found:
        wanted = f"has source {sources} and scene {scene!r}" + (" and asks for several objects" if several else "")
        raise DatasetError(f"{data.root}: no instruction of split {split!r} {wanted}")
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--model", help=f"name (mdsm models), folder or hub id (default: {DEFAULT_MODEL})")
    parser.add_argument("--data", type=Path, required=True, help="dataset folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--source", nargs="+", help="only instructions of these sources, for example eye")
    parser.add_argument("--scene", help="only images whose scene begins with this text, for example COCO")
    parser.add_argument("--several", action="store_true", help="only instructions that ask for several objects")
    parser.add_argument("--limit", type=count, help="use only the first N instructions")
    parser.add_argument("--steps", type=refinement_steps, help="number of refinement steps (default: the model's)")
    parser.add_argument(
        "--samples", type=count, default=1, help="number of refined masks per answer, which is their mean"
    )
    parser.add_argument(
        "--all-parts",
        action="store_true",
        help="keep all parts of the mask for an instruction about one object: setting one_object is false",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="fields of the model's configuration to change, such as start_timestep=300 or sampler=ddpm",
    )
    parser.add_argument(
        "--compare",
        nargs="+",
        metavar="MODEL",
        help="two models, or one beside --model: report their difference with a 95 %% interval",
    )
    parser.add_argument("--untrained", action="store_true", help="also evaluate the model with random weights")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="JSON file for the metrics, overall and of each instruction")
    parser.add_argument("--worst", type=Path, help=f"picture file for the {WORST} that refinement spoiled most")
    parser.add_argument("--report", type=Path, help="report to write, one HTML file with metrics and images")


def run(args: argparse.Namespace) -> None:
    """Prints the metrics, and writes the requested files.

    Raises:
        CommandError: Options exclude each other, or are for refinement, which the model has not.
    """
    if args.compare is not None:
        _compare(args)
        return
    check_picture_name(args.worst)
    data = Dataset(args.data)
    instructions = choose(data, args.split, args.source, args.scene, several=args.several, limit=args.limit)
    name = args.model or DEFAULT_MODEL
    segmenters = [Segmenter.from_pretrained(name, device=args.device)]
    if args.untrained:
        segmenters.append(untrained(name, args.device, seed=0))
    fields = read_overrides(args.set)
    if args.steps is not None and "num_inference_steps" in fields:
        raise CommandError(f"--set is num_inference_steps beside --steps {args.steps}, expected one of them")
    segmenters = [overridden(segmenter, fields) for segmenter in segmenters]
    wanted = _settings(args, segmenters)
    answers: dict[str, list[Answered]] = {}
    for segmenter, settings in zip(segmenters, wanted, strict=True):
        answers[segmenter.name] = evaluate(segmenter, data, instructions, settings)
    of_first = answers[segmenters[0].name]
    worst = picture_of_worst(segmenters[0], data, of_first, wanted[0]) if args.worst else None
    results = {name: summarize_answers(found) for name, found in answers.items()}
    groups = by_group(of_first)
    if outcomes := by_outcome(of_first):
        groups["the mask shows"] = outcomes
    sizes = sorted({(data.images[i.image_id].width, data.images[i.image_id].height) for i in instructions})
    shown = ", ".join(f"{width}x{height}" for width, height in sizes[:3]) + (", ..." if len(sizes) > 3 else "")
    print(f"{len(instructions)} instructions of {args.split!r}, masks at {shown} pixels\n\n{markdown_table(results)}")
    for name, rows in groups.items():
        print(f"\n{figures_table(name, rows)}")
    if args.report is not None:
        of_model = results[segmenters[0].name]
        masks: dict[str, Figures] = {stage: of_model[stage] for stage in STAGES if stage in of_model}
        tables = {"masks": masks, **groups}
        facts = {"data": public_name(args.data), "split": args.split, "instructions": len(instructions)}
        facts |= {"device": segmenters[0].device} | library_versions()
        page = page_of(segmenters[0], wanted[0], data, of_first, tables, facts)
        write_page(args.report, page)
    if args.out is not None:
        samples = {
            name: [asdict(replace(a, calibration={})) for a in found]  # that is in the metrics
            for name, found in answers.items()
        }
        content = {"metrics": _public(results), "groups": groups, "samples": _public(samples)}
        write_json(args.out, content, indent=2)
    if worst is not None:
        write_picture(args.worst, np.asarray(worst))
    elif args.worst:
        print(f"\nrefinement spoiled no answer: {args.worst} is not written")


def _settings(args: argparse.Namespace, segmenters: Sequence[Segmenter]) -> list[InferenceSettings]:
    """The settings of each model's answers.

    Raises:
        CommandError: An option is about refinement, and no model refines; or about the parts of masks, and all models
            find single objects.
    """
    samples = None if args.samples == 1 else args.samples
    check_refinement(segmenters, steps=args.steps, samples=samples, worst=args.worst)
    if args.all_parts and all(segmenter.finds_objects for segmenter in segmenters):
        raise CommandError("--all-parts is given, expected it only with a model that does not find single objects")
    changes = {"num_samples": args.samples, "num_inference_steps": args.steps, "one_object": not args.all_parts}
    return [segmenter.defaults.updated(**changes) for segmenter in segmenters]


def _compare(args: argparse.Namespace) -> None:
    """Prints how the second model differs from the first, and writes what the options ask for.

    Raises:
        CommandError: There are more than two models, options that are for one, or options for refinement, which none
            has.
    """
    names = args.compare if len(args.compare) > 1 else [args.model or DEFAULT_MODEL, *args.compare]
    if len(names) > 2 or args.untrained or args.worst or args.set:
        raise CommandError(
            f"--compare has {len(args.compare)} models, expected one or two, without --untrained, --worst and --set"
        )
    if args.model and len(args.compare) > 1:
        raise CommandError(f"--model is {args.model!r} beside two models of --compare, expected one of them")
    data = Dataset(args.data)
    instructions = choose(data, args.split, args.source, args.scene, several=args.several, limit=args.limit)
    segmenters = [Segmenter.from_pretrained(name, device=args.device) for name in names]
    wanted = _settings(args, segmenters)
    first, second = (
        evaluate(segmenter, data, instructions, settings)
        for segmenter, settings in zip(segmenters, wanted, strict=True)
    )
    comparison = Comparison(data, pair_up(instructions, first, second), segmenters, wanted)
    rows = differences(comparison.pairs, scene_of(data))
    print(comparison_text(comparison, rows))
    facts = {"data": public_name(args.data), "split": args.split, "device": segmenters[0].device}
    if args.out is not None:
        write_json(args.out, comparison_json(comparison, rows, facts), indent=2)
    if args.report is not None:
        write_page(args.report, comparison_page(comparison, {comparison.title: rows}, facts))


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of ``mdsm-evaluate``."""
    return run_command("mdsm-evaluate", "training.evaluation.evaluate", argv)


if __name__ == "__main__":
    raise SystemExit(main())
