"""Answers one instruction about one image."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdsm_ros.commands.options import (
    add_model_arguments,
    add_picture_arguments,
    check_picture_name,
    load_segmenter,
)

if TYPE_CHECKING:
    from mdsm_ros.inference.answer import Segmentation
    from mdsm_ros.segmenter import Segmenter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_picture_arguments(parser)
    add_model_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="seed of the refinement's noise (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="file for the overlay (default: IMAGE_overlay.png in this folder)")
    parser.add_argument("--mask", type=Path, help="file for the mask, 0 and 255 (default: not written)")
    parser.add_argument("--json", action="store_true", help="print the answer as one line of JSON")


def run(args: argparse.Namespace) -> int:
    """Writes the overlay and prints the answer."""
    from mdsm_ros.files import to_json
    from mdsm_ros.inference.answer import validate_instruction
    from mdsm_ros.pictures.files import read_picture, write_picture
    from mdsm_ros.pictures.overlay import draw_overlay

    instruction = validate_instruction(args.instruction)
    image = read_picture(args.image)
    out = args.out or Path(f"{args.image.stem}_overlay.png")
    check_picture_name(out)
    check_picture_name(args.mask)
    segmenter = load_segmenter(args.model, args.device, one_answer=True)
    answer = segmenter.segment(image, instruction, num_inference_steps=args.steps, seed=args.seed)
    write_picture(out, draw_overlay(image, answer, instruction))
    if args.mask is not None:
        write_picture(args.mask, answer.mask.astype("uint8") * 255)
    notes = notes_of(segmenter, instruction)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    summary = _summary(answer, instruction) | {
        "notes": notes,
        "model": segmenter.name,
        "device": segmenter.device,
        "overlay": str(out),
    }
    print(to_json(summary) if args.json else _sentence(summary))
    return 0


def notes_of(segmenter: Segmenter, instruction: str) -> list[str]:
    """Warnings about limits of the model that apply to the instruction."""
    from mdsm_ros.language.limits import limits_of
    from mdsm_ros.models.interface import DetectingModel, ReadingModel

    model = segmenter.model
    understood = not isinstance(model, ReadingModel) or model.understands(instruction)
    vocabulary = getattr(getattr(model, "language", None), "vocabulary", None)  # only our models have one
    finds_several = isinstance(model, DetectingModel)
    return limits_of(instruction, understood=understood, vocabulary=vocabulary, finds_several=finds_several)


def _summary(answer: Segmentation, instruction: str) -> dict[str, Any]:
    return {
        "instruction": instruction,
        "present": answer.present,
        "score": round(answer.score, 4),
        "stage": answer.stage,
        "pixels": int(answer.mask.sum()),
        "bbox": None if answer.box is None else list(answer.box),
        "objects": [
            {"bbox": list(one.box), "pixels": one.area, "score": round(one.score, 4)} for one in answer.instances
        ],
        "timings": {name: round(seconds, 4) for name, seconds in answer.timings.items()},
    }


def _sentence(summary: dict[str, Any]) -> str:
    if not summary["present"]:
        found = "not in view"
    elif summary["bbox"] is None:
        found = "in view, but no pixel is certain enough to be marked"
    else:
        number = len(summary["objects"])
        found = f"{f'{number} objects, ' if number > 1 else ''}{summary['pixels']} pixels in {summary['bbox']}"
        found = f"{found} (x, y, width, height)"
    return (
        f"{found}, score {summary['score']:.2f}, {summary['stage']} in {summary['timings']['total']:.2f} s "
        f"on {summary['device']}; overlay: {summary['overlay']}"
    )
