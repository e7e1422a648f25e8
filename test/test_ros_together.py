"""The node with several of its parameters on at once: where questions, tracking, depth and kept frames meet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from lifecycle_msgs.msg import Transition
from rclpy.parameter import Parameter
from std_msgs.msg import String
from test_ros_node import LATCHED, TIMEOUT
from test_ros_questions import CUP, AskingRobot, CupSegmenter

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.recordings.images.layouts import image_to_numpy

pytestmark = pytest.mark.ros

HEIGHT, WIDTH, SIDE = 96, 192, 20
GROUND = np.random.default_rng(0).integers(0, 200, (HEIGHT // 8, WIDTH // 8, 2), dtype=np.uint8)


class GatedSegmenter(CupSegmenter):
    """Waits in the search for a noun, and before an answer, while the gates are closed."""

    def __init__(self, name: str = "red", *, device: str = "auto", acceleration: str = "none") -> None:
        super().__init__(name, device=device, acceleration=acceleration)
        self.may_find, self.may_answer = threading.Event(), threading.Event()
        self.open()
        self.is_finding = self.is_answering = False

    def open(self) -> None:
        self.may_find.set()
        self.may_answer.set()

    def segment(self, image: np.ndarray, instruction: str, settings: InferenceSettings) -> Segmentation:
        self.is_finding = True
        assert self.may_find.wait(TIMEOUT)
        self.is_finding = False
        return super().segment(image, instruction, settings)

    def stream(self, image: np.ndarray, instruction: str, *args: Any, **options: Any) -> Iterator[Segmentation]:
        if not instruction.startswith("find"):
            self.is_answering = True
            assert self.may_answer.wait(TIMEOUT)
            self.is_answering = False
        yield from super().stream(image, instruction, *args, **options)


class BusyRobot(AskingRobot):
    """A robot whose model can be held up."""

    segmenter: GatedSegmenter

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Any:
        self.segmenters.append(GatedSegmenter(name, device=device, acceleration=acceleration))
        return self.segmenters[-1]

    def seen(self, stamp: int, columns: tuple[int, ...] = ()) -> np.ndarray:
        """The newest mask of an image, once it shows the cups at these columns."""

        def shown() -> bool:
            masks = [message for message in self.received["mdsm/mask"] if message.header.stamp.sec == stamp]
            return bool(masks) and (not columns or np.array_equal(image_to_numpy(masks[-1]) > 0, cups_at(*columns)))

        self.wait(shown)
        masks = [message for message in self.received["mdsm/mask"] if message.header.stamp.sec == stamp]
        found: np.ndarray = image_to_numpy(masks[-1]) > 0
        return found

    def set(self, **values: Any) -> None:
        results = self.node.set_parameters([Parameter(name, value=value) for name, value in values.items()])
        assert all(result.successful for result in results), results

    def tracked(self) -> list[int]:
        return [status["stamp"]["sec"] for status in self.statuses() if status["stage"] == "tracked"]


@pytest.fixture
def make_robot(ros_domain: int) -> Iterator[Callable[..., BusyRobot]]:
    robots: list[BusyRobot] = []

    def make(**parameters: Any) -> BusyRobot:
        robots.append(BusyRobot(**parameters))
        robots[-1].start()
        robots[-1].wait_until_heard()
        return robots[-1]

    yield make
    for robot in robots:
        for segmenter in robot.segmenters:
            assert isinstance(segmenter, GatedSegmenter)
            segmenter.open()
        robot.close()


def is_tracked(robot: BusyRobot, stamp: int) -> bool:
    return stamp in robot.tracked()


def has_instruction(robot: BusyRobot, instruction: str) -> bool:
    return robot.node.cameras[0].instruction == instruction


def newest_second(robot: BusyRobot) -> int | None:
    """The stamp of the newest image that the node has received, in seconds."""
    newest = robot.node.cameras[0]._newest
    return None if newest is None else int(newest.header.stamp.sec)


def cups_at(*columns: int) -> np.ndarray:
    """Where red squares are, from these columns on."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for column in columns:
        mask[40 : 40 + SIDE, column : column + SIDE] = True
    return mask


