"""The one thread that touches the model."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


class ModelThread:
    """Runs whatever calls the model, one after the other: loading, warming up, answering, freeing.

    So nothing of it ever overlaps, however soon another state of the node is asked for, and no other thread has to
    wait for the model to be sure of that.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="mdsm_model")
        self._last: Future[int] | None = None

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Runs ``function`` after everything that was submitted before."""
        return self._pool.submit(function)

    def call(self, function: Callable[[], T]) -> T:
        """As :meth:`submit`, and waits for the result.

        Raises:
            Exception: What ``function`` raised; RuntimeError in place of a panic of a library in Rust.
        """
        future = self.submit(function)
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise RuntimeError(f"{type(error).__name__}: {error}") from error
        return future.result()

    def finish(self, seconds: float | None) -> bool:
        """Accepts nothing more; returns whether all was done within ``seconds`` (None: waits for it)."""
        if self._last is None:
            self._last = self._pool.submit(int)
            self._pool.shutdown(wait=False)
        return not wait([self._last], seconds).not_done
