"""Exceptions, failures while telling failures, and a model that takes its time: the node goes on; over real DDS."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger
from test_ros_node import CUP, TIMEOUT, RedSegmenter, Robot, make_robot, robot

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.ros.process.guard import Guard, GuardedExecutor
from mdsm_ros.ros.process.model_thread import ModelThread

__all__ = ["make_robot", "robot"]  # fixtures
SOON = TIMEOUT / 2  # s, on a busy machine; a stage of the stuck model lasts TIMEOUT


def exceptions(robot: Robot) -> dict[str, str]:
    values = robot.diagnosis(2)[2]
    return {name: count for name, count in values.items() if name.startswith("exceptions: ")}


def answers(robot: Robot, stamp: int) -> None:
    robot.say_and_wait(CUP)
    robot.show(stamp)
    robot.wait_for_answer(stamp)


UNKNOWN = ParameterValue(type=200)
SEED = Parameter(name="seed", value=ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=7))


def test_parameters_of_unknown_type_are_refused(robot: Robot, capfd: pytest.CaptureFixture[str]) -> None:
    request = SetParameters.Request(parameters=[SEED, Parameter(name="seed", value=UNKNOWN), SEED])
    for _ in range(2):
        results = robot.call(SetParameters, "set_parameters", request).results
        assert [result.successful for result in results] == [True, False, False]
        assert "200" in results[1].reason
    atomic = SetParametersAtomically.Request(parameters=[Parameter(name="model", value=UNKNOWN)])
    result = robot.call(SetParametersAtomically, "set_parameters_atomically", atomic).result
    assert (result.successful, "200" in result.reason) == (False, True)
    counts = exceptions(robot)
    assert sorted(counts.values()) == ["1", "2"]
    assert any("set_parameters " in name for name in counts)
    assert capfd.readouterr().err.count("Traceback") == 2
    answers(robot, 1)


@pytest.mark.parametrize("place", ["_frames.check", "ask"])
def test_an_exception_of_a_subscription_is_counted(
    robot: Robot, place: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    robot.say_and_wait(CUP)
    with monkeypatch.context() as patch:
        camera, (*path, method) = robot.node.cameras[0], place.split(".")
        patch.setattr(getattr(camera, path[0]) if path else camera, method, lambda *_: os.environ["NO_SUCH_VARIABLE"])
        for stamp in (1, 2):
            robot.show(stamp)
        robot.wait(lambda: exceptions(robot) == {"exceptions: subscription /image (KeyError)": "2"})
    assert any(
        report.status[0].level == b"\x02" and "exception in subscription /image" in report.status[0].message
        for report in robot.received["/diagnostics"]
    )
    assert capfd.readouterr().err.count("Traceback") == 1
    answers(robot, 3)


def test_an_exception_of_a_timer_or_service_is_counted(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(robot.node.cameras[0]._reporter, "report", lambda *_: 1 / 0)
        robot.wait(lambda: robot.node.guard.counts()["timer of /diagnostics (ZeroDivisionError)"])
        patch.setattr(robot.node.cameras[0], "_missing", lambda: 1 / 0)
        answer = robot.call(Trigger, "segment", Trigger.Request())
        assert (answer.success, answer.message) == (False, "ZeroDivisionError: division by zero")
    assert len(exceptions(robot)) == 2
    answers(robot, 1)


def test_a_failure_of_telling_a_failure_is_survived(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("cannot publish")

    with monkeypatch.context() as patch:
        patch.setattr(robot.node.cameras[0]._outputs, "publish_error", fail)
        robot.say_and_wait("break down")
        robot.show(1)
        robot.wait(lambda: robot.node.guard.counts()["worker (RuntimeError)"] == 1)
        answer = robot.call(Trigger, "segment", Trigger.Request())
        assert (answer.success, answer.message) == (False, "RuntimeError: cannot publish")
        robot.show(2, step=3)
        robot.wait(lambda: robot.node.guard.counts()["subscription /image (RuntimeError)"] == 1)
    answers(robot, 3)


class Panic(BaseException):
    """As libraries in Rust raise it."""


def test_a_panic_of_the_model_is_survived(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(*_: Any, **__: Any) -> Iterator[Segmentation]:
        raise Panic("byte index 3 is not a char boundary")

    with monkeypatch.context() as patch:
        patch.setattr(robot.segmenter, "stream", stream)
        robot.say_and_wait(CUP)
        robot.show(1)
        robot.wait(lambda: robot.node.guard.counts()["worker (Panic)"] == 1)
    answers(robot, 2)


def test_text_that_is_no_unicode_is_told_all_the_same(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(*_: Any, **__: Any) -> Iterator[Segmentation]:
        raise OSError("caf\udce9.safetensors is missing")  # a name in Latin-1, as Python reads it

    with monkeypatch.context() as patch:
        patch.setattr(robot.segmenter, "stream", stream)
        robot.say_and_wait(CUP)
        robot.show(1)
        robot.wait_for_errors(1)
        assert "caf?.safetensors is missing" in robot.errors()[0]
    robot.node._error = "cannot load caf\udce9"
    robot.wait_for_verdict("cannot load caf?")


@pytest.fixture
def guarded(ros_domain: int) -> Iterator[tuple[Any, Guard, GuardedExecutor]]:
    """A node that spins in a guarded executor."""
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("guarded", context=context)
    guard = Guard(node.get_logger(), context)
    executor = GuardedExecutor(guard, context=context)
    executor.add_node(node)
    ended = threading.Event()

    def spin() -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            ended.set()

    thread = threading.Thread(target=spin)
    thread.start()
    yield node, guard, executor
    context.try_shutdown()
    thread.join(TIMEOUT)
    assert ended.is_set()
    node.destroy_node()


def test_the_executor_survives_what_raises(
    guarded: tuple[Any, Guard, GuardedExecutor], monkeypatch: pytest.MonkeyPatch
) -> None:
    node, guard, executor = guarded
    heard: list[str] = []

    def hear(message: String) -> None:
        heard.append(message.data)
        assert message.data == "good"

    node.create_subscription(String, "topic", hear, 10)
    voice = node.create_publisher(String, "topic", 10)
    Robot.wait(voice.get_subscription_count)
    voice.publish(String(data="raises"))
    Robot.wait(lambda: guard.counts()["subscription topic (AssertionError)"] == 1)
    take = executor._take_subscription
    calls = iter((1, 0))

    def take_badly(subscription: Any) -> Any:
        take(subscription)
        return 1 / next(calls)

    with monkeypatch.context() as patch:  # a message that cannot be converted
        patch.setattr(executor, "_take_subscription", take_badly)
        for _ in range(2):
            voice.publish(String(data="not taken"))
            time.sleep(0.2)
        Robot.wait(lambda: guard.counts()["subscription topic (ZeroDivisionError)"] == 1)
    executor.create_task(lambda: 1 / 0)
    Robot.wait(lambda: guard.counts()["executor (ZeroDivisionError)"] == 1)
    voice.publish(String(data="good"))
    Robot.wait(lambda: heard == ["raises", "good"])


class StuckSegmenter(RedSegmenter):
    """Loading and each stage last until they are let go; nothing else ends them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.stages = 0
        self.go = threading.Event()
        super().__init__(*arguments, **options)

    def stream(self, *arguments: Any, **options: Any) -> Iterator[Segmentation]:
        self.stages += 1
        assert self.go.wait(TIMEOUT)
        yield from super().stream(*arguments, **options)


