"""Runs a simulated home as a live camera for the node. Needs ROS 2 and the extra sim."""

from __future__ import annotations

import argparse

from mdsm_ros.arguments import image_size, natural, positive_number
from mdsm_ros.extras import require


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--home", type=natural, default=0, help="number of the home (default: %(default)s)")
    parser.add_argument(
        "--size", type=image_size, default=(640, 480), metavar="WxH", help="size of the images (default: 640x480)"
    )
    parser.add_argument("--rate", type=positive_number, default=10.0, help="images per second (default: %(default)s)")
    parser.add_argument(
        "--speak",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="seconds between published instructions (default: none are published)",
    )
    parser.add_argument(
        "--library",
        metavar="FOLDER",
        help="library of 3D models for the home; none: procedural objects (default: the library in the cache)",
    )
    parser.add_argument(
        "--camera",
        choices=("real", "ideal"),
        default="real",
        help="real: blur, noise, exposure, colours and JPEG of a camera; ideal: as rendered (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the camera until it is asked to end."""
    require("rclpy", "mujoco", "cv2", purpose="mdsm sim")
    from mdsm_ros.ros.sim import main as run_sim

    width, height = args.size
    values = {"home": args.home, "width": width, "height": height, "rate": args.rate, "speak": args.speak}
    values["camera"] = args.camera
    if args.library is not None:
        values["library"] = args.library
    return run_sim(["--ros-args", *(part for item in values.items() for part in ("-p", "{}:={}".format(*item)))])
