"""Replays a recording or a video through the node, which needs ROS, or answers photographs, without ROS."""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.arguments import positive_number
from mdsm_ros.commands.options import add_model_arguments, check_model, load_segmenter
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
    parser.add_argument("--rate", type=positive_number, default=1.0, help="speed of the replay (default: %(default)s)")
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the demo; returns 1 if the node failed."""
    if args.video is None and args.instruction:
        raise DemoError("--instruction needs --video; a bag and the photographs have their own instructions")
    if args.video is not None and not args.instruction:
        raise DemoError("--video needs at least one --instruction")
    _check_source(args)
    check_model(args.model)
    from mdsm_ros.demo.run import DemoOptions, run_bag, run_photographs, run_video

    options = DemoOptions(args.out, args.model, args.device, args.steps, args.rate)
    if args.video is not None:
        return run_video(args.video, args.instruction, options)
    status = 0 if args.photographs else run_bag(args.bag, options)
    if args.bag is None:
        status = run_photographs(options, load_segmenter(args.model, args.device)) or status
    return status


def _check_source(args: argparse.Namespace) -> None:
    if args.bag is not None and not args.bag.exists():
        raise BagError(f"bag {str(args.bag)!r} does not exist")
    if args.video is not None:
        if not args.video.is_file():
            raise DemoError(f"video {str(args.video)!r} cannot be read: it is not a file")
        require("av", "rclpy", purpose="mdsm demo --video")
    elif not args.photographs:
        require("rclpy", purpose="mdsm demo without --photographs")
