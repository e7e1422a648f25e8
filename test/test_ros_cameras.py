"""Two cameras and one node over real DDS: they take turns, and everything that is said names its camera."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import Transition
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger
from test_ros_node import BOOK, CUP, LATCHED, RELIABLE, Robot, header, picture
from test_ros_together import HEIGHT, WIDTH, GatedSegmenter, cups_at, view

from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.recordings.notes import read_note
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.interface.topics import TOPICS, name_of

pytestmark = pytest.mark.ros

FRONT, REAR = "front", "rear"
CAMERAS = [FRONT, REAR]
CAMERA_INFO = CameraInfo(
    width=WIDTH,
    height=HEIGHT,
    k=[100.0, 0, WIDTH / 2, 0, 100, HEIGHT / 2, 0, 0, 1],
    p=[100.0, 0, WIDTH / 2, 0, 0, 100, HEIGHT / 2, 0, 0, 0, 1, 0],
)


class Eyes(Robot):
    """A robot with a camera in front and one at the rear."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(cameras=CAMERAS, image_reliability="reliable", image_depth=50, **parameters)
        kinds = (("mask", Image), ("initial_mask", Image), ("status", String))
        for camera in CAMERAS:
            for name, kind in kinds:
                self.listen(f"mdsm/{camera}/{name}", kind)
        self.images = {name: self.client.create_publisher(Image, f"{name}/image", RELIABLE) for name in CAMERAS}
        self.voices = {name: self.client.create_publisher(String, f"{name}/instruction", LATCHED) for name in CAMERAS}

    def wait_until_connected(self) -> None:
        self.wait_for_subscribers(self.voice, *self.images.values(), *self.voices.values())
        heard = {f"/{topic}" for topic in self.received if topic.startswith("mdsm/")}
        outputs = [output for output in self.node.publishers if output.topic_name in heard]
        self.wait_for_subscribers(*outputs)

    def wait_for_subscribers(self, *publishers: Publisher) -> None:
        self.wait(lambda: all(publisher.get_subscription_count() for publisher in publishers))

    def show_to(self, camera: str, stamp: int, pixels: np.ndarray | None = None) -> None:
        pixels = picture() if pixels is None else pixels
        self.images[camera].publish(numpy_to_image(pixels, "rgb8", header(stamp)))

    def tell(self, camera: str, instruction: str) -> None:
        self.voices[camera].publish(String(data=instruction))

    def said(self, camera: str, stage: str | None = "refined") -> list[tuple[int, str]]:
        """Stamps and instructions of a camera's answers."""
        lines = [json.loads(message.data) for message in self.received[f"mdsm/{camera}/status"]]
        assert all(line["camera"] == camera for line in lines)
        return [(line["stamp"]["sec"], line["instruction"]) for line in lines if line["stage"] == stage]

    def wait_for(self, camera: str, *answers: tuple[int, str]) -> None:
        masks = self.received[f"mdsm/{camera}/mask"]
        self.wait(lambda: self.said(camera) == list(answers) and len(masks) >= len(answers))


def verdicts(report: DiagnosticArray) -> dict[str, str]:
    """The messages of a report, by the name of their status."""
    return {status.name: status.message for status in report.status}


@pytest.fixture
def make_eyes(ros_domain: int) -> Iterator[Callable[..., Eyes]]:
    made: list[Eyes] = []

    def make(**parameters: Any) -> Eyes:
        made.append(Eyes(**parameters))
        made[-1].start()
        return made[-1]

    yield make
    for eyes in made:
        eyes.close()


def test_an_instruction_for_all_and_one_for_each(make_eyes: Callable[..., Eyes]) -> None:
    eyes = make_eyes()
    eyes.say_and_wait(CUP)
    eyes.show_to(FRONT, 1)
    eyes.show_to(REAR, 2)
    eyes.wait_for(FRONT, (1, CUP))
    eyes.wait_for(REAR, (2, CUP))
    masks = [eyes.received[f"mdsm/{camera}/mask"][0] for camera in CAMERAS]
    assert [mask.header.stamp.sec for mask in masks] == [1, 2]
    assert image_to_numpy(masks[0])[5, 5] == 255
    eyes.tell(REAR, BOOK)
    eyes.wait_for(REAR, (2, CUP), (2, BOOK))
    eyes.show_to(FRONT, 3)
    eyes.wait_for(FRONT, (1, CUP), (3, CUP))
    eyes.say("get the cup")  # for all, again
    eyes.wait_for(REAR, (2, CUP), (2, BOOK), (2, "get the cup"))
    eyes.wait(lambda: eyes.said(FRONT)[-1] == (3, "get the cup"))
    assert eyes.received["mdsm/mask"] == eyes.received["mdsm/status"] == []
    eyes.tell(FRONT, "  ")
    eyes.wait(lambda: len(eyes.said(FRONT, None)) == 1)  # refused by this camera only
    assert eyes.said(REAR, None) == []


