"""Runs a module in a copy of this process, which has imported everything already; see kill_again.py."""

from __future__ import annotations

import contextlib
import math
import os
import runpy
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

POLL = 0.002  # seconds


class Fork:
    """A copy of this process that runs a module; what is used of subprocess.Popen."""

    def __init__(self, module: str, arguments: Sequence[str], place: Path, log: BinaryIO) -> None:
        self.returncode: int | None = None
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._run(module, arguments, place, log)
        with contextlib.suppress(OSError):  # it has done it itself already
            os.setpgid(self.pid, self.pid)

    def _run(self, module: str, arguments: Sequence[str], place: Path, log: BinaryIO) -> None:
        code = 1
        try:
            with contextlib.suppress(OSError):
                os.setpgid(0, 0)
            os.chdir(place)
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
            sys.argv = [module, *arguments]
            runpy.run_module(module, run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float = math.inf) -> int:
        """Waits for the end.

        Raises:
            subprocess.TimeoutExpired: it does not come in time.
        """
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("fork", timeout)
            time.sleep(POLL)
        return code
