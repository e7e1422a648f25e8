"""Answers that stop to be wanted while the model works: a disabled camera, an instruction that was taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger
from test_ros_node import BOOK, CUP, TIMEOUT, Robot, make_robot, robot

__all__ = ["make_robot", "robot"]  # fixtures
pytestmark = pytest.mark.ros


def hold_up(robot: Robot) -> None:
    """The model works on image 1, and image 2 waits."""
    robot.segmenter.may_refine.clear()
    robot.say_and_wait(CUP)  # before an image is answered to the instruction in force until then
    robot.show(1)
    robot.wait(lambda: robot.stamps("initial_mask") == [1])
    robot.show(2)
    robot.wait(lambda: robot.waiting() == {"": 2})


def set_instruction(robot: Robot, instruction: str) -> None:
    (result,) = robot.node.set_parameters([Parameter("instruction", value=instruction)])
    assert result.successful


def segment(robot: Robot) -> Any:
    """The future of a call of ~/segment that the node has received."""
    client = robot.client.create_client(Trigger, "mdsm/segment")
    assert client.wait_for_service(TIMEOUT)
    future = client.call_async(Trigger.Request())
    robot.wait(robot.node.cameras[0]._waiting)
    return future


def test_nothing_is_answered_once_the_node_is_disabled(robot: Robot) -> None:
    hold_up(robot)
    robot.call(SetBool, "set_enabled", SetBool.Request(data=False))
    robot.segmenter.may_refine.set()
    answer = robot.call(Trigger, "segment", Trigger.Request())  # comes after whatever was left to do
    assert json.loads(answer.message)["stamp"]["sec"] == 2
    robot.wait_for_answers(masks=1, statuses=3)
    assert robot.stamps("mask") == [2]
    assert [(status["stamp"]["sec"], status["stage"]) for status in robot.statuses()] == [
        (1, "initial"),
        (2, "initial"),
        (2, "refined"),
    ]
    assert robot.segmenter.instructions == [CUP, CUP]  # the image that waited cost nothing


def test_who_waits_for_an_answer_gets_it_though_the_node_is_disabled(robot: Robot) -> None:
    hold_up(robot)
    future = segment(robot)
    robot.call(SetBool, "set_enabled", SetBool.Request(data=False))
    robot.say_and_wait(BOOK)
    robot.segmenter.may_refine.set()
    robot.wait(future.done)
    status = json.loads(future.result().message)
    assert (status["stamp"]["sec"], status["instruction"], status["stage"]) == (2, BOOK, "refined")


def test_an_instruction_that_is_taken_back_is_not_answered_any_more(robot: Robot) -> None:
    set_instruction(robot, BOOK)
    hold_up(robot)
    future = segment(robot)
    set_instruction(robot, "")
    robot.segmenter.may_refine.set()
    robot.wait(future.done)
    assert (future.result().success, future.result().message) == (False, "no instruction has arrived on /instruction")
    robot.say(BOOK)
    robot.wait_for_answers(masks=1, statuses=3)
    answers = [(status["instruction"], status["stage"]) for status in robot.statuses()]
    assert answers == [(CUP, "initial"), (BOOK, "initial"), (BOOK, "refined")]


def test_the_parameter_works_like_a_message_though_it_keeps_its_value(robot: Robot) -> None:
    set_instruction(robot, BOOK)
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)
    set_instruction(robot, BOOK)
    robot.wait_for_answers(masks=2, statuses=4)
    assert robot.statuses()[-1]["instruction"] == BOOK
    robot.node.set_parameters([Parameter("seed", value=3)])  # another parameter says nothing
    robot.say(CUP)  # whichever comes first
    robot.node.set_parameters([Parameter("seed", value=4)])
    robot.wait(lambda: robot.node.cameras[0].instruction == CUP)
