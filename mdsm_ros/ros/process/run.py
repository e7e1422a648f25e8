"""A node as a process of its own, from its arguments to its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import rclpy
import rclpy.logging
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException

from mdsm_ros.errors import RosError
from mdsm_ros.ros.process.guard import Guard, GuardedExecutor
from mdsm_ros.ros.process.start import end_now, ended_by_signals, init_ros
from mdsm_ros.ros.process.text import in_utf8
from mdsm_ros.ros.process.vain_names import warn_of_vain_names

END_TIMEOUT = 0.7  # s that a node may take to end its work


class RunnableNode(Protocol):
    """A node that :func:`run` can run; it is also an ``rclpy.node.Node``."""

    guard: Guard

    @property
    def topic_names(self) -> Sequence[str]:
        """Names that remappings may change; if empty, remappings are not checked."""

    def begin(self, executor: GuardedExecutor) -> None:
        """Starts the node's own work; may end the executor with an exit code."""

    def end(self, seconds: float) -> bool:
        """Ends the node's work; returns whether it ended within ``seconds``. destroy_node then does not wait."""

    def destroy_node(self) -> None:
        """Destroys the node, like rclpy's method."""


def run(name: str, make_node: Callable[[], Any], args: Sequence[str] | None = None) -> int:
    """Runs a node until SIGINT or SIGTERM; returns the exit code, 0 if it was asked to end, 1 if it could not start.

    Args:
        name: Name of the node in messages.
        make_node: Function that creates a :class:`RunnableNode`, called once ROS is initialised.
        args: Command line; None for the one of this process.
    """
    with ended_by_signals():
        code, idle = _run(name, make_node, list(sys.argv if args is None else args))
    if args is None or not idle:
        end_now(code)
    return code


def _run(name: str, make_node: Callable[[], Any], arguments: list[str]) -> tuple[int, bool]:
    """The exit code, and whether all threads have ended."""
    try:
        init_ros(arguments)
    except RosError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return 1, True
    try:
        node = make_node()
        warn_of_vain_names(node, arguments, node.topic_names)
    except (ParameterException, ValueError) as error:  # errors that the user can correct
        rclpy.logging.get_logger(name).fatal(in_utf8(str(error)))
        rclpy.try_shutdown()
        return 1, True
    except RuntimeError:
        if rclpy.ok():
            raise
        return 0, True  # asked to end meanwhile
    return _spin(node)


def _spin(node: RunnableNode) -> tuple[int, bool]:
    executor = GuardedExecutor(node.guard)
    executor.add_node(node)
    node.begin(executor)
    with suppress(ExternalShutdownException):
        executor.spin()
    idle = node.end(END_TIMEOUT)
    node.destroy_node()  # and with it the DDS participant: otherwise other nodes would see this node for another 20 s
    rclpy.try_shutdown()
    return executor.code, idle
