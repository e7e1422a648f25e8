"""Measures a model on this machine: its latency alone and in the running node, and the stability of its masks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mdsm_ros.arguments import count, positive_number
from mdsm_ros.commands.options import add_model_arguments, check_model, load_segmenter
from mdsm_ros.demo import BUNDLED_BAG
from mdsm_ros.errors import CommandError
from mdsm_ros.extras import require

if TYPE_CHECKING:
    from mdsm_ros.segmenter import Segmenter

RANDOM = "random:"  # prefix of a preset's name
SECONDS, RATE = 10.0, 30.0  # of the node's measurement
# options of the model that parts do not read, with the values that they have in any case
FIXED: dict[str, dict[str, tuple[object, ...]]] = {
    "runtimes": {"device": ("auto", "cpu"), "acceleration": (["none"],)},
    "curves": {"model": ("mdsm-small",), "steps": (None,), "acceleration": (["none"],)},
    "tracking": {"model": ("mdsm-small",), "steps": (None,), "acceleration": (["none"],), "device": ("auto", "cpu")},
}
OF_FOLDERS = ("bag", "node", "overhead", "runtimes")  # parts that load the model from a folder
ONE_ACCELERATION = ("bag", "node", "overhead")  # parts that measure the model with one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_model_arguments(parser)
    parser.add_argument("--runs", type=count, default=50, help="number of answers to time (default: %(default)s)")
    parser.add_argument(
        "--acceleration",
        nargs="+",
        default=["none"],
        metavar="HOW",
        help="none, half, compile, onnx, openvino, tensorrt or auto; give several to compare them (default: none)",
    )
    parser.add_argument(
        "--runtimes",
        action="store_true",
        help="compare the CPU time of PyTorch, ONNX Runtime and OpenVINO, where installed, on one CPU thread",
    )
    parser.add_argument(
        "--curves",
        action="store_true",
        help="measure how the cost grows with the image, the instructions and a recording, for mdsm-small, CLIPSeg and "
        "LAVT with random weights",
    )
    parser.add_argument("--node", action="store_true", help="measure the running node as well; needs ROS")
    parser.add_argument(
        "--overhead",
        action="store_true",
        help="measure the node's own CPU time per answer for several image sizes, raw and compressed; needs ROS",
    )
    parser.add_argument(
        "--seconds",
        type=positive_number,
        help=f"duration of the node's measurement in seconds (default: {SECONDS:g})",
    )
    parser.add_argument(
        "--bag",
        type=Path,
        nargs="?",
        const=BUNDLED_BAG,
        help="measure the stability of the masks on a recording (default: the demo's)",
    )
    parser.add_argument(
        "--tracking",
        type=Path,
        nargs="?",
        metavar="BAG",
        const=BUNDLED_BAG,
        help="measure the cost of tracking, without a model, on a recording with true masks (default: the demo's)",
    )
    parser.add_argument("--rate", type=positive_number, help=f"images per second for the node (default: {RATE:g})")


def run(args: argparse.Namespace) -> int:
    """Prints the tables.

    Raises:
        CommandError: An option has no effect on a part that was asked for.
    """
    _expect_effects(args)
    for option in ("node", "overhead"):
        if getattr(args, option):
            require("rclpy", purpose=f"mdsm bench --{option}")
    if not args.model.startswith(RANDOM):
        check_model(args.model)
    from mdsm_ros.commands.bench.latency import latency_table

    print(
        latency_table(
            args.model,
            device=args.device,
            accelerations=args.acceleration,
            runs=args.runs,
            num_inference_steps=args.steps,
        )
    )
    with TemporaryDirectory() as folder:
        if args.model.startswith(RANDOM) and any(getattr(args, part) for part in OF_FOLDERS):
            from mdsm_ros.checkpoints.pretrained import save_random

            preset = args.model.removeprefix(RANDOM)
            args.model = str(Path(folder) / preset)
            save_random(preset, Path(args.model))
        _print_parts(args)
    return 0


def _print_parts(args: argparse.Namespace) -> None:
    """Prints the tables that were asked for beside the latency."""
    if args.runtimes:
        from mdsm_ros.commands.bench.runtimes import runtimes_table

        print("\n" + runtimes_table(args.model, args.runs, args.steps))
    if args.bag is not None:
        from mdsm_ros.replay.stability import stability_table

        print("\n" + stability_table(_segmenter(args), args.bag, args.steps))
    if args.tracking is not None:
        from mdsm_ros.commands.bench.tracking import tracking_table

        print("\n" + tracking_table(args.tracking))
    if args.curves:
        _print_curves(args.device)
    if args.node:
        from mdsm_ros.commands.bench.running_node import find_profile, table

        parameters = {"model": args.model, "device": args.device, "acceleration": args.acceleration[0]}
        parameters |= {} if args.steps is None else {"num_inference_steps": args.steps}
        print("\n" + table(parameters, profile=find_profile(), seconds=args.seconds or SECONDS, rate=args.rate or RATE))
    if args.overhead:
        print("\n" + _overhead_table(args))


def _expect_effects(args: argparse.Namespace) -> None:
    """Checks that every option has an effect on every part, before anything is measured.

    Raises:
        CommandError: One has none.
    """
    for name, value in (("seconds", args.seconds), ("rate", args.rate)):
        if value is not None and not args.node:
            raise CommandError(f"--{name} is {value:g}, expected it only with --node")
    for part, options in FIXED.items():
        for name, allowed in options.items() if getattr(args, part) else ():
            value = getattr(args, name)
            if value not in allowed:
                raise CommandError(f"--{name} is {_shown(value)}, expected none with --{part}, which does not read it")
    for part in ONE_ACCELERATION:
        if getattr(args, part) and len(args.acceleration) > 1:
            raise CommandError(f"--acceleration is {_shown(args.acceleration)}, expected one with --{part}")


def _shown(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


def _segmenter(args: argparse.Namespace) -> Segmenter:
    """The model with the acceleration that was asked for; why it has none, if it has none, goes to stderr."""
    segmenter = load_segmenter(args.model, args.device, acceleration=args.acceleration[0])
    if segmenter.acceleration_error is not None:
        print(f"note: running without acceleration: {segmenter.acceleration_error}", file=sys.stderr)
    return segmenter


def _overhead_table(args: argparse.Namespace) -> str:
    from mdsm_ros.commands.bench.overhead import overhead_table
    from mdsm_ros.commands.bench.running_node import find_profile

    segmenter = _segmenter(args)
    settings = segmenter.defaults.updated(num_inference_steps=args.steps)
    return overhead_table(segmenter, settings, find_profile())


def _print_curves(device: str) -> None:
    """Prints each curve when it is measured."""
    from mdsm_ros.commands.bench.curves.models import camera_and_instruction_curves, input_curve
    from mdsm_ros.commands.bench.curves.recording import replay_curve
    from mdsm_ros.commands.bench.curves.systems import systems

    print("\n" + input_curve(systems(), device).markdown(), flush=True)
    for curve in camera_and_instruction_curves(systems(), device):
        print("\n" + curve.markdown(), flush=True)
    print("\n" + replay_curve().markdown(), flush=True)
