"""Launch arguments that have an effect only where the node uses depth images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mdsm_ros.errors import ParameterError

OF_DEPTH = ("camera_info", "depth_camera_info", "target_frame")


def check_depth_arguments(arguments: Mapping[str, str]) -> None:
    """Checks that arguments about depth are given only with depth, by the argument ``depth`` or in ``params_file``.

    Args:
        arguments: Values of all launch arguments; empty ones are not given.

    Raises:
        ParameterError: One would have no effect.
    """
    if arguments["depth"] or _has_depth(Path(arguments["params_file"])):
        return
    for name in OF_DEPTH:
        if arguments[name]:
            raise ParameterError(
                f"{name} is {arguments[name]!r}, expected it only with depth:=TOPIC, or depth: true in params_file"
            )


def _has_depth(path: Path) -> bool:
    """Whether a file of parameters sets ``depth`` for any node; True if it cannot be read: rcl will say so."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return True
    return any(parameters.get("depth") is True for parameters in _parameters(content))


def _parameters(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yields the parameters of each node; namespaces may be nested."""
    for name, value in content.items() if isinstance(content, dict) else ():
        if name == "ros__parameters" and isinstance(value, dict):
            yield value
        else:
            yield from _parameters(value)
