"""Replays a recording or a video through the node, which needs ROS, or answers photographs, without ROS."""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.arguments import positive_number
from mdsm_ros.commands.options import add_model_arguments, check_model, check_refinement, load_segmenter
from mdsm_ros.errors import BagError, DemoError
from mdsm_ros.extras import require


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--out", type=Path, default=Path("demo_output"), help="folder to write (default: %(default)s)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--bag", type=Path, help="rosbag2 recording (default: the one in this package, then its photographs)"
    )
    what.add_argument("--video", type=Path, help="a video instead of a recording")
    what.add_argument("--photographs", action="store_true", help="answer only this package's photographs; needs no ROS")
    parser.add_argument(
        "--instruction",
        action="append",
        help="instruction for --video; repeat the option to change it during the video",
    )
    parser.add_argument("--rate", type=positive_number, help="speed of the replay (default: 1.0)")
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the demo; returns 1 if the node failed."""
    if args.video is None and args.instruction:
        raise DemoError("--instruction needs --video; a bag and the photographs have their own instructions")
    if args.video is not None and not args.instruction:
        raise DemoError("--video needs at least one --instruction")
    if args.photographs and args.rate is not None:
        raise DemoError(
            f"--rate is {args.rate:g}, expected it only with a recording or a video, not with --photographs"
        )
    _check_source(args)
    check_model(args.model)
    _check_steps(args)
    from mdsm_ros.demo.run import DemoOptions, run_bag, run_photographs, run_video

    options = DemoOptions(args.out, args.model, args.device, args.steps, args.rate or 1.0)
    if args.video is not None:
        return run_video(args.video, args.instruction, options)
    status = 0 if args.photographs else run_bag(args.bag, options)
    if args.bag is None:
        status = run_photographs(options, load_segmenter(args.model, args.device)) or status
    return status


def _check_steps(args: argparse.Namespace) -> None:
    """Loads the model, which otherwise only the node does, to check that it refines; without --steps, nothing is done.

    Raises:
        CommandError: It does not.
    """
    if args.steps:
        segmenter = load_segmenter(args.model, args.device)
        check_refinement([segmenter], steps=args.steps)
        segmenter.close()


def _check_source(args: argparse.Namespace) -> None:
    if args.bag is not None and not args.bag.exists():
        raise BagError(f"bag {str(args.bag)!r} does not exist")
    if args.video is not None:
        if not args.video.is_file():
            raise DemoError(f"video {str(args.video)!r} cannot be read: it is not a file")
        require("av", "rclpy", purpose="mdsm demo --video")
    elif not args.photographs:
        require("rclpy", purpose="mdsm demo without --photographs")
