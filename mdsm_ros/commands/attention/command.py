"""Shows where a model looks for each word of an instruction, or its mask after each step of refinement."""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.arguments import count
from mdsm_ros.commands.options import (
    add_model_arguments,
    add_picture_arguments,
    check_picture_name,
    load_segmenter,
)

OF_MODEL = 0  # number of steps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_picture_arguments(parser)
    add_model_arguments(parser, steps=False)
    parser.add_argument(
        "--steps",
        type=count,
        nargs="?",
        const=OF_MODEL,
        metavar="N",
        help="show the noisy mask and the found mask of each of N refinement steps instead (default: the model's N)",
    )
    parser.add_argument("--out", type=Path, help="file to write (default: IMAGE_attention.png in this folder)")


def run(args: argparse.Namespace) -> int:
    """Writes the sheet and prints its name."""
    from mdsm_ros.extras import require
    from mdsm_ros.inference.answer import validate_instruction
    from mdsm_ros.pictures.files import read_picture, write_picture

    require("torch", purpose="mdsm attention")
    instruction = validate_instruction(args.instruction)
    image = read_picture(args.image)
    out = args.out or Path(f"{args.image.stem}_attention.png")
    check_picture_name(out)
    segmenter = load_segmenter(args.model, args.device, one_answer=True)
    if args.steps is None:
        from mdsm_ros.commands.attention.maps import attention_sheet

        sheet = attention_sheet(segmenter, image, instruction)
    else:
        from mdsm_ros.commands.attention.steps import steps_sheet

        sheet = steps_sheet(segmenter, image, instruction, args.steps or segmenter.defaults.num_inference_steps)
    write_picture(out, sheet)
    print(out)
    return 0
