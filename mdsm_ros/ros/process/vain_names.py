"""Names of parameters, topics and nodes on the command line that have no effect, usually because they are misspelt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node

PARAMETERS_OF_ROS = ("qos_overrides.", "start_type_description_service", "use_sim_time")
REMAPS_OF_ROS = ("__node", "__name", "__ns")
TOPICS_OF_ROS = ("/clock", "/diagnostics", "/parameter_events", "/rosout")
OPTIONS = ("-p", "--param", "-r", "--remap", "--params-file")


def warn_of_vain_names(node: Node, arguments: Sequence[str], topics: Iterable[str] = ()) -> None:
    """Logs a warning for each parameter, parameter file and remapping that has no effect on ``node``.

    Args:
        node: Node with all its parameters declared.
        arguments: Command line of the process.
        topics: Topic names as the node uses them; if empty, remappings are not checked.
    """
    warnings = [*_vain_parameters(node), *_vain_files(node, arguments)]
    if topics:
        warnings += _vain_remappings(node, arguments, topics)
    for warning in warnings:
        node.get_logger().warning(warning)


def _vain_parameters(node: Node) -> Iterator[str]:
    declared = set(node._parameters)
    for name in sorted(node._parameter_overrides):
        if name not in declared and not name.startswith(PARAMETERS_OF_ROS):
            yield f"parameter {name!r} has no effect: {_expected('parameter', name, declared)}"


def _vain_files(node: Node, arguments: Sequence[str]) -> Iterator[str]:
    own = node.get_fully_qualified_name()
    for path in _values(arguments, ("--params-file",)):
        names = sorted(_node_names(_read(Path(path))))
        if names and not any(_matches(name, own) for name in names):
            yield f"parameter file {path!r} has no effect: it is for {', '.join(names)}, expected {own} or /**"


def _vain_remappings(node: Node, arguments: Sequence[str], topics: Iterable[str]) -> Iterator[str]:
    full = {_expand(node, topic): topic for topic in topics}
    for rule in _values(arguments, ("-r", "--remap")):
        match = re.fullmatch(r"(?:(?P<node>\w+):)?(?P<source>[^:]+):=.*", rule)
        if match is None or match["source"] in REMAPS_OF_ROS or match["node"] not in (None, node.get_name()):
            continue
        source = _expand(node, match["source"])
        if source not in full and source not in TOPICS_OF_ROS:
            yield f"remapping {rule!r} has no effect: {_expected('topic', match['source'], full.values())}"


def _expected(what: str, name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"this node has no {what} of that name" + (f"; did you mean {near[0]!r}?" if near else "")


def _expand(node: Node, name: str) -> str:
    try:
        return str(expand_topic_name(name, node.get_name(), node.get_namespace()))
    except ValueError:  # substitutions and prefixes of other transports are not checked
        return name


def _values(arguments: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """The values of ``options`` between --ros-args and --."""
    in_ros = False
    before = ""
    for argument in arguments:
        if argument in ("--ros-args", "--"):
            in_ros = argument == "--ros-args"
        elif in_ros and before in options:
            yield argument
        before = argument


def _read(path: Path) -> Any:
    """The content of a parameter file that rcl has read before; empty if Python's YAML cannot read it."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _node_names(content: Any, prefix: str = "") -> Iterator[str]:
    """The nodes named in a parameter file; namespaces may be separate levels."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            name = f"{prefix}/{str(key).strip('/')}"
            if isinstance(value, Mapping) and "ros__parameters" in value:
                yield name
            else:
                yield from _node_names(value, name)


def _matches(pattern: str, name: str) -> bool:
    """Whether a pattern matches a node's name: ``*`` stands for one level, ``**`` for any number of levels."""
    levels = "".join(
        "(/[^/]+)*" if level == "**" else "/[^/]+" if level == "*" else f"/{re.escape(level)}"
        for level in pattern.split("/")
        if level
    )
    return re.fullmatch(levels, name) is not None