def view(*columns: int) -> np.ndarray:
    """Red squares on a ground that flow can be computed on."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 1:] = np.kron(GROUND, np.ones((8, 8, 1), np.uint8))
    pixels[..., 0] = np.where(cups_at(*columns), 250, 0)
    return pixels


def test_a_reply_that_comes_while_the_model_works_counts_at_once(make_robot: Callable[..., BusyRobot]) -> None:
    robot = make_robot(ask=True, track=True, relations=True)
    robot.say_and_wait(CUP)
    robot.show(1, view(20, 120))
    robot.asked(1)
    robot.wait_until_idle()  # by then the tracker has the answer
    robot.segmenter.may_find.clear()
    robot.show(2, view(20, 120))
    robot.wait(lambda: robot.segmenter.is_finding and is_tracked(robot, 2))
    robot.wait(lambda: robot.stamps("mask") == [1, 2])  # what comes later is of after the reply
    robot.reply("the right one")
    assert robot.asked(2)["settled"] == "answered: the right one"
    robot.segmenter.may_find.set()
    np.testing.assert_array_equal(robot.seen(2, (120,)), cups_at(120))
    for message in robot.received["mdsm/mask"][2:]:  # not one of the other cup after the reply
        np.testing.assert_array_equal(image_to_numpy(message) > 0, cups_at(120))
    robot.wait(lambda: robot.stamps("mask") == [1, 2, 2, 2])  # the reply asked for another answer, which is tracked
    robot.wait_until_idle()
    robot.segmenter.may_answer.clear()
    for stamp in (3, 4):
        robot.show(stamp, view(20, 120))
        robot.wait(partial(is_tracked, robot, stamp))
        mask = robot.seen(stamp)
        assert not mask[:, :100].any()
        assert mask[:, 100:].any()


def test_a_question_of_an_answer_under_way_is_not_opened_once_ask_is_off(
    make_robot: Callable[..., BusyRobot],
) -> None:
    robot = make_robot(ask=True)
    robot.segmenter.may_find.clear()
    robot.say_and_wait(CUP)
    robot.show(1, view(20, 120))
    robot.wait(lambda: robot.segmenter.is_finding)
    robot.set(ask=False)
    robot.segmenter.may_find.set()
    robot.seen(1, (20, 120))
    robot.reply("the left one")
    robot.wait_for_errors(1)
    assert "no question is open" in robot.errors()[0]
    assert robot.questions() == []
    robot.set(ask=True)
    assert robot.asked(1)["options"]


def test_a_recording_that_is_played_again_while_the_model_works(make_robot: Callable[..., BusyRobot]) -> None:
    robot = make_robot(track=True)
    robot.say_and_wait(CUP)
    robot.show(90, view(20))
    robot.seen(90)
    robot.segmenter.may_answer.clear()
    robot.show(100, view(20))
    robot.wait(lambda: robot.segmenter.is_answering)
    for stamp in (1, 2):
        robot.show(stamp, view(20))
    robot.wait(lambda: robot.waiting() == {"": 2})
    robot.segmenter.may_answer.set()  # for the image of before
    robot.seen(2)
    robot.show(3, view(20))
    robot.seen(3)
    stamps = robot.stamps("mask")
    assert max(stamps[stamps.index(2) :]) == 3
    assert stamps[: stamps.index(2)] == sorted(stamps[: stamps.index(2)])


def test_everything_at_once_keeps_serving(make_robot: Callable[..., BusyRobot], tmp_path: Path) -> None:
    robot = make_robot(
        ask=True,
        track=True,
        relations=True,
        depth=True,
        target_frame="no_such_frame",
        transform_timeout=0.0,
        keep_hard_frames=str(tmp_path),
    )
    kinds = {output.topic_name.removeprefix("/"): output.msg_type for output in robot.node.publishers}
    kinds = {name: kind for name, kind in kinds.items() if name.startswith("mdsm/") and name not in robot.received}
    assert "mdsm/instances" in kinds
    for topic, kind in kinds.items():
        robot.listen(topic, kind)
    robot.wait(lambda: all(robot.node.count_subscribers(topic) for topic in kinds))
    stamp = 0

    def show(pixels: np.ndarray) -> int:
        nonlocal stamp
        stamp += 1
        robot.show(stamp, pixels)
        robot.seen(stamp)
        return stamp

    show_first = ["get the cup", "get all the cups", "取杯子", "cup " * 249, "x" * 1000, "a", "get the left cup"]
    for instruction in show_first:
        robot.say(instruction)
        robot.wait(partial(has_instruction, robot, instruction.strip()))
        show(view(20, 120))
        show(view(24, 124)[:80, :160])  # an image of another size
        show(view(24, 124)[:1])
        show(view(24, 124)[:, :1])
    for text in ("", "\x00\x07\n" * 5, "y" * 300_000, "第一个", "the left one\n" * 1000):
        robot.reply(text)
    robot.wait(lambda: len(robot.errors()) >= 5)
    for error in robot.errors():
        assert error.startswith("reply is "), error
        assert len(error) < 1000
    values = robot.diagnosis()[2]
    assert values["bad messages: reply"] == "5"
    assert int(values["bad messages: camera_info"]) > 0
    assert not [name for name in values if name.startswith(("failures", "exceptions"))], values
    robot.set(instruction="")
    robot.show(stamp + 1, view(20))
    robot.wait(lambda: newest_second(robot) == stamp + 1)
    for transition in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
        assert robot.change_state(getattr(Transition, f"TRANSITION_{transition}"))
    robot.wait_until_connected()
    robot.wait_until_heard()
    robot.wait(partial(has_instruction, robot, show_first[-1]))  # the latched one of before, which comes again
    robot.set(instruction="get the cup")
    stamp += 10
    robot.show(stamp, view(20, 120))
    robot.seen(stamp)
    robot.wait(lambda: robot.questions()[-1]["stamp"]["sec"] == stamp)


def test_a_latched_reply_of_before_answers_no_question(make_robot: Callable[..., BusyRobot]) -> None:
    robot = make_robot(ask=True)
    robot.say(CUP)
    latched = robot.client.create_publisher(String, "mdsm/reply", LATCHED)
    robot.wait(latched.get_subscription_count)
    robot.show(1, view(20, 120))
    robot.asked(1)
    latched.publish(String(data="the left one"))
    assert robot.asked(2)["settled"] == "answered: the left one"
    robot.say("bring the cup")
    robot.asked(3)
    for transition in ("DEACTIVATE", "ACTIVATE"):
        assert robot.change_state(getattr(Transition, f"TRANSITION_{transition}"))
    robot.wait_until_connected()
    robot.wait(latched.get_subscription_count)
    robot.show(2, view(20, 120))
    robot.seen(2, (20, 120))
    robot.wait(lambda: len(robot.questions()) >= 5)
    robot.diagnosis()
    assert len(robot.questions()) == 5  # one more ended the question when the node was deactivated
    assert robot.questions()[-1]["options"]
    assert robot.errors() == []