class StuckRobot(Robot):
    def __init__(self, **parameters: Any) -> None:
        self.loading, self.may_load = threading.Event(), threading.Event()
        self.may_load.set()
        super().__init__(**parameters)

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Any:
        self.loading.set()
        assert self.may_load.wait(TIMEOUT)
        self.segmenters.append(StuckSegmenter(name, device=device, acceleration=acceleration))
        return self.segmenters[-1]

    def go(self) -> None:
        self.may_load.set()
        for segmenter in self.segmenters:
            segmenter.go.set()  # type: ignore[attr-defined]

    def close(self) -> None:
        self.go()
        super().close()


@pytest.fixture
def stuck(ros_domain: int) -> Iterator[StuckRobot]:
    robot = StuckRobot(image_reliability="reliable")
    yield robot
    robot.close()


def test_deactivate_and_cleanup_do_not_wait_for_a_stage(stuck: StuckRobot) -> None:
    stuck.start()
    first = stuck.segmenter
    stuck.say_and_wait(CUP)
    stuck.show(1)
    stuck.wait(lambda: first.stages == 1)  # type: ignore[attr-defined]
    waiting = stuck.client.create_client(Trigger, "mdsm/segment")
    assert waiting.wait_for_service(TIMEOUT)
    answer = waiting.call_async(Trigger.Request())
    stuck.wait(lambda: stuck.node.cameras[0]._waiters)
    begin = time.monotonic()
    assert stuck.change_state(Transition.TRANSITION_DEACTIVATE)
    assert stuck.change_state(Transition.TRANSITION_CLEANUP)
    assert time.monotonic() - begin < SOON
    stuck.wait(answer.done)
    assert answer.result().message == "the node was deactivated"
    assert not first.closed
    stuck.go()
    stuck.wait(lambda: first.closed)
    assert stuck.change_state(Transition.TRANSITION_CONFIGURE)
    assert stuck.change_state(Transition.TRANSITION_ACTIVATE)
    stuck.go()
    stuck.wait_until_connected()
    answers(stuck, 2)
    assert stuck.stamps("mask") == [2]


