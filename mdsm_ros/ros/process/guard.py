"""Exceptions of callbacks: logged once of each sort, counted, and never the end of the node."""

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

PAUSE = 0.05  # s after a failure of the executor itself, which may come again at once


class Guard:
    """Counts exceptions that nobody expected, by place and type. Safe in all threads.

    Args:
        logger: Logger of the node.
        context: Context of the node; what fails because it was shut down is not reported.
    """

    def __init__(self, logger: Any, context: Context) -> None:
        self._logger = logger
        self._context = context
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def note(self, place: str, error: BaseException) -> None:
        """Counts an exception, and logs it with its traceback if it is the first one of its type at ``place``."""
        if not self._context.ok():
            return
        kind = f"{place} ({type(error).__name__})"
        with self._lock:
            self._counts[kind] += 1
            first = self._counts[kind] == 1
        if first:
            trace = "".join(traceback.format_exception(error))
            self._log(f"exception in {kind}; more of these are counted on /diagnostics only\n{trace}")

    def counts(self) -> Counter[str]:
        """How many exceptions there were, by place and type."""
        with self._lock:
            return Counter(self._counts)

    def wrap(self, place: str, callback: Callable[..., Any]) -> Callable[..., Any]:
        """A callback of a timer or subscription, with the same number of arguments, that never raises."""
        if len(inspect.signature(callback).parameters) == 0:
            return lambda: self._call(place, callback)
        if len(inspect.signature(callback).parameters) == 1:
            return lambda message: self._call(place, callback, message)
        return lambda message, info: self._call(place, callback, message, info)

    def wrap_services(self, node: Node) -> None:
        """Has all services of ``node``, rclpy's own included, answer that they failed instead of raising."""
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
        except Exception:  # the report of a failure is never another one
            print(text, file=sys.stderr)


class GuardedExecutor(SingleThreadedExecutor):
    """An executor that goes on after exceptions: of callbacks, of converting messages, and its own.

    Without it, rclpy ends ``spin`` on the first one; and after a message that cannot be converted it calls neither
    the callback nor any other of the same group again.

    Attributes:
        code: exit code for the process once ``spin`` has ended.
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
        """Ends ``spin`` with an exit code for the process, from any thread."""
        self.code = code
        self._ended = True
        self.wake()

    def _make_handler(self, entity: Any, node: Node, take: Callable[[Any], Any], *call: Callable[..., Any]) -> Any:
        """Guards what takes a message and, depending on the release of rclpy, what calls the callback."""
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
    """What an entity of rclpy is called in reports."""
    name = getattr(entity, "srv_name", None) or getattr(entity, "topic", None)
    kind = type(entity).__name__.lower()
    return f"{kind} {name}" if name else kind


def _say_failed(request: Any, response: Any, reason: str) -> None:
    """Fills a response of the common types of services."""
    failed = SetParametersResult(successful=False, reason=reason)
    if hasattr(response, "results"):  # of SetParameters, one for each parameter
        missing = len(request.parameters) - len(response.results)
        response.results = [*response.results, *[failed] * missing]
    elif isinstance(getattr(response, "result", None), SetParametersResult):
        response.result = failed
    if hasattr(response, "success"):
        response.success = False
    if hasattr(response, "message"):
        response.message = reason
