"""The remappings that the launch file makes of its arguments, for one camera or for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mdsm_ros.errors import ParameterError
from mdsm_ros.ros.interface.topics import INPUTS, PRIVATE, SHARED, name_of

CAMERA = "{camera}"  # stands for the name of each camera in a launch argument
DEPTH_INFO = "depth/camera_info"


def camera_names(text: str) -> list[str]:
    """The names in the launch argument ``cameras``, which are separated by commas or blanks."""
    return text.replace(",", " ").split()


def remappings(arguments: Mapping[str, str], cameras: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of names, as the node has them and as the user wants them.

    Args:
        arguments: Values of the launch arguments that are names of topics: a topic's name, and ``depth_camera_info``.
            Empty values change nothing. With cameras, ``{camera}`` in a value stands for each name.
        cameras: Names of the cameras; none for one camera without a name.

    Raises:
        ParameterError: Several cameras would share a topic, since ``{camera}`` is missing.
    """
    pairs = [pair for wanted in _wanted(arguments).items() for pair in _for_cameras(*wanted, cameras)]
    return [(name, topic) for name, topic in pairs if topic]


def _wanted(arguments: Mapping[str, str]) -> dict[str, str]:
    """The topic that is wanted for each name of the node; "" to leave it."""
    wanted = {topic.name: arguments[topic.short_name] for topic in PRIVATE}
    for topic in INPUTS:
        if topic in PRIVATE or topic.name == DEPTH_INFO:
            continue
        argument, slash, transport = topic.name.partition("/")  # image/compressed follows the argument image
        wanted[topic.name] = f"{arguments[argument]}{slash}{transport}" if arguments[argument] else ""
    wanted[DEPTH_INFO] = arguments["depth_camera_info"] or _beside(arguments["depth"])
    return wanted


def _beside(depth: str) -> str:
    """The camera_info beside a depth topic."""
    return f"{depth.rpartition('/')[0]}/camera_info" if "/" in depth else ""


def _for_cameras(name: str, topic: str, cameras: Sequence[str]) -> list[tuple[str, str]]:
    if not cameras or (name in SHARED and CAMERA not in topic):
        return [(name, topic)]
    if topic and CAMERA not in topic and len(cameras) > 1:
        raise ParameterError(f"topic {name} is {topic!r} for {len(cameras)} cameras, expected a name with {CAMERA}")
    return [(name_of(name, camera), topic.replace(CAMERA, camera)) for camera in cameras]
