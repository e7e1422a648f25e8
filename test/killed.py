"""Commands that are killed at a chosen moment, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mdsm_ros.commands.main import main

NEVER = 10**6


def run_until(kill: Path | int, arguments: Sequence[str], preload: Sequence[str]) -> int | None:
    """Runs ``mdsm`` until it is killed; returns its exit code, -9 if it was.

    The process is a copy of a server that has only imported modules. A copy of the process of the tests would not do:
    one that has trained must not be forked, because of the threads of autograd.

    Args:
        kill: The file or folder before whose renaming to its name the command is killed, or the number of the renaming.
        arguments: The command's arguments.
        preload: The modules that the server imports.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed", *preload])
    process = context.Process(target=_run, args=(kill, arguments))
    process.start()
    process.join()
    return process.exitcode


def _run(kill: Path | int, arguments: Sequence[str]) -> None:
    import torch

    torch.set_num_threads(1)
    replace, left = os.replace, [kill if isinstance(kill, int) else NEVER]

    def kill_at(source: Any, target: Any) -> None:
        left[0] -= 1
        if not left[0] or target == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    os.replace = kill_at  # type: ignore[assignment]  # the process ends with this function
    sys.exit(main(arguments))
