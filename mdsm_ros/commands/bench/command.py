"""Measures a model on this machine: its latency alone and in the running node, and the stability of its masks."""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.arguments import count, positive_number
from mdsm_ros.commands.options import add_model_arguments, check_model, load_segmenter
from mdsm_ros.demo import BUNDLED_BAG
from mdsm_ros.extras import require

RANDOM = "random:"  # prefix of a preset's name


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
        help="compare the CPU time of PyTorch, ONNX Runtime and OpenVINO, as far as they are installed, on one thread",
    )
    parser.add_argument(
        "--curves",
        action="store_true",
        help="measure how the cost grows with the image, the instructions and a recording, beside CLIPSeg and LAVT",
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
        default=10.0,
        help="duration of the node's measurement in seconds (default: %(default)s)",
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
        help="measure the cost of tracking on a recording with ground-truth masks (default: the demo's)",
    )
    parser.add_argument(
        "--rate", type=positive_number, default=30.0, help="images per second for the node (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the tables."""
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
    if args.runtimes:
        from mdsm_ros.commands.bench.runtimes import runtimes_table

        print("\n" + runtimes_table(args.model, args.runs))
    if args.bag is not None:
        from mdsm_ros.replay.stability import stability_table

        print("\n" + stability_table(load_segmenter(args.model, args.device), args.bag))
    if args.tracking is not None:
        from mdsm_ros.commands.bench.tracking import tracking_table

        print("\n" + tracking_table(args.tracking))
    if args.curves:
        _print_curves(args.device)
    if args.node:
        from mdsm_ros.commands.bench.running_node import find_profile, table

        parameters = {"model": args.model, "device": args.device, "acceleration": args.acceleration[0]}
        parameters |= {} if args.steps is None else {"num_inference_steps": args.steps}
        print("\n" + table(parameters, profile=find_profile(), seconds=args.seconds, rate=args.rate))
    if args.overhead:
        print("\n" + _overhead_table(args))
    return 0


def _overhead_table(args: argparse.Namespace) -> str:
    from mdsm_ros.commands.bench.overhead import overhead_table
    from mdsm_ros.commands.bench.running_node import find_profile

    segmenter = load_segmenter(args.model, args.device)
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
