"""Questions back over real DDS: an instruction, a question, a reply, and the mask of the object that was chosen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from lifecycle_msgs.msg import Transition
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String
from test_ros_node import BOOK, RELIABLE, RedSegmenter, Robot

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.recordings.notes import Note, read_note

pytestmark = pytest.mark.ros

CUP = "get the cup"


class CupSegmenter(RedSegmenter):
    """Everything red is a cup, whatever else an instruction says of it; nothing is a book."""

    def __init__(self, name: str = "red", *, device: str = "auto", acceleration: str = "none") -> None:
        super().__init__(name, device=device, acceleration=acceleration)
        self.defaults = InferenceSettings(num_inference_steps=0)
        self.nouns: list[str] = []

    def segment(self, image: np.ndarray, instruction: str, settings: InferenceSettings) -> Segmentation:
        self.nouns.append(instruction)
        *_, final = self.stream(image, instruction, settings)
        return final

    def stream(
        self,
        image: np.ndarray,
        instruction: str,
        settings: InferenceSettings,
        *,
        keep_on: Callable[[], bool] = lambda: True,
        answer_shape: tuple[int, int] | None = None,
    ) -> Iterator[Segmentation]:
        pixels = image if "cup" in instruction else np.zeros_like(image)
        return super().stream(pixels, instruction, settings, keep_on=keep_on, answer_shape=answer_shape)


class AskingRobot(Robot):
    """A robot that listens to questions and can reply."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(image_reliability="reliable", image_depth=50, **parameters)
        self.listen("mdsm/question", String)
        self.answer = self.client.create_publisher(String, "mdsm/reply", RELIABLE)

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Any:
        self.segmenters.append(CupSegmenter(name, device=device, acceleration=acceleration))
        return self.segmenters[-1]

    def wait_until_heard(self) -> None:
        """Until no question and no reply is lost: by then the node has a reliable subscription beside the first."""
        (question,) = (output for output in self.node.publishers if output.topic_name.endswith("/question"))
        self.wait(question.get_subscription_count)
        self.wait(lambda: self.answer.get_subscription_count() == 2)

    def reply(self, text: str) -> None:
        self.answer.publish(String(data=text))

    def questions(self) -> list[dict[str, Any]]:
        return [json.loads(message.data) for message in self.received["mdsm/question"]]

    def asked(self, count: int) -> dict[str, Any]:
        """The ``count``-th line on ~/question."""
        self.wait(lambda: len(self.questions()) >= count)
        assert len(self.questions()) == count
        return self.questions()[-1]

    def masks(self, count: int) -> np.ndarray:
        """The ``count``-th mask."""
        self.wait(lambda: len(self.received["mdsm/mask"]) >= count)
        mask: np.ndarray = image_to_numpy(self.received["mdsm/mask"][count - 1]) > 0
        return mask


@pytest.fixture
def make_robot(ros_domain: int) -> Iterator[Callable[..., AskingRobot]]:
    robots: list[AskingRobot] = []

    def make(**parameters: Any) -> AskingRobot:
        robots.append(AskingRobot(**parameters))
        robots[-1].start()
        robots[-1].wait_until_heard()
        return robots[-1]

    yield make
    for robot in robots:
        robot.close()


def cups(*columns: int) -> np.ndarray:
    """Red squares on blue, 10 pixels wide, from these columns on."""
    pixels = np.zeros((48, 96, 3), np.uint8)
    pixels[..., 2] = 200
    for column in columns:
        pixels[20:30, column : column + 10] = (250, 0, 0)
    return pixels


def red(pixels: np.ndarray, first: int = 0, last: int = 96) -> np.ndarray:
    """Where the squares between two columns are."""
    found: np.ndarray = pixels[..., 0] > 0
    found[:, :first] = found[:, last:] = False
    return found


def test_a_question_is_settled_by_a_reply(make_robot: Callable[..., AskingRobot]) -> None:
    robot = make_robot(ask=True)
    robot.say_and_wait(CUP)
    robot.show(1, cups(10, 60))
    question = robot.asked(1)
    assert question["question"] == "Which cup: the left one or the right one?"
    assert question["instruction"] == CUP
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    late: list[String] = []
    robot.client.create_subscription(String, "mdsm/question", late.append, latched)
    robot.wait(lambda: late)  # the question is open: who comes later must hear it as well
    assert json.loads(late[0].data) == question
    assert question["stamp"]["sec"] == 1
    assert [(option["number"], option["words"]) for option in question["options"]] == [
        (1, "the left one"),
        (2, "the right one"),
    ]
    assert sorted(option["box"] for option in question["options"]) == [[10, 20, 10, 10], [60, 20, 10, 10]]
    np.testing.assert_array_equal(robot.masks(1), red(cups(10, 60)))  # the model's own answer until there is a reply
    robot.reply("the green one")
    robot.wait_for_errors(1)
    assert robot.errors()[0].startswith("reply is 'the green one', expected one of 'the left one', 'the right one'")
    robot.reply("the right one, please")
    assert robot.asked(2)["settled"] == "answered: the right one"
    np.testing.assert_array_equal(robot.masks(2), red(cups(60)))
    assert robot.stamps("mask") == [1, 1]
    robot.show(2, cups(14, 64))  # the camera moves a little: the chosen one stays chosen
    np.testing.assert_array_equal(robot.masks(3), red(cups(64)))
    robot.show(3, cups(40, 84))  # and far: what was said of it tells it apart
    np.testing.assert_array_equal(robot.masks(4), red(cups(84)))
    assert len(robot.questions()) == 2


