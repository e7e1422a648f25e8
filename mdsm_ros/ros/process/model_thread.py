"""The one thread that touches the model."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


class ModelThread:
    """Runs everything that uses the model, one call after the other: loading, warming up, answering, freeing.

    So these calls never overlap, however soon the node's next transition is requested, and no other thread has to wait
    for the model to ensure it.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mdsm_model")
        self._last: Future[int] | None = None

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Runs ``function`` after all functions submitted before."""
        return self._pool.submit(function)

    def call(self, function: Callable[[], T]) -> T:
        """Runs ``function`` like :meth:`submit`, and waits for the result.

        Raises:
            Exception: The exception that ``function`` raised; RuntimeError for a panic of a Rust library.
        """
        future = self.submit(function)
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise RuntimeError(f"{type(error).__name__}: {error}") from error
        return future.result()

    def finish(self, seconds: float | None) -> bool:
        """Accepts no more functions; returns whether all finished within ``seconds`` (None: no time limit)."""
        if self._last is None:
            self._last = self._pool.submit(int)
            self._pool.shutdown(wait=False)
        return not wait([self._last], seconds).not_done
