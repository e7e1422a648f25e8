"""Long lifecycle transitions, in a thread of their own."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.task import Future

from mdsm_ros.ros.process.guard import Guard

SLOW = (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)
SLOW_LABELS = ("configure", "activate")
Callback = Callable[[Any, LifecycleState], TransitionCallbackReturn]


class Transitions:
    """Runs configure and activate in a thread, one at a time, while all services and timers continue.

    ``~/change_state`` answers when the transition is over, as lifecycle managers expect. A transition that is not
    possible, for instance because another one is running, is answered with success=False; rclpy (7.1, 3.3) raises
    instead.
    """

    def __init__(self, node: LifecycleNode, guard: Guard) -> None:
        self._node = node
        self._guard = guard
        self._free = threading.Lock()
        self._thread: threading.Thread | None = None
        service = node._service_change_state
        self._change_state = service.callback
        service.callback = self._answer
        service.callback_group = ReentrantCallbackGroup()  # only its answer may wait
        service.callback_group.add_entity(service)

    def run(self, transitions: Callable[[], Any], done: Callable[[Any], None]) -> bool:
        """Starts ``transitions`` in a thread; returns False if other transitions are running.

        Args:
            transitions: Function that changes the node's state.
            done: Function called with the result of ``transitions``, or None if it raised.
        """
        if not self._free.acquire(blocking=False):
            return False
        self._thread = threading.Thread(target=self._run, args=(transitions, done), name="mdsm_transition", daemon=True)
        self._thread.start()
        return True

    def finish(self, seconds: float) -> bool:
        """Returns whether the running transition ends within ``seconds``."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _run(self, transitions: Callable[[], Any], done: Callable[[Any], None]) -> None:
        result = None
        try:
            result = transitions()
        except BaseException as error:  # exceptions of the thread are caught nowhere else
            self._guard.note("transition", error)
        finally:
            self._free.release()
        try:
            done(result)
        except Exception as error:  # the executor may have ended
            self._guard.note("transition", error)

    async def _answer(self, request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
        label = request.transition.label
        if label in SLOW_LABELS if label else request.transition.id in SLOW:
            done = Future(executor=self._node.executor)
            done.add_done_callback(lambda _: None)  # the executor runs it, which wakes the executor up
            if self.run(lambda: self._change(request, response), done.set_result):
                await done
            else:
                self._refuse(response, "another transition is running")
        else:
            self._change(request, response)
        return response

    def _change(self, request: ChangeState.Request, response: ChangeState.Response) -> None:
        try:
            self._change_state(request, response)
        except RuntimeError as error:
            self._refuse(response, str(error))

    def _refuse(self, response: ChangeState.Response, reason: str) -> None:
        self._node.get_logger().error(f"transition refused: {reason}")
        response.success = False


def guarded_transition(callback: Callback) -> Callback:
    """Wraps an ``on_...`` of a node with a ``guard``, which logs its exceptions; rclpy hides them."""

    @functools.wraps(callback)
    def run(self: Any, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return callback(self, state)
        except Exception as error:
            self.guard.note(f"transition {callback.__name__}", error)
            return TransitionCallbackReturn.ERROR

    return run
