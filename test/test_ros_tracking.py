"""Parameter track over real DDS: masks at the camera's rate while a slow model works."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from builtin_interfaces.msg import Time
from lifecycle_msgs.msg import Transition
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool
from test_ros_node import BOOK, CUP, TIMEOUT, RedSegmenter, Robot
from test_tracking import scene

from mdsm_ros.dataset.metrics import iou
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.tracking.order import StampOrder
from mdsm_ros.ros.tracking.thread import MaskTracking

pytestmark = pytest.mark.ros

PERIOD = 66_666_667  # ns, 15 Hz


class SlowSegmenter(RedSegmenter):
    """Finishes an answer without refinement each time the test says so."""

    def __init__(self, name: str = "red", *, device: str = "auto", acceleration: str = "none") -> None:
        super().__init__(name, device=device, acceleration=acceleration)
        self.turns = threading.Semaphore(0)
        self.begun: list[str] = []  # the instructions of the answers that it has begun

    def stream(
        self,
        image: np.ndarray,
        instruction: str,
        settings: InferenceSettings,
        *,
        keep_on: Callable[[], bool] = lambda: True,
        answer_shape: tuple[int, int] | None = None,
    ) -> Iterator[Segmentation]:
        self.begun.append(instruction)
        while keep_on() and not self.turns.acquire(timeout=0.01):
            pass
        yield from super().stream(image, instruction, settings, keep_on=keep_on, answer_shape=answer_shape)


class Camera(Robot):
    """A robot whose camera shows a red target that moves."""

    segmenter: SlowSegmenter

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Any:
        self.segmenters.append(SlowSegmenter(name, device=device, acceleration=acceleration))
        return self.segmenters[-1]

    def picture(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """An image and the true mask of its target."""
        pixels, truth = scene(40 + 4 * number)
        pixels[..., 0] = np.where(truth, 255, 0)
        return pixels, truth

    def film(self, number: int, *, tracked: bool) -> np.ndarray:
        """Shows an image and waits until its mask comes or the tracking has taken it; returns the true mask."""
        pixels, truth = self.picture(number)
        header = Header()
        header.stamp.sec, header.stamp.nanosec = divmod(10**9 + number * PERIOD, 10**9)
        self.camera.publish(numpy_to_image(pixels, "rgb8", header))
        if tracked:
            self.wait(lambda: number in self.masks() and number in self.tracked())
        else:
            self.wait(lambda: self.tracking()._newest == 10**9 + number * PERIOD)
        self.wait(lambda: self.segmenter.begun)  # else the next image might replace the first one
        return truth

    def tracking(self) -> MaskTracking:
        return self.node.cameras[0]._channel.tracking

    def answer(self, number: int, *, is_tracked: bool = True) -> None:
        """Lets the model finish the image that it works on, which must be this one; then it has begun the next one.

        Returns once the tracker has the answer, which comes after the status, unless ``is_tracked`` is false.
        """
        answers = len(self.answered())
        self.segmenter.turns.release()
        self.wait(lambda: len(self.answered()) > answers)
        assert self.answered()[-1] == number
        self.wait(lambda: self.segmenter.turns._value == 0)
        if is_tracked:
            stamp = 10**9 + number * PERIOD
            self.wait(lambda: (given := self.tracking()._answered) is not None and given.stamp == stamp)
        worker = self.node._worker
        assert worker is not None
        self.wait(lambda: not worker.mailbox._items)

    def masks(self) -> dict[int, np.ndarray]:
        return {number_of(m.header.stamp): image_to_numpy(m) > 127 for m in list(self.received["mdsm/mask"])}

    def tracked(self) -> dict[int, dict[str, Any]]:
        """The statuses of stage tracked, by image."""
        return {number_in(status): status for status in self.statuses() if status["stage"] == "tracked"}

    def answered(self) -> list[int]:
        """The images that the model has answered, in order."""
        return [number_in(status) for status in self.statuses() if status["stage"] == "initial"]


def number_of(stamp: Any) -> int:
    nanoseconds: int = stamp.sec * 10**9 + stamp.nanosec
    return round((nanoseconds - 10**9) / PERIOD)


def number_in(status: dict[str, Any]) -> int:
    nanoseconds: int = status["stamp"]["sec"] * 10**9 + status["stamp"]["nanosec"]
    return round((nanoseconds - 10**9) / PERIOD)


@pytest.fixture
def robot(ros_domain: int) -> Iterator[Camera]:
    robot = Camera(image_reliability="reliable", image_depth=50, track=True, num_inference_steps=0)
    robot.start()
    yield robot
    robot.segmenter.turns.release(100)
    robot.close()


def test_masks_come_at_the_rate_of_the_camera_while_the_model_works(robot: Camera) -> None:
    robot.say_and_wait(CUP)
    for number in range(4):
        robot.film(number, tracked=False)
    assert robot.masks() == {}
    robot.answer(0)
    robot.wait(lambda: list(robot.masks()) == [0])  # no newer mask is out
    for number in range(4, 8):
        truth = robot.film(number, tracked=True)
        status, mask = robot.tracked()[number], robot.masks()[number]
        assert iou(mask, truth) > 0.8
        assert (status["instruction"], status["score"], status["present"]) == (CUP, 1.0, True)
        assert status["age"] == pytest.approx(number / 15, abs=1e-3)
        assert status["timings"]["track"] > 0
    robot.answer(3)  # the newest image when the model became free
    robot.film(8, tracked=True)
    assert robot.tracked()[8]["age"] == pytest.approx(5 / 15, abs=1e-3)
    stamps = [number_of(message.header.stamp) for message in robot.received["mdsm/mask"]]
    assert stamps == [0, 4, 5, 6, 7, 8]  # never back in time: the mask of image 3 came too late
    robot.wait_for_values({"images tracked": "5", "images not tracked (superseded)": "0"})


def test_a_mask_is_dropped_with_its_instruction_and_with_the_node(robot: Camera) -> None:
    robot.say_and_wait(CUP)
    robot.film(0, tracked=False)
    robot.answer(0)
    robot.film(1, tracked=True)
    robot.say_and_wait(BOOK)
    robot.wait(lambda: robot.segmenter.begun[-1] == BOOK)  # the model works on the newest image
    robot.film(2, tracked=False)
    robot.answer(1)  # the newest image when the instruction came
    robot.film(3, tracked=True)
    assert [status["instruction"] for status in robot.tracked().values()] == [CUP, BOOK]
    for enabled in (False, True):
        assert robot.call(SetBool, "set_enabled", SetBool.Request(data=enabled)).success
        robot.wait_until_idle()  # what the model worked on is not wanted any more
    robot.film(4, tracked=False)
    assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
    assert robot.change_state(Transition.TRANSITION_ACTIVATE)
    robot.wait_until_connected()
    robot.film(5, tracked=False)
    assert robot.node.set_parameters([Parameter("track", value=False)])[0].successful
    assert "images tracked" not in robot.diagnosis()[2]
    assert sorted(robot.tracked()) == [1, 3]


def test_images_without_a_stamp_are_answered_and_the_missing_stamp_is_told(robot: Camera) -> None:
    robot.say_and_wait(CUP)
    robot.segmenter.turns.release(2)
    for count in (1, 2):
        robot.camera.publish(numpy_to_image(scene(40)[0], "rgb8", Header()))
        robot.wait(partial(is_answered_and_told, robot, count))
    robot.wait_for_values({"images answered": "2", "bad messages: image stamp": "2"})


def is_answered_and_told(robot: Camera, count: int) -> bool:
    """Whether model and tracker have had so many images; each skips what a newer image replaces."""
    told = robot.node.cameras[0].statistics.counts().bad["image stamp"]
    return len(robot.answered()) == told == count


def test_deactivation_frees_the_images_that_the_tracker_has_stored(robot: Camera) -> None:
    robot.say_and_wait(CUP)
    robot.film(0, tracked=False)
    robot.answer(0)
    robot.film(1, tracked=True)
    tracking = weakref.ref(robot.node.cameras[0]._channel.tracking)
    robot.segmenter.turns.release()
    assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
    robot.wait(lambda: gc.collect() is not None and tracking() is None)


def test_an_answer_is_the_last_mask_of_its_image(robot: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    may_track, track = threading.Event(), MaskTracking._work
    monkeypatch.setattr(MaskTracking, "_work", lambda *given: may_track.wait(TIMEOUT) and track(*given))
    robot.say_and_wait(CUP)
    robot.segmenter.turns.release()
    pixels, truth = scene(40)
    pixels[..., 0] = np.where(truth, 255, 0)
    robot.camera.publish(numpy_to_image(pixels, "rgb8", Header(stamp=Time(sec=1))))
    robot.wait(lambda: robot.tracking()._answered)  # the model was faster than the tracker
    may_track.set()
    robot.film(1, tracked=True)
    assert list(robot.tracked()) == [1]
    assert [number_of(message.header.stamp) for message in robot.received["mdsm/mask"]] == [0, 1]


def test_what_shows_a_mask_stays_in_order_with_it(robot: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    robot.listen("mdsm/instances", Image)
    (output,) = (publisher for publisher in robot.node.publishers if publisher.topic_name.endswith("instances"))
    robot.wait(output.get_subscription_count)
    robot.say_and_wait(CUP)
    robot.film(0, tracked=False)
    robot.answer(0)
    robot.film(1, tracked=True)
    may_go_on = threading.Event()
    monkeypatch.setattr(Outputs, "publish_maps", lambda *_: may_go_on.wait(TIMEOUT))  # takes as long as a pose may
    robot.answer(1, is_tracked=False)
    robot.wait(lambda: len(robot.received["mdsm/instances"]) == len(robot.received["mdsm/mask"]) == 3)
    robot.film(2, tracked=True)
    may_go_on.set()
    robot.answer(2)
    robot.wait(lambda: len(robot.received["mdsm/instances"]) == len(robot.received["mdsm/mask"]) == 5)
    for topic in ("mask", "instances"):
        assert [number_of(message.header.stamp) for message in robot.received[f"mdsm/{topic}"]] == [0, 1, 1, 2, 2]


def test_masks_stay_in_order_until_the_stamps_begin_anew() -> None:
    order = StampOrder()
    published: list[int] = []
    for stamp in (5, 7, 6, 7):
        order.publish(stamp, partial(published.append, stamp))
    assert published == [5, 7, 7]
    assert not order.publish(7, lambda: published.append(7), again=False)
    for stamp in (8, 7, 8 - 10**9):  # the second was overtaken, the third is from long before
        order.arrived(stamp)
    assert not order.publish(8, lambda: published.append(8))  # of before, and late: it must not hold back the new ones
    assert order.publish(8 - 10**9, lambda: published.append(1))
    assert published == [5, 7, 7, 1]
