"""The executables of the nodes: they show their help without ROS, and report if ROS is missing."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable

from mdsm_ros.commands import interrupt
from mdsm_ros.errors import MissingPackageError
from mdsm_ros.extras import require

USER_ERROR = 2
HELP_OPTIONS = {"-h", "--help"}
NODE_HELP = """usage: mdsm_node [-h] [--ros-args -p NAME:=VALUE ... -r FROM:=TO ... --params-file FILE]

Answers the newest camera image with the mask of the object that the instruction names. A lifecycle node named mdsm
that configures and activates itself.

  ros2 run mdsm_ros mdsm_node --ros-args -r image:=/camera/color/image_raw -p model:=mdsm-small
  ros2 launch mdsm_ros mdsm.launch.py image:=/camera/color/image_raw

subscribes: /image (or /image/compressed), /instruction, with parameter depth also /depth and /camera_info
publishes: /mdsm/mask, /mdsm/initial_mask, /mdsm/overlay, /mdsm/status, /diagnostics and more, see docs/node.md
several cameras: -p cameras:='[front, rear]'; then /front/image, /mdsm/front/mask and so on
"""
SIM_HELP = """usage: mdsm_sim [-h] [--ros-args -p NAME:=VALUE ...]

A simulated home as a live camera: publishes /image, /depth and /camera_info, and with parameter speak /instruction
and /ground_truth/mask. Needs the extra sim (MuJoCo).

parameters: home, width, height, rate, walk, speak, library, camera
The same as command line options, with descriptions: mdsm sim --help
"""


def node() -> int:
    """Runs ``mdsm_node``."""
    return _run("mdsm_node", NODE_HELP, ["rclpy"], _node)


def sim() -> int:
    """Runs ``mdsm_sim``."""
    return _run("mdsm_sim", SIM_HELP, ["rclpy", "mujoco", "cv2"], _sim)


def _node() -> int:
    from mdsm_ros.ros.node import main

    return main()


def _sim() -> int:
    from mdsm_ros.ros.sim import main

    return main()


def _run(prog: str, text: str, modules: list[str], start: Callable[[], int]) -> int:
    if HELP_OPTIONS & set(_own_arguments(sys.argv[1:])):
        print(text, end="")
        if start is _node:
            print(f"\nparameters:\n{_parameters()}")
        return 0
    try:
        require(*modules, purpose=prog)
        return start()
    except MissingPackageError as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:  # while libraries are imported; afterwards the node handles signals
        interrupt.end(interrupt.INTERRUPTED)


def _own_arguments(argv: list[str]) -> list[str]:
    return argv[: argv.index("--ros-args")] if "--ros-args" in argv else argv


def _parameters() -> str:
    from dataclasses import fields

    from mdsm_ros.ros.interface.parameters import Parameters

    return "\n".join(
        textwrap.fill(
            f"{field.name} ({field.default!r}): {field.metadata['description']}",
            width=110,
            initial_indent="  ",
            subsequent_indent="      ",
        )
        for field in fields(Parameters)
    )
