"""The node as a process of its own, as on a robot."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn

from mdsm_ros.errors import DemoError

SHUTDOWN_TIMEOUT = 15.0  # s


class NodeProcess:
    """Runs ``mdsm_node``, or another module, with parameters and remappings; writes its output to a file.

    SIGTERM closes the context, too. Without a handler it would end this process at once and leave the node running.
    Open the context in the main thread: Python handles signals only there.
    """

    def __init__(
        self,
        log: Path,
        parameters: Mapping[str, object],
        remappings: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
        module: str = "mdsm_ros.ros.node",
    ) -> None:
        self.log = log
        self._environment = environment  # None: this process's
        self.command = [sys.executable, "-m", module, "--ros-args"]
        for source, target in remappings.items():
            self.command += ["-r", f"{source}:={target}"]
        for name, value in parameters.items():
            self.command += ["-p", f"{name}:={_yaml(value)}"]

    def __enter__(self) -> NodeProcess:
        self._handler_before = signal.signal(signal.SIGTERM, _end)
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                self.command, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(SHUTDOWN_TIMEOUT)
        except subprocess.TimeoutExpired:
            pass
        finally:  # a second signal ends the wait for the node
            self._process.kill()
            self._process.wait()
            signal.signal(signal.SIGTERM, self._handler_before)

    @property
    def pid(self) -> int:
        """The process id of the running node."""
        return self._process.pid

    def check(self) -> None:
        """Raises DemoError, with the end of the log, if the node has ended."""
        if self._process.poll() is not None:
            code = self._process.returncode
            raise DemoError(f"the node ended with exit code {code}; {self.log} ends with:\n{self.tail()}")

    def tail(self, lines: int = 5) -> str:
        """The last lines that the node wrote."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