def test_cameras_take_turns_and_a_slow_one_holds_no_other_up(make_eyes: Callable[..., Eyes]) -> None:
    eyes = make_eyes()
    order = eyes.segmenter.instructions
    for camera, instruction in ((FRONT, CUP), (REAR, BOOK)):
        eyes.tell(camera, instruction)
    eyes.wait(lambda: [camera.instruction for camera in eyes.node.cameras] == [CUP, BOOK])
    eyes.segmenter.may_refine.clear()
    eyes.show_to(FRONT, 1)
    eyes.wait(lambda: order == [CUP])
    for stamp in range(2, 22):
        eyes.show_to(FRONT, stamp)
    eyes.show_to(REAR, 100)
    eyes.wait(lambda: eyes.waiting() == {FRONT: 21, REAR: 100})
    eyes.segmenter.may_refine.set()
    eyes.wait_for(FRONT, (1, CUP), (21, CUP))
    eyes.wait_for(REAR, (100, BOOK))
    assert order == [CUP, BOOK, CUP]  # the rear camera's turn, although front has sent twenty images meanwhile
    reports = eyes.received["/diagnostics"]
    begin = len(reports)
    for stamp in (22, 23):
        eyes.show_to(FRONT, stamp)
        eyes.wait(lambda: eyes.said(FRONT)[-1] == (stamp, CUP))  # noqa: B023, called at once
    names = [f"mdsm: segmentation of {camera}" for camera in CAMERAS]
    eyes.wait(lambda: any(verdicts(report)[names[1]] == "no images on /rear/image" for report in reports[begin:]))
    begin = len(reports)
    eyes.show_to(FRONT, 24)  # most verdicts are in one report only, after which others may come
    eyes.wait(lambda: any(verdicts(report)[names[0]].startswith("answering; ") for report in reports[begin:]))
    assert list(verdicts(reports[-1])) == names
    values = {value.key: value.value for value in reports[-1].status[1].values}
    assert values["camera"] == REAR
    assert values["images received"] == "1"


def test_an_instruction_for_one_camera_leaves_the_answer_of_another_alone(make_eyes: Callable[..., Eyes]) -> None:
    eyes = make_eyes(instruction=CUP)
    eyes.show_to(REAR, 1)
    eyes.wait_for(REAR, (1, CUP))
    eyes.segmenter.may_refine.clear()
    eyes.show_to(FRONT, 2)
    eyes.wait(lambda: eyes.said(FRONT, "initial") == [(2, CUP)])
    eyes.tell(REAR, BOOK)
    eyes.wait(lambda: eyes.node.cameras[1].instruction == BOOK)
    eyes.segmenter.may_refine.set()
    eyes.wait_for(FRONT, (2, CUP))
    eyes.wait_for(REAR, (1, CUP), (1, BOOK))
    assert eyes.node.cameras[0].statistics.counts().cancelled == 0


def test_services_of_all_cameras_and_of_one(make_eyes: Callable[..., Eyes]) -> None:
    eyes = make_eyes()
    answer = eyes.call(Trigger, "segment", Trigger.Request())
    reasons = [f"no image has arrived on /{camera}/image" for camera in CAMERAS]
    assert (answer.success, answer.message) == (False, "\n".join(reasons))
    eyes.call(SetBool, f"{REAR}/set_enabled", SetBool.Request(data=False))
    eyes.show_to(REAR, 1)
    eyes.show_to(FRONT, 2)
    eyes.wait(lambda: all(camera._newest for camera in eyes.node.cameras))
    answer = eyes.call(Trigger, f"{REAR}/segment", Trigger.Request())
    assert answer.message == "no instruction has arrived on /rear/instruction or /instruction"
    eyes.say(CUP)
    eyes.wait_for(FRONT, (2, CUP))
    assert eyes.said(REAR) == []
    answer = eyes.call(Trigger, f"{REAR}/segment", Trigger.Request())
    assert answer.success
    assert json.loads(answer.message)["camera"] == REAR
    answer = eyes.call(Trigger, "segment", Trigger.Request())
    assert answer.success
    assert [json.loads(line)["camera"] for line in answer.message.splitlines()] == CAMERAS
    eyes.call(SetBool, "set_enabled", SetBool.Request(data=True))
    eyes.show_to(REAR, 3)
    eyes.wait(lambda: (3, CUP) in eyes.said(REAR))


