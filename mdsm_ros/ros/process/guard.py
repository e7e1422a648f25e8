"""Exceptions of callbacks: logged once per type, counted, and never fatal for the node."""

from __future__ import annotations

import inspect
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from mdsm_ros.ros.process.text import in_utf8

PAUSE = 0.05  # s after a failure of the executor itself, which may repeat at once


class Guard:
    """Counts unexpected exceptions by place and type. Safe in all threads.

    Args:
        logger: Logger of the node.
        context: Context of the node; failures caused by its shutdown are not reported.
    """

    def __init__(self, logger: Any, context: Context) -> None:
        self._logger = logger
        self._context = context
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def note(self, place: str, error: BaseException) -> None:
        """Counts an exception, and logs it with its traceback if it is the first of its type at ``place``."""
        if not self._context.ok():
            return
        kind = f"{place} ({type(error).__name__})"
        with self._lock:
            self._counts[kind] += 1
            first = self._counts[kind] == 1
        if first:
            trace = "".join(traceback.format_exception(error))
            self._log(f"exception in {kind}; further ones are only counted on /diagnostics\n{trace}")

    def counts(self) -> Counter[str]:
        """The number of exceptions by place and type."""
        with self._lock:
            return Counter(self._counts)

    def wrap(self, place: str, callback: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps a callback of a timer or subscription, with the same number of arguments, so that it never raises."""
        if len(inspect.signature(callback).parameters) == 0:
            return lambda: self._call(place, callback)
        if len(inspect.signature(callback).parameters) == 1:
            return lambda message: self._call(place, callback, message)
        return lambda message, info: self._call(place, callback, message, info)

    def wrap_services(self, node: Node) -> None:
        """Makes all services of ``node``, including rclpy's own, report failure instead of raising."""
        for service in node.services:
            service.callback = self._wrap_service(f"service {service.srv_name}", service.callback)

    def _wrap_service(self, place: str, callback: Callable[..., Any]) -> Callable[..., Any]:
        async def answer(request: Any, response: Any) -> Any:
            try:
                answered = callback(request, response)
                return await answered if inspect.isawaitable(answered) else answered
            except Exception as error:
                self.note(place, error)
                _say_failed(request, response, f"{type(error).__name__}: {error}")
                return response

        return answer

    def _call(self, place: str, callback: Callable[..., Any], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception as error:
            self.note(place, error)

    def _log(self, text: str) -> None:
        try:
            self._logger.error(in_utf8(text))
        except Exception:  # reporting a failure must not fail
            print(text, file=sys.stderr)


class GuardedExecutor(SingleThreadedExecutor):
    """An executor that continues after exceptions in callbacks, in the conversion of messages, and in itself.

    Without it, rclpy ends ``spin`` on the first exception. After a message that cannot be converted, rclpy never again
    calls the callback or any other callback of the same group.

    Attributes:
        code: Exit code for the process once ``spin`` has ended.
    """

    def __init__(self, guard: Guard, *, context: Context | None = None) -> None:
        super().__init__(context=context)
        self._exceptions = guard
        self._ended = False
        self.code = 0

    def spin(self) -> None:
        """Runs callbacks until :meth:`end` is called.

        Raises:
            ExternalShutdownException: The context was shut down.
        """
        while not self._ended:
            try:
                self.spin_once()
            except ExternalShutdownException:
                raise
            except Exception as error:
                if not self._context.ok():
                    raise ExternalShutdownException from None
                self._exceptions.note("executor", error)
                time.sleep(PAUSE)

    def end(self, code: int) -> None:
        """Ends ``spin`` with an exit code for the process; can be called from any thread."""
        self.code = code
        self._ended = True
        self.wake()

    def _make_handler(self, entity: Any, node: Node, take: Callable[[Any], Any], *call: Callable[..., Any]) -> Any:
        """Guards the taking of a message and, in some releases of rclpy, the call of the callback."""
        place = _place(entity)

        def guarded_take(entity: Any) -> Any:
            try:
                taken = take(entity)
            except Exception as error:
                self._exceptions.note(place, error)
                return None
            return self._guarded(place, taken) if inspect.iscoroutinefunction(taken) else taken

        return super()._make_handler(entity, node, guarded_take, *(self._guarded(place, one) for one in call))

    def _guarded(self, place: str, coroutine: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*arguments: Any) -> Any:
            try:
                return await coroutine(*arguments)
            except Exception as error:
                self._exceptions.note(place, error)

        return call


def _place(entity: Any) -> str:
    """The name of an rclpy entity in reports."""
    name = getattr(entity, "srv_name", None) or getattr(entity, "topic", None)
    kind = type(entity).__name__.lower()
    return f"{kind} {name}" if name else kind


def _say_failed(request: Any, response: Any, reason: str) -> None:
    """Reports failure in a response of one of the common service types."""
    failed = SetParametersResult(successful=False, reason=reason)
    if hasattr(response, "results"):  # the response of SetParameters has one result for each parameter
        missing = len(request.parameters) - len(response.results)
        response.results = [*response.results, *[failed] * missing]
    elif isinstance(getattr(response, "result", None), SetParametersResult):
        response.result = failed
    if hasattr(response, "success"):
        response.success = False
    if hasattr(response, "message"):
        response.message = reason
