"""Processes that share work, leave Ctrl-C to the process that started them, and end with it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any


class WorkerPool(ProcessPoolExecutor):
    """Spawned processes: neither a GL context nor a ray caster survives a fork.

    They are started with SIGINT blocked, from their first instruction on. Ctrl-C in a terminal goes to all processes
    of a command; each worker would print a traceback, also while it still imports its libraries.
    Where that process is killed, they end: else they would wait for work for ever.

    Args:
        workers: Number of processes.
    """

    def __init__(self, workers: int) -> None:
        super().__init__(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As in ProcessPoolExecutor, which starts processes here."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(function, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Ends this process once the one that started it has ended, however that came about."""
    threading.Thread(target=_wait_for_parent, name="mdsm_parent", daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
