"""Start and end of a node's process: without a home folder, on signals, and while the model works."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import rclpy
from rclpy.context import Context

from mdsm_ros.errors import RosError
from mdsm_ros.ros.process.text import in_utf8

NO_LOG_FILES = ("--ros-args", "--disable-external-lib-logs")


def init_ros(args: Sequence[str] | None = None, context: Context | None = None) -> None:
    """Like ``rclpy.init``; if no log file can be written, the log goes only to the terminal.

    Args:
        args: Command line; None for the one of this process.
        context: Context to initialise; None for the default one.

    Raises:
        RosError: ROS cannot parse the arguments.
    """
    arguments = list(sys.argv if args is None else args)
    if (reason := _why_no_log_files()) is not None:
        print(f"no log files are written: {reason}; set ROS_LOG_DIR to a writable folder", file=sys.stderr)
        arguments += NO_LOG_FILES
    try:
        rclpy.init(args=arguments, context=context)
    except (RuntimeError, TypeError, ValueError) as error:  # rcl's own; the others: no Unicode
        raise RosError(f"ROS cannot start: {in_utf8(' '.join(str(error).split()))}") from error


def _why_no_log_files() -> str | None:
    """The reason why rcl's log folder cannot be written; None if it can."""
    environment = os.environ
    folder = environment.get("ROS_LOG_DIR") or os.path.join(environment.get("ROS_HOME") or "~/.ros", "log")
    path = Path(os.path.expanduser(folder))
    if not environment.get("HOME") and folder.startswith("~"):  # rcl does not read the password file
        return "HOME is not set"
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return None
    except OSError as error:
        return f"folder {str(path)!r}: {error.strerror}"


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Makes Ctrl-C shut the context down, as SIGTERM does, without raising an exception. Main thread only."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)  # rclpy's handler, set later, comes first
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def end_now(code: int) -> NoReturn:
    """Ends the process without waiting for threads or unloading libraries, which takes seconds."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the reader has closed the pipe
            stream.flush()
    os._exit(code)
