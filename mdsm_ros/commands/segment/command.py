"""Answers one instruction about images, videos or a camera.

The model is loaded once for all of them. Of a single image, the overlay is written to the current folder. For anything
else, --out and --mask are folders: NAME_overlay.jpg and NAME_mask.png of each image, NAME_overlay.mp4 and masks of all
frames of a video or camera. A camera is answered until Ctrl-C ends the command.

Exit code 0: everything is answered. 1: some of several inputs could not be read or answered; the others are answered.
2: something that you can put right.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mdsm_ros.arguments import count
from mdsm_ros.commands.options import add_model_arguments, check_picture_name, check_refinement, load_segmenter
from mdsm_ros.commands.segment.inputs import Input, Kind, find_inputs, is_one_image
from mdsm_ros.errors import CommandError, StorageError

if TYPE_CHECKING:
    from mdsm_ros.commands.segment.work import Work

OUT = Path("segment_output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "source",
        nargs="+",
        help="images, videos, folders of them, patterns such as 'photos/**/*.jpg', or a camera: 0, /dev/video0",
    )
    parser.add_argument("instruction", help='instruction, for example "get the pillow nearest to the radio"')
    add_model_arguments(parser)
    parser.add_argument("--seed", type=int, help="seed of the refinement's noise (default: 0)")
    parser.add_argument(
        "--out", type=Path, help=f"file for the overlay of one image, else folder (default: IMAGE_overlay.png, {OUT})"
    )
    parser.add_argument(
        "--mask", type=Path, help="file for the mask of one image, 0 and 255, else folder (default: not written)"
    )
    parser.add_argument("--every", type=count, help="answer only each n-th frame of videos and cameras (default: 1)")
    parser.add_argument("--frames", type=count, help="most frames to answer of each video or camera (default: all)")
    parser.add_argument("--json", action="store_true", help="print each answer as one line of JSON")


def run(args: argparse.Namespace) -> int:
    """Writes the overlays and prints the answers; returns the exit code."""
    from mdsm_ros.inference.answer import validate_instruction

    if os.path.isfile(args.instruction):
        raise CommandError(f"instruction is {args.instruction!r}, a file, expected a sentence after the last file")
    instruction = validate_instruction(args.instruction)
    return _run_one(args, instruction) if is_one_image(args.source) else _run_all(args, instruction)


def _run_one(args: argparse.Namespace, instruction: str) -> int:
    from mdsm_ros.files import to_json
    from mdsm_ros.pictures.files import read_picture

    _expect_videos(args, [])
    source = args.source[0]
    image = read_picture(Path(source))
    overlay = args.out or Path(f"{Path(source).stem}_overlay.png")
    check_picture_name(overlay)
    check_picture_name(args.mask)
    work = _work(args, instruction, one_answer=True)
    from mdsm_ros.commands.segment.answers import sentence_of

    summary = work.answer_image(source, image, overlay, args.mask)
    print(to_json(summary) if args.json else sentence_of(summary))
    return 0


def _run_all(args: argparse.Namespace, instruction: str) -> int:
    inputs = find_inputs(args.source)
    _expect_videos(args, inputs)
    out = args.out or OUT
    for folder in (out, args.mask):
        _make_folder(folder)
    work = _work(args, instruction, one_answer=False)
    from mdsm_ros.commands.segment.many import Outputs, answer_all

    return answer_all(work, inputs, Outputs(out, args.mask, args.json), every=args.every or 1, most=args.frames)


def _expect_videos(args: argparse.Namespace, inputs: Sequence[Input]) -> None:
    """Checks that options about the frames of videos have a video or a camera to act on.

    Raises:
        CommandError: All inputs are images.
    """
    if any(one.kind is not Kind.IMAGE for one in inputs):
        return
    for name, value in (("every", args.every), ("frames", args.frames)):
        if value is not None:
            raise CommandError(f"--{name} is {value}, expected it only with a video or a camera: all inputs are images")


def _work(args: argparse.Namespace, instruction: str, *, one_answer: bool) -> Work:
    segmenter = load_segmenter(args.model, args.device, one_answer=one_answer)
    check_refinement([segmenter], steps=args.steps, seed=args.seed)
    from mdsm_ros.commands.segment.work import Work

    work = Work(segmenter, instruction, args.steps, args.seed)
    for note in work.notes:
        print(f"note: {note}", file=sys.stderr)
    return work


def _make_folder(folder: Path | None) -> None:
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"folder {str(folder)!r} cannot be made: {error}") from error
