"""Evaluates a model, or compares two, on a recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.arguments import positive_number
from mdsm_ros.commands.options import add_model_arguments, check_refinement, load_segmenter
from mdsm_ros.errors import BagError, CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("bag", type=Path, help="rosbag2 folder, .mcap or .db3 file")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; an interrupted run resumes in it")
    parser.add_argument("--image", metavar="TOPIC", help="topic of the camera (default: the only image topic)")
    right = parser.add_mutually_exclusive_group()
    right.add_argument("--truth", metavar="TOPIC", help="topic of the ground-truth masks (default: /ground_truth/mask)")
    right.add_argument(
        "--labels", type=Path, metavar="FOLDER", help="dataset with ground-truth masks for some of the images"
    )
    said = parser.add_mutually_exclusive_group()
    said.add_argument(
        "--instruction-topic", metavar="TOPIC", help="topic of the instructions (default: the only String topic)"
    )
    said.add_argument(
        "--instruction", metavar="TEXT", help="instruction for the whole recording, instead of the recorded ones"
    )
    parser.add_argument(
        "--live", action="store_true", help="play the recording into the running node, as on a robot; needs ROS"
    )
    parser.add_argument("--rate", type=positive_number, help="speed of --live (default: 1.0)")
    parser.add_argument(
        "--track",
        type=positive_number,
        metavar="SECONDS",
        help="also report the masks of parameter track, for a model that takes SECONDS per answer; with --live: set "
        "the parameter",
    )
    parser.add_argument(
        "--track-model",
        metavar="MODEL",
        default="",
        help="with --track: also track with a video model, a SAM 2 or EdgeTAM checkpoint of transformers (hub id or "
        "folder); with --live: set the parameter",
    )
    parser.add_argument("--compare", metavar="MODEL", help="second model, compared with --model frame by frame")
    parser.add_argument("--no-bag", action="store_true", help="do not write the recording with masks")
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Writes the report.

    Raises:
        CommandError: A rate is given, but nothing is played, or steps are, but nothing is refined, or a video model is,
            but nothing is tracked.
    """
    from mdsm_ros.extras import require
    from mdsm_ros.inference.answer import validate_instruction

    if args.rate is not None and not args.live:
        raise CommandError(f"--rate is {args.rate:g}, expected it only with --live: otherwise every image is answered")
    if args.track_model and args.track is None:
        raise CommandError(f"--track-model is {args.track_model!r}, expected it only with --track SECONDS")
    instruction = None if args.instruction is None else validate_instruction(args.instruction)
    if not args.bag.exists():
        raise BagError(f"bag {str(args.bag)!r} does not exist")
    if args.live:
        require("rclpy", purpose="mdsm replay --live")
    names = [args.model] if args.compare is None else [args.model, args.compare]
    segmenters = [load_segmenter(name, args.device) for name in names]
    check_refinement(segmenters, steps=args.steps)
    from mdsm_ros.replay.comparison import run_comparison
    from mdsm_ros.replay.options import ReplayOptions
    from mdsm_ros.replay.run import run_replay

    options = ReplayOptions(
        args.bag,
        args.out,
        image=args.image,
        instruction_topic=args.instruction_topic,
        instruction=instruction,
        truth=args.truth,
        labels=args.labels,
        num_inference_steps=args.steps,
        live=args.live,
        rate=args.rate or 1.0,
        track=args.track,
        track_model=args.track_model,
        write_bag=not args.no_bag,
    )
    return run_replay(options, segmenters[0]) if args.compare is None else run_comparison(options, segmenters)