def test_questions_end_with_scene_instruction_and_parameter(make_robot: Callable[..., AskingRobot]) -> None:
    robot = make_robot(ask=True)
    robot.reply("left")
    robot.wait_for_errors(1)
    assert "no question is open" in robot.errors()[0]
    robot.say_and_wait(CUP)
    robot.show(1, cups(10, 60))
    assert robot.asked(1)["options"]
    robot.show(2, cups(12, 62))
    robot.masks(2)
    robot.show(3, cups(40))
    assert robot.asked(2)["settled"] == "the scene changed"  # and the slight change before it asked nothing anew
    robot.show(4, cups(10, 80))
    assert robot.asked(3)["stamp"]["sec"] == 4
    robot.show(5, cups())  # nothing is in view
    assert (robot.asked(4)["settled"], robot.questions()[-1]["stamp"]["sec"]) == ("the scene changed", 5)
    robot.show(6, cups(10, 80))
    assert robot.asked(5)["stamp"]["sec"] == 6
    robot.say(BOOK)
    assert robot.asked(6)["settled"] == "a new instruction"
    robot.say(CUP)
    assert robot.asked(7)["options"]
    robot.reply("neither")
    assert robot.asked(8)["settled"] == "answered: neither"
    robot.say("bring the cup")
    assert robot.asked(9)["options"]
    robot.node.set_parameters([Parameter("ask", value=False)])
    assert robot.asked(10)["settled"] == "parameter ask is false"


def test_a_question_ends_with_the_node_and_is_asked_anew(make_robot: Callable[..., AskingRobot]) -> None:
    robot = make_robot(ask=True)
    robot.say_and_wait(CUP)
    robot.show(1, cups(10, 60))
    assert robot.asked(1)["options"]
    assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
    assert robot.asked(2)["settled"] == "the node was deactivated"
    assert robot.change_state(Transition.TRANSITION_ACTIVATE)
    robot.wait_until_connected()
    robot.show(2, cups(10, 60))
    assert robot.asked(3)["options"]


def test_clauses_are_not_asked_about_and_relations_apply_them(make_robot: Callable[..., AskingRobot]) -> None:
    robot = make_robot(ask=True, relations=True)
    robot.say_and_wait("get the left cup")
    robot.show(1, cups(10, 60))
    np.testing.assert_array_equal(robot.masks(1), red(cups(10)))
    robot.say("get all the cups")
    np.testing.assert_array_equal(robot.masks(2), red(cups(10, 60)))
    assert robot.questions() == []
    robot.node.set_parameters([Parameter("relations", value=False)])
    robot.masks(3)
    robot.say("get the left cup")
    np.testing.assert_array_equal(robot.masks(4), red(cups(10, 60)))
    assert isinstance(robot.segmenter, CupSegmenter)
    assert set(robot.segmenter.nouns) == {"find the cup"}


def test_frames_that_a_person_corrected_are_kept(make_robot: Callable[..., AskingRobot], tmp_path: Path) -> None:
    folder = tmp_path / "hard"
    robot = make_robot(ask=True, keep_hard_frames=str(folder))

    def kept() -> dict[int, Note]:
        """The notes of the frames, by their second. An image is written after its note."""
        return {int(path.stem) // 10**9: read_note(path.with_suffix(".json")) for path in folder.glob("*.jpg")}

    robot.say_and_wait(CUP)
    robot.show(1, cups(10, 60))
    assert robot.asked(1)["stamp"]["sec"] == 1
    robot.show(2, cups(12, 62))  # the same question
    robot.masks(2)
    robot.reply("the green one")
    robot.wait_for_errors(1)
    robot.reply("the right one")
    assert robot.asked(2)["settled"] == "answered: the right one"
    robot.wait(lambda: 1 in kept())
    mask = kept()[1].chosen(CUP, (48, 96))
    assert mask is not None
    np.testing.assert_array_equal(mask, red(cups(60)))
    robot.masks(3)
    robot.say_and_wait("bring the cup")
    assert robot.asked(3)["options"]
    robot.say_and_wait(BOOK)  # says nothing about the question
    assert robot.asked(4)["settled"] == "a new instruction"
    robot.show(3, cups(10, 60))
    robot.wait(lambda: 3 in robot.stamps("mask"))
    robot.say_and_wait(CUP)
    assert robot.asked(5)["stamp"]["sec"] == 3
    robot.reply("none of them")
    assert robot.asked(6)["settled"] == "answered: neither"
    robot.wait(lambda: 3 in kept())
    assert kept()[3] == Note(CUP, ("corrected",))
    assert set(kept()) == {1, 3}

    shutil.rmtree(folder)
    robot.say_and_wait("fetch the cup")
    assert robot.asked(7)["options"]
    robot.reply("left")
    robot.wait_for_values({"bad messages: hard frames": "1"})
    robot.show(4, cups(10, 60))
    robot.wait(lambda: 4 in robot.stamps("mask"))
    np.testing.assert_array_equal(robot.masks(robot.stamps("mask").index(4) + 1), red(cups(10)))
    assert not folder.exists()
