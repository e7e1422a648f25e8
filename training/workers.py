"""Processes that share work, and leave Ctrl-C to the process that started them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any


class WorkerPool(ProcessPoolExecutor):
    """Spawned processes: neither a GL context nor a ray caster survives a fork.

    They are started with SIGINT blocked, from their first instruction on. Ctrl-C in a terminal goes to all processes
    of a command; each worker would print a traceback, also while it still imports its libraries.

    Args:
        workers: Number of processes.
    """

    def __init__(self, workers: int) -> None:
        super().__init__(workers, mp_context=get_context("spawn"))

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As in ProcessPoolExecutor, which starts processes here."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(function, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