class AskingEyes(Eyes):
    """Cameras whose model finds cups, of which there may be two, and can be held up."""

    segmenter: GatedSegmenter

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Any:
        self.segmenters.append(GatedSegmenter(name, device=device, acceleration=acceleration))
        return self.segmenters[-1]


def test_questions_tracking_depth_and_hard_frames_of_one_camera(ros_domain: int, tmp_path: Path) -> None:
    eyes = AskingEyes(depth=True, track=True, ask=True, keep_hard_frames=str(tmp_path), instruction="get the cup")
    try:
        for camera in CAMERAS:
            eyes.listen(f"mdsm/{camera}/question", String)
            eyes.listen(f"mdsm/{camera}/object_pose", PoseStamped)
        info = eyes.client.create_publisher(CameraInfo, "rear/camera_info", RELIABLE)
        depth = eyes.client.create_publisher(Image, "rear/depth", RELIABLE)
        reply = eyes.client.create_publisher(String, "mdsm/rear/reply", RELIABLE)
        eyes.start()
        eyes.wait_for_subscribers(info, depth, reply)
        assert {path.name for path in tmp_path.iterdir()} == set(CAMERAS)
        eyes.show_to(REAR, 1, view(20, 120))
        questions = eyes.received["mdsm/rear/question"]
        eyes.wait(lambda: len(questions) == 1)
        reply.publish(String(data="the right one"))
        eyes.wait(lambda: len(questions) == 2)
        assert json.loads(questions[1].data)["settled"] == "answered: the right one"
        assert all(json.loads(question.data)["camera"] == REAR for question in questions)
        corrected = tmp_path / REAR / "1000000007"
        eyes.wait(corrected.with_suffix(".jpg").exists)  # it is written after the note
        np.testing.assert_array_equal(
            read_note(corrected.with_suffix(".json")).chosen("get the cup", (HEIGHT, WIDTH)), cups_at(120)
        )
        assert list((tmp_path / FRONT).iterdir()) == []
        masks = eyes.received["mdsm/rear/mask"]
        eyes.wait(lambda: masks and np.array_equal(image_to_numpy(masks[-1]) > 0, cups_at(120)))
        eyes.show_to(FRONT, 1, view(20))
        eyes.wait(lambda: eyes.said(FRONT, "initial"))
        info.publish(CAMERA_INFO)
        depth.publish(numpy_to_image(np.ones((HEIGHT, WIDTH), np.float32), "32FC1", header(2)))
        buffer = eyes.node.cameras[1]._channel.objects.depth.buffer  # type: ignore[union-attr]
        eyes.wait(lambda: buffer._info is not None and buffer._images)
        eyes.wait_until_idle()  # by then the tracker has the answer
        eyes.segmenter.may_answer.clear()  # no mask is tracked to an image that the model has answered
        eyes.show_to(REAR, 2, view(20, 120))
        eyes.wait(lambda: eyes.said(REAR, "tracked"))
        eyes.segmenter.may_answer.set()
        poses = eyes.received["mdsm/rear/object_pose"]
        eyes.wait(lambda: poses)
        assert poses[0].header.stamp.sec == 2
        assert poses[0].pose.position.x > 0.1  # the right one
        assert eyes.received["mdsm/front/question"] == eyes.received["mdsm/front/object_pose"] == []
        assert eyes.node.cameras[0].statistics.counts().bad == {"camera_info": 1}
        assert eyes.node.cameras[1].statistics.counts().bad["depth"] == 0
    finally:
        for segmenter in eyes.segmenters:
            segmenter.open()  # type: ignore[attr-defined]
        eyes.close()


def test_the_names_of_topics_and_services(make_eyes: Callable[..., Eyes]) -> None:
    eyes = make_eyes(depth=True)
    ends = [*eyes.node.subscriptions, *eyes.node.publishers]
    found = {end.topic_name for end in ends}
    raw = [topic for topic in TOPICS if "ompressed" not in topic.name and topic.message_type() is not None]
    for camera in CAMERAS:
        wanted = {name_of(topic.name, camera).replace("~", "mdsm") for topic in raw}
        assert {f"/{name.lstrip('/')}" for name in wanted} <= found
    assert "/instruction" in found
    assert not {"/image", "/mdsm/mask"} & found
    for transition in ("DEACTIVATE", "CLEANUP", "CONFIGURE", "ACTIVATE"):
        assert eyes.change_state(getattr(Transition, f"TRANSITION_{transition}"))
    assert len({end.topic_name for end in [*eyes.node.subscriptions, *eyes.node.publishers]} ^ found) == 0