def test_a_stage_of_before_never_runs_beside_one_of_now(stuck: StuckRobot) -> None:
    stuck.start()
    stuck.say_and_wait(CUP)
    stuck.show(1)
    segmenter: Any = stuck.segmenter
    stuck.wait(lambda: segmenter.stages == 1)
    assert stuck.change_state(Transition.TRANSITION_DEACTIVATE)
    client = stuck.client.create_client(ChangeState, "mdsm/change_state")
    assert client.wait_for_service(TIMEOUT)
    activate = client.call_async(ChangeState.Request(transition=Transition(label="activate")))
    assert stuck.call(SetBool, "set_enabled", SetBool.Request(data=True)).success
    time.sleep(0.2)
    assert not activate.done()  # warming up waits for the stage
    segmenter.go.set()
    stuck.wait(activate.done)
    assert activate.result().success
    stuck.wait_until_connected()
    stuck.show(2)
    stuck.wait_for_answer(2)
    assert stuck.stamps("mask") == [2]


def test_the_node_answers_while_it_loads(stuck: StuckRobot) -> None:
    stuck.may_load.clear()
    client = stuck.client.create_client(ChangeState, "mdsm/change_state")
    assert client.wait_for_service(TIMEOUT)
    configure = client.call_async(ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE)))
    assert stuck.loading.wait(TIMEOUT)
    assert stuck.call(GetState, "get_state", GetState.Request()).current_state.label == "configuring"
    stuck.wait_for_verdict("configuring: loading the model")
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP):
        assert not stuck.change_state(transition)
    request = SetParameters.Request(parameters=[SEED])
    assert stuck.call(SetParameters, "set_parameters", request).results[0].successful
    answer = stuck.call(Trigger, "segment", Trigger.Request())
    assert (answer.success, answer.message) == (False, "the node is not active")
    stuck.may_load.set()
    stuck.wait(configure.done)
    assert configure.result().success
    assert stuck.call(GetState, "get_state", GetState.Request()).current_state.label == "inactive"
    assert stuck.node._settings.seed == 7


def test_what_a_transition_raises_is_logged(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(robot.node, "_stop", lambda: 1 / 0)
        assert not robot.change_state(Transition.TRANSITION_DEACTIVATE)
        robot.wait(lambda: robot.node.guard.counts()["transition on_deactivate (ZeroDivisionError)"] == 1)


def test_the_model_thread_runs_one_after_the_other() -> None:
    thread = ModelThread()
    go = threading.Event()
    order: list[int] = []
    thread.submit(lambda: go.wait(TIMEOUT))
    for number in range(3):
        thread.submit(functools.partial(order.append, number))
    assert not thread.finish(0.01)
    assert order == []
    go.set()
    assert thread.finish(TIMEOUT)
    assert order == [0, 1, 2]
    with pytest.raises(RuntimeError):
        thread.submit(int)


def test_a_panic_in_the_model_thread_is_an_ordinary_exception() -> None:
    def panic() -> None:
        raise Panic("no")

    thread = ModelThread()
    with pytest.raises(RuntimeError, match="Panic: no"):
        thread.call(panic)
    assert thread.call(lambda: 5) == 5
    assert thread.finish(TIMEOUT)
