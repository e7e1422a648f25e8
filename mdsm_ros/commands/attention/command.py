"""Shows where a model looks for each word of an instruction, or its mask after each step of refinement.

With --timestep, a VPD answers at several levels of noise that is added at inference only, whatever it was trained with:
one row for each, with the image under that much noise, the answer, and the attention to each word.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.arguments import count, noise_timestep
from mdsm_ros.commands.options import (
    add_model_arguments,
    add_picture_arguments,
    check_picture_name,
    load_segmenter,
)

STEPS = 4  # shown if no number is given


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_picture_arguments(parser)
    add_model_arguments(parser, steps=False)
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "--timestep",
        type=noise_timestep,
        nargs="+",
        metavar="T",
        help="show the answers of a VPD at noise levels from 0 (none) to 999 instead, for example 0 5 100 500",
    )
    shown.add_argument(
        "--steps",
        type=count,
        nargs="?",
        const=STEPS,
        metavar="N",
        help="show the noisy mask and the found mask of each of N refinement steps instead (default: 4)",
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
    if args.timestep is not None:
        from mdsm_ros.commands.attention.noise import noise_sheet

        sheet = noise_sheet(segmenter, image, instruction, args.timestep)
    elif args.steps is not None:
        from mdsm_ros.commands.attention.steps import steps_sheet

        sheet = steps_sheet(segmenter, image, instruction, args.steps)
    else:
        from mdsm_ros.commands.attention.maps import attention_sheet

        sheet = attention_sheet(segmenter, image, instruction)
    write_picture(out, sheet)
    print(out)
    return 0
