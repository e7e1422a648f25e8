"""The node over real DDS, with a model that answers what the test expects."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header, String
from std_srvs.srv import SetBool, Trigger

from mdsm_ros.errors import WeightsError
from mdsm_ros.inference.answer import Segmentation, Stage
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.language.several import asks_for_several
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.node import MdsmNode
from mdsm_ros.segmenter import Segmenter

pytestmark = pytest.mark.ros

TIMEOUT = 30.0  # s; the machine may be busy
FRAME_ID = "camera_color_optical_frame"
CUP = "get the red cup"
BOOK = "take the book on the shelf"
FAILURE, SUCCESS = TransitionCallbackReturn.FAILURE, TransitionCallbackReturn.SUCCESS
RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class RedSegmenter:
    """Says that everything red is the target; refinement adds the lower half of the image."""

    def __init__(self, name: str = "red", *, device: str = "auto", acceleration: str = "none") -> None:
        if name == "missing":
            raise WeightsError(f"weights {name!r} do not exist")
        self.name = name
        self.device = "cpu"
        self.least_side = 10_000  # its answers have the size of the image that it is given
        self.defaults = InferenceSettings(num_inference_steps=2)
        self.acceleration, self.acceleration_error, self.refines = "none", None, True
        self.finds_objects = False
        self.asked: list[InferenceSettings] = []
        self.instructions: list[str] = []
        self.may_refine = threading.Event()
        self.may_refine.set()
        self.warm = self.closed = False

    def warm_up(self, settings: InferenceSettings | None = None) -> None:
        self.warm = True

    def of_another_stream(self) -> RedSegmenter:
        return self

    def close(self) -> None:
        self.closed = True

    def memory(self) -> None:
        return None

    def stream(
        self,
        image: np.ndarray,
        instruction: str,
        settings: InferenceSettings,
        *,
        keep_on: Callable[[], bool] = lambda: True,
        answer_shape: tuple[int, int] | None = None,
    ) -> Iterator[Segmentation]:
        assert answer_shape in (None, image.shape[:2])
        if instruction == "break down":
            raise RuntimeError("out of memory")
        self.asked.append(settings)
        self.instructions.append(instruction)
        probability = image[..., 0].astype(np.float32) / 255
        several = asks_for_several(instruction)
        yield self._answer(probability, "initial", settings, several)
        deadline = time.monotonic() + TIMEOUT
        while not self.may_refine.wait(0.01):
            assert time.monotonic() < deadline
            if not keep_on():
                return
        if settings.num_inference_steps > 0:
            refined = probability.copy()
            refined[len(refined) // 2 :] = 1
            yield self._answer(refined, "refined", settings, several)

    @staticmethod
    def _answer(probability: np.ndarray, stage: Stage, settings: InferenceSettings, several: bool) -> Segmentation:
        mask = probability > settings.mask_threshold
        samples = settings.num_samples
        spread = np.full_like(probability, 0.1 * samples) if samples > 1 else None
        return Segmentation(
            mask, probability, spread, float(probability.max()), bool(mask.any()), stage, {"total": 0.01}, several
        )


class Robot:
    """A node under test and its surroundings: a camera, a voice, and eyes on everything the node says."""

    def __init__(self, namespace: str = "", **parameters: Any) -> None:
        self.context = Context()
        rclpy.init(context=self.context)
        self.segmenters: list[RedSegmenter] = []
        self.node = MdsmNode(
            self._make_segmenter,
            context=self.context,
            namespace=namespace,
            parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()],
        )
        self.client = rclpy.create_node("client", context=self.context, namespace=namespace)
        self.received: dict[str, list[Any]] = {}
        self.reports_read = 0  # by wait_for_verdict
        self.voice = self.client.create_publisher(String, "instruction", LATCHED)
        compressed = parameters.get("image_transport") == "compressed"
        kind, topic = (CompressedImage, "image/compressed") if compressed else (Image, "image")
        self.camera = self.client.create_publisher(kind, topic, RELIABLE)
        for name, kind in (("mask", Image), ("initial_mask", Image), ("status", String)):
            self.listen(f"mdsm/{name}", kind)
        self.listen("/diagnostics", DiagnosticArray)
        self.executors = [SingleThreadedExecutor(context=self.context) for _ in range(2)]
        for executor, node in zip(self.executors, (self.node, self.client), strict=True):
            executor.add_node(node)
        self.threads = [threading.Thread(target=self._spin, args=(executor,)) for executor in self.executors]
        for thread in self.threads:
            thread.start()

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Any:
        self.segmenters.append(RedSegmenter(name, device=device, acceleration=acceleration))
        return self.segmenters[-1]

    @staticmethod
    def _spin(executor: SingleThreadedExecutor) -> None:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    @property
    def segmenter(self) -> RedSegmenter:
        return self.segmenters[-1]

    def listen(self, topic: str, kind: type, qos: QoSProfile = RELIABLE) -> Any:
        self.received[topic] = []
        return self.client.create_subscription(kind, topic, self.received[topic].append, qos)

    def close(self) -> None:
        for executor in self.executors:
            executor.shutdown()
        for thread in self.threads:
            thread.join()
        for segmenter in self.segmenters:
            segmenter.may_refine.set()
        self.node.destroy_node()
        self.client.destroy_node()
        self.context.try_shutdown()

    def start(self) -> Robot:
        assert self.node.start()
        self.wait_until_connected()
        return self

    def wait_until_connected(self) -> None:
        """Until the active node hears and is heard: what is published before is lost, or for nobody."""
        self.wait(lambda: self.camera.get_subscription_count() and self.voice.get_subscription_count())
        heard = ("mask", "initial_mask", "status")
        outputs = [output for output in self.node.publishers if output.topic_name.rsplit("/", 1)[-1] in heard]
        self.wait(lambda: all(output.get_subscription_count() for output in outputs))

    def wait_until_idle(self) -> None:
        """Until the worker has done what it does for an answer, also after its mask is out."""
        worker = self.node._worker
        assert worker is not None
        mailbox = worker.mailbox
        self.wait(lambda: not mailbox._items and mailbox._changed._waiters)  # type: ignore[attr-defined]

    def waiting(self) -> dict[str, int]:
        """The stamp of the image that waits for the model, by camera. A camera counts an image before that."""
        worker = self.node._worker
        assert worker is not None
        items: dict[str, Any] = dict(worker.mailbox._items)
        return {name: int(job.frame.header.stamp.sec) for name, job in items.items()}

    @staticmethod
    def wait(condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, "timed out"
            time.sleep(0.01)

    def say(self, instruction: str) -> None:
        self.voice.publish(String(data=instruction))

    def say_and_wait(self, instruction: str) -> None:
        """Says a valid instruction. DDS may deliver an image or a call earlier, though it is sent later."""
        self.say(instruction)
        self.wait(lambda: all(camera.instruction == instruction for camera in self.node.cameras))

    def show(self, stamp: int, pixels: np.ndarray | None = None, layout: str = "rgb8", **fields: Any) -> None:
        message = numpy_to_image(picture() if pixels is None else pixels, layout, header(stamp))
        for name, value in fields.items():
            setattr(message, name, value)
        self.camera.publish(message)

    def statuses(self) -> list[dict[str, Any]]:
        return [json.loads(message.data) for message in self.received["mdsm/status"]]

    def stamps(self, name: str) -> list[int]:
        return [message.header.stamp.sec for message in self.received[f"mdsm/{name}"]]

    def errors(self) -> list[str]:
        return [status["error"] for status in self.statuses() if status["error"] is not None]

    def wait_for_answer(self, stamp: int, stage: Stage = "refined") -> None:
        """Until the answer has come on all its topics, which DDS delivers in any order."""
        topics = ["initial_mask", "mask"] if self.node._settings.publish_initial else ["mask"]
        self.wait(
            lambda: (
                any(status["stamp"]["sec"] == stamp and status["stage"] == stage for status in self.statuses())
                and all(stamp in self.stamps(topic) for topic in topics)
            )
        )

    def wait_for_answers(self, masks: int, statuses: int) -> None:
        """Until so many messages have come on both topics."""
        self.wait(lambda: len(self.stamps("mask")) >= masks and len(self.statuses()) >= statuses)

    def wait_for_errors(self, count: int) -> None:
        self.wait(lambda: len(self.errors()) == count)

    def call(self, kind: type, name: str, request: Any) -> Any:
        client = self.client.create_client(kind, f"mdsm/{name}")
        assert client.wait_for_service(TIMEOUT)
        future = client.call_async(request)
        self.wait(future.done)
        return future.result()

    def change_state(self, transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.call(ChangeState, "change_state", request).success)

    def wait_for_verdict(self, text: str) -> None:
        """Until a report after that of the last call has this verdict, which may be in no other one."""
        reports = self.received["/diagnostics"]

        def is_told() -> bool:
            while self.reports_read < len(reports):
                self.reports_read += 1
                if reports[self.reports_read - 1].status[0].message.startswith(text):
                    return True
            return False

        self.wait(is_told)

    def diagnosis(self, count: int = 2) -> tuple[int, str, dict[str, str]]:
        """The ``count``-th report of those made from now on: level, message, values. All of the second is of now."""
        reports, begin, now = self.received["/diagnostics"], len(self.received["/diagnostics"]), time.time()

        def made_since() -> list[DiagnosticArray]:
            """Without those that were on the way."""
            return [r for r in reports[begin:] if r.header.stamp.sec + r.header.stamp.nanosec / 1e9 > now]

        self.wait(lambda: len(made_since()) >= count)
        status = made_since()[count - 1].status[0]
        return int.from_bytes(status.level, "little"), status.message, {v.key: v.value for v in status.values}

    def wait_for_values(self, expected: dict[str, str]) -> None:
        """Until a report has these values."""
        deadline, found = time.monotonic() + TIMEOUT, dict[str, str | None]()
        while found != expected:
            assert time.monotonic() < deadline, found
            values = self.diagnosis(1)[2]
            found = {name: values.get(name) for name in expected}


@pytest.fixture
def make_robot(ros_domain: int) -> Iterator[Callable[..., Robot]]:
    robots: list[Robot] = []

    def make(*arguments: Any, **parameters: Any) -> Robot:
        robots.append(Robot(*arguments, **parameters))
        return robots[-1]

    yield make
    for robot in robots:
        robot.close()


@pytest.fixture
def robot(make_robot: Callable[..., Robot]) -> Robot:
    return make_robot(image_reliability="reliable", image_depth=50).start()


def picture() -> np.ndarray:
    """A red square in the upper left corner, on blue."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[..., 2] = 200
    pixels[4:12, 4:12] = (250, 0, 0)
    return pixels


def header(stamp: int) -> Header:
    result = Header(frame_id=FRAME_ID)
    result.stamp.sec, result.stamp.nanosec = stamp, 7
    return result


def test_an_image_and_an_instruction_give_masks_and_status(robot: Robot) -> None:
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)
    initial, refined = robot.received["mdsm/initial_mask"][0], robot.received["mdsm/mask"][0]
    for message in (initial, refined):
        assert message.header == header(1)
        assert message.encoding == "mono8"
    expected = np.zeros((48, 64), np.uint8)
    expected[4:12, 4:12] = 255
    np.testing.assert_array_equal(image_to_numpy(initial), expected)
    expected[24:] = 255
    np.testing.assert_array_equal(image_to_numpy(refined), expected)
    statuses = robot.statuses()
    assert [status["stage"] for status in statuses] == ["initial", "refined"]
    assert "\n" not in robot.received["mdsm/status"][0].data
    assert statuses[1]["latency"] > 1e9  # the stamp is of 1970
    del statuses[1]["latency"]
    assert statuses[1] == {
        "stamp": {"sec": 1, "nanosec": 7},
        "frame_id": FRAME_ID,
        "instruction": CUP,
        "stage": "refined",
        "score": 1.0,
        "present": True,
        "timings": {"total": 0.01},
        "error": None,
    }


def test_the_initial_mask_does_not_wait_for_the_refined_one(robot: Robot) -> None:
    robot.segmenter.may_refine.clear()
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait(lambda: robot.stamps("initial_mask") == [1])
    assert robot.stamps("mask") == []
    robot.segmenter.may_refine.set()
    robot.wait(lambda: robot.stamps("mask") == [1])


def test_only_the_newest_image_is_answered(robot: Robot) -> None:
    robot.segmenter.may_refine.clear()
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait(lambda: robot.stamps("initial_mask") == [1])
    for stamp in range(2, 32):
        robot.show(stamp)
    robot.wait_for_values({"images received": "31"})
    robot.segmenter.may_refine.set()
    robot.wait_for_answer(31)
    assert robot.stamps("mask") == [1, 31]
    robot.wait_for_values({"images answered": "2", "images dropped (superseded)": "29"})


def test_a_new_instruction_is_answered_on_the_newest_image(robot: Robot) -> None:
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)
    robot.say(BOOK)
    robot.wait_for_answers(masks=2, statuses=4)
    assert robot.stamps("mask") == [1, 1]
    assert [status["instruction"] for status in robot.statuses()] == [CUP, CUP, BOOK, BOOK]


def test_a_new_instruction_ends_the_refinement_for_the_one_before(robot: Robot) -> None:
    robot.say_and_wait(CUP)
    robot.segmenter.may_refine.clear()
    robot.show(1)
    robot.wait(lambda: bool(robot.statuses()))  # the initial answer; refinement hangs
    robot.say(BOOK)
    robot.wait(lambda: robot.statuses()[-1]["instruction"] == BOOK)
    robot.segmenter.may_refine.set()
    robot.wait(lambda: robot.statuses()[-1]["stage"] == "refined")
    answers = [(status["instruction"], status["stage"]) for status in robot.statuses()]
    assert answers == [(CUP, "initial"), (BOOK, "initial"), (BOOK, "refined")]
    robot.wait_for_values({"answers cancelled (not wanted any more)": "1"})


def test_the_instruction_parameter_serves_until_a_message_comes(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(instruction=f"  {BOOK} ", image_reliability="reliable").start()
    robot.show(1)
    robot.wait_for_answer(1)
    robot.say_and_wait(CUP)
    robot.show(2)
    robot.wait_for_answer(2)
    assert robot.statuses()[0]["instruction"] == BOOK
    assert robot.statuses()[-1]["instruction"] == CUP


def test_a_latched_instruction_reaches_a_node_that_starts_later(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(image_reliability="reliable")
    robot.say(CUP)
    robot.start().show(1)
    robot.wait_for_answer(1)


def test_without_refinement_the_initial_mask_is_the_mask(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(image_reliability="reliable", num_inference_steps=0, instruction=CUP).start()
    robot.show(1)
    robot.wait_for_answer(1, "initial")
    np.testing.assert_array_equal(
        image_to_numpy(robot.received["mdsm/mask"][0]), image_to_numpy(robot.received["mdsm/initial_mask"][0])
    )
    assert [status["stage"] for status in robot.statuses()] == ["initial"]


def test_the_initial_mask_can_be_left_out(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(image_reliability="reliable", publish_initial=False, instruction=CUP).start()
    robot.show(1)
    robot.wait_for_answer(1)
    assert robot.stamps("mask") == [1]
    assert robot.stamps("initial_mask") == []
    assert [status["stage"] for status in robot.statuses()] == ["refined"]


def test_several_objects_have_ids_where_the_instruction_asks_for_them(robot: Robot) -> None:
    robot.listen("mdsm/instances", Image)
    (output,) = (publisher for publisher in robot.node.publishers if publisher.topic_name.endswith("instances"))
    robot.wait(output.get_subscription_count)
    robot.say_and_wait("get the cups")
    robot.show(1)
    robot.wait(lambda: len(robot.stamps("instances")) == 1)
    robot.say("get the cup")
    robot.wait(lambda: len(robot.stamps("instances")) == 2)
    several, one = robot.received["mdsm/instances"]
    assert (several.encoding, several.header.frame_id, several.header.stamp.nanosec) == ("mono16", FRAME_ID, 7)
    ids = np.frombuffer(several.data, np.uint16).reshape(48, 64)
    assert (ids[24:] == 1).all()
    assert (ids[4:12, 4:12] == 2).all()
    assert np.count_nonzero(ids) == 24 * 64 + 64
    np.testing.assert_array_equal(np.frombuffer(one.data, np.uint16).reshape(48, 64), ids > 0)


def test_uncertainty_is_published_where_there_are_samples(robot: Robot) -> None:
    robot.listen("mdsm/uncertainty", Image)
    (output,) = (publisher for publisher in robot.node.publishers if publisher.topic_name.endswith("uncertainty"))
    robot.wait(lambda: output.get_subscription_count() > 0)
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)
    assert robot.stamps("uncertainty") == []
    (changed,) = robot.node.set_parameters([Parameter("num_samples", value=3)])
    assert changed.successful
    robot.show(2)
    robot.wait(lambda: 2 in robot.stamps("uncertainty"))
    message = robot.received["mdsm/uncertainty"][-1]
    assert message.encoding == "32FC1"
    assert image_to_numpy(message)[5, 5] == pytest.approx(0.3)
    (refused,) = robot.node.set_parameters([Parameter("num_samples", value=0)])
    assert not refused.successful


def test_with_depth_the_node_says_where_the_object_is(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(image_reliability="reliable", image_depth=50, depth=True, num_inference_steps=0).start()
    robot.listen("mdsm/object_pose", PoseStamped)
    robot.listen("mdsm/object_points", PointCloud2)
    depth = robot.client.create_publisher(Image, "depth", RELIABLE)
    info = robot.client.create_publisher(CameraInfo, "camera_info", RELIABLE)
    said = [p for p in robot.node.publishers if p.topic_name.endswith(("object_pose", "object_points"))]
    robot.wait(lambda: all(p.get_subscription_count() for p in said))
    robot.wait(lambda: depth.get_subscription_count() and info.get_subscription_count())
    robot.say_and_wait(CUP)
    robot.show(1)  # without depth there is a mask all the same
    robot.wait(lambda: robot.stamps("mask") == [1])
    robot.wait_until_idle()  # not depth that comes before it has looked for some
    info.publish(CameraInfo(width=64, height=48, k=[100.0, 0.0, 31.5, 0.0, 100.0, 23.5, 0.0, 0.0, 1.0]))
    millimetres = np.full((48, 64), 3000, np.uint16)
    millimetres[4:12, 4:12] = 1000
    depth.publish(numpy_to_image(picture(), "rgb8", header(2)))  # no depth image
    depth.publish(numpy_to_image(millimetres, "16UC1", header(2)))
    robot.wait_for_values({"bad messages: depth encoding": "1"})
    objects = robot.node.cameras[0]._channel.objects
    assert objects is not None
    robot.wait(lambda: objects.depth.buffer._info is not None and objects.depth.buffer._images)
    robot.show(2)
    robot.wait(lambda: robot.received["mdsm/object_pose"] and robot.received["mdsm/object_points"])
    pose, cloud = robot.received["mdsm/object_pose"][0], robot.received["mdsm/object_points"][0]
    assert pose.header == cloud.header == header(2)
    position = pose.pose.position  # the square's middle is 24 pixels to the left of the optical axis and 16 above
    assert (position.x, position.y, position.z) == pytest.approx((-0.24, -0.16, 1.0), abs=1e-3)
    turn = pose.pose.orientation
    assert turn.x**2 + turn.y**2 + turn.z**2 + turn.w**2 == pytest.approx(1)
    points = np.frombuffer(cloud.data, dtype=[("xyz", "<f4", 3), ("rgb", "<u4")])
    assert len(points) == cloud.width * cloud.height >= 30
    assert [field.name for field in cloud.fields] == ["x", "y", "z", "rgb"]
    np.testing.assert_allclose(points["xyz"].mean(axis=0), (-0.24, -0.16, 1.0), atol=1e-3)
    assert set(points["rgb"].tolist()) == {250 << 16}
    assert robot.stamps("object_pose") == [2]
    assert "mdsm_grasps" not in {thread.name for thread in threading.enumerate()}  # nobody wants a description


def test_pictures_are_published_while_somebody_subscribes(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def draw(image: np.ndarray, answer: Segmentation, instruction: str) -> np.ndarray:
        drawn.append(instruction)
        return image

    monkeypatch.setattr("mdsm_ros.ros.outputs.draw_overlay", draw)
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)
    robot.wait_until_idle()  # else it might draw for those who subscribe now
    assert drawn == []
    subscriptions = [robot.listen(f"mdsm/{name}", Image) for name in ("overlay", "probability")]
    pictures = [output for output in robot.node.publishers if output.topic_name.endswith(("overlay", "probability"))]
    robot.wait(lambda: all(output.get_subscription_count() for output in pictures))
    robot.show(2)
    robot.wait(lambda: robot.stamps("overlay") == [2] and robot.stamps("probability") == [2])
    probability = robot.received["mdsm/probability"][0]
    assert probability.encoding == "32FC1"
    assert probability.header == header(2)
    assert image_to_numpy(probability)[5, 5] == pytest.approx(250 / 255)
    np.testing.assert_array_equal(image_to_numpy(robot.received["mdsm/overlay"][0]), picture())
    for subscription in subscriptions:
        robot.client.destroy_subscription(subscription)
    robot.wait(lambda: not any(output.get_subscription_count() for output in pictures))
    robot.show(3)
    robot.wait_for_answer(3)
    assert drawn == [CUP]


BAD_IMAGES: list[tuple[str, dict[str, Any]]] = [
    ("height is 0", {"height": 0, "step": 0, "data": b""}),
    ("width is 0", {"width": 0}),
    ("step is 10, expected at least 192", {"step": 10}),
    ("encoding is 'rgb7', expected a camera image", {"encoding": "rgb7"}),
    ("encoding is '16UC1' (a depth image?), expected a camera image", {"encoding": "16UC1"}),
    ("data is 100 bytes long, expected 9216 bytes", {"data": bytes(100)}),
]


@pytest.mark.parametrize(("expectation", "fields"), BAD_IMAGES)
def test_a_good_image_is_answered_after_bad_ones(robot: Robot, expectation: str, fields: dict[str, Any]) -> None:
    robot.say_and_wait(CUP)
    for stamp in (1, 2):
        robot.show(stamp, **fields)
    robot.wait_for_errors(2)
    assert all(expectation in error for error in robot.errors())
    assert robot.statuses()[1]["stamp"]["sec"] == 2
    robot.show(3)
    robot.wait_for_answer(3)
    assert robot.stamps("mask") == [3]


def test_bad_messages_are_counted_and_logged_once_per_kind(robot: Robot, capfd: pytest.CaptureFixture[str]) -> None:
    robot.say_and_wait(CUP)
    for stamp in range(3):
        robot.show(stamp, step=10)
        robot.show(stamp, encoding="rgb7")
    robot.say("")
    robot.wait_for_errors(7)
    robot.show(9)
    robot.wait_for_answer(9)
    values = robot.diagnosis()[2]
    assert values["bad messages: image step"] == values["bad messages: image encoding"] == "3"
    assert values["bad messages: instruction"] == "1"
    assert values["images received"] == "7"
    log = capfd.readouterr().err
    assert [log.count(f"({kind})") for kind in ("image step", "image encoding", "instruction")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("encoding", "channels"), [("mono8", None), ("bgr8", [2, 1, 0]), ("rgba8", [0, 1, 2, 0]), ("bgra8", [2, 1, 0, 0])]
)
def test_other_encodings_give_the_same_mask(robot: Robot, encoding: str, channels: list[int] | None) -> None:
    robot.say_and_wait(CUP)
    pixels = np.ascontiguousarray(picture()[..., 0] if channels is None else picture()[..., channels])
    robot.show(1, pixels, encoding)
    robot.wait_for_answer(1)
    initial = image_to_numpy(robot.received["mdsm/initial_mask"][0])
    np.testing.assert_array_equal(initial, np.where(picture()[..., 0] > 127, 255, 0))


def test_an_image_of_12_megapixels(robot: Robot) -> None:
    robot.say_and_wait(CUP)
    robot.show(1, np.zeros((3000, 4000, 3), np.uint8))
    robot.wait_for_answer(1)
    robot.wait(lambda: robot.stamps("mask") == [1])
    assert image_to_numpy(robot.received["mdsm/mask"][0]).shape == (3000, 4000)


@pytest.mark.parametrize("instruction", ["", "   \t ", "get the cup " * 1000, "get\x07 the\x1b[31m cup"])
def test_bad_instructions_leave_the_one_in_force(robot: Robot, instruction: str) -> None:
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)
    robot.say(instruction)
    robot.wait_for_errors(1)
    assert "instruction" in robot.errors()[0]
    assert len(robot.statuses()[-1]["instruction"]) <= 100
    robot.show(2)
    robot.wait_for_answer(2)
    assert robot.statuses()[-1]["instruction"] == CUP


@pytest.mark.parametrize(
    "instruction", ["ソファの上の枕を取って", "get the 🏆 on the shelf", "apporte la tasse, s'il te plaît"]
)
def test_instructions_in_other_scripts_are_answered(robot: Robot, instruction: str) -> None:
    robot.say_and_wait(instruction)
    robot.show(1)
    robot.wait_for_answer(1)
    assert robot.statuses()[-1]["instruction"] == instruction


def test_a_failure_of_the_model_is_told_and_survived(robot: Robot, capfd: pytest.CaptureFixture[str]) -> None:
    robot.say_and_wait("break down")
    for stamp in (1, 2):
        robot.show(stamp)
        robot.wait_for_errors(stamp)
    assert robot.errors()[0] == "the model failed: RuntimeError: out of memory"
    assert capfd.readouterr().err.count("Traceback") == 1
    robot.wait_for_verdict("the model failed: RuntimeError")
    robot.say_and_wait(CUP)
    robot.show(3)
    robot.wait_for_answer(3)


def encode(pixels: np.ndarray, kind: str) -> bytes:
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def test_compressed_images(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(image_transport="compressed", image_reliability="reliable", instruction=CUP).start()
    png, jpeg = encode(picture(), "png"), encode(np.tile(picture(), (10, 10, 1)), "jpeg")
    for stamp, data in ((1, b""), (2, b"no picture"), (3, jpeg[: len(jpeg) // 2])):
        robot.camera.publish(CompressedImage(header=header(stamp), format="jpeg", data=data))
        robot.wait_for_errors(stamp)
    assert all("image data is " in error for error in robot.errors())
    robot.camera.publish(CompressedImage(header=header(4), format="png", data=png))
    robot.wait_for_answer(4)
    initial = image_to_numpy(robot.received["mdsm/initial_mask"][-1])
    np.testing.assert_array_equal(initial, np.where(picture()[..., 0] > 127, 255, 0))


def test_the_way_through_the_lifecycle(robot: Robot) -> None:
    first = robot.segmenter
    assert first.warm
    assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
    robot.wait(lambda: not robot.camera.get_subscription_count())
    assert robot.change_state(Transition.TRANSITION_CLEANUP)
    assert first.closed
    assert robot.change_state(Transition.TRANSITION_CONFIGURE)
    assert robot.segmenter is not first
    assert robot.change_state(Transition.TRANSITION_ACTIVATE)
    robot.wait_until_connected()
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)


def test_deactivation_while_the_model_runs(robot: Robot) -> None:
    robot.segmenter.may_refine.clear()
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait(lambda: robot.stamps("initial_mask") == [1])
    threading.Timer(0.2, robot.segmenter.may_refine.set).start()
    assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
    assert robot.change_state(Transition.TRANSITION_CLEANUP)
    assert robot.stamps("mask") == []


def test_a_transition_that_is_not_possible_leaves_the_node_alive(robot: Robot) -> None:
    assert not robot.change_state(Transition.TRANSITION_CONFIGURE)
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)


def test_a_model_that_cannot_be_loaded(make_robot: Callable[..., Robot], capfd: pytest.CaptureFixture[str]) -> None:
    robot = make_robot(model="missing")
    assert not robot.change_state(Transition.TRANSITION_CONFIGURE)
    error = "cannot load model 'missing' on device 'auto': weights 'missing' do not exist"
    assert error in capfd.readouterr().err
    assert robot.diagnosis()[:2] == (2, error)


def test_segment_answers_the_newest_image_while_disabled(robot: Robot) -> None:
    assert robot.call(SetBool, "set_enabled", SetBool.Request(data=False)).message == "disabled"
    answer = robot.call(Trigger, "segment", Trigger.Request())
    assert (answer.success, answer.message) == (False, "no image has arrived on /image")
    robot.show(1)
    robot.wait_for_values({"images received": "1"})
    answer = robot.call(Trigger, "segment", Trigger.Request())
    assert (answer.success, answer.message) == (False, "no instruction has arrived on /instruction")
    robot.say_and_wait(CUP)
    robot.show(2)
    robot.wait_for_values({"images received": "2"})
    assert robot.received["mdsm/status"] == []
    answer = robot.call(Trigger, "segment", Trigger.Request())
    assert answer.success
    assert json.loads(answer.message)["stamp"]["sec"] == 2
    assert json.loads(answer.message)["stage"] == "refined"
    robot.wait(lambda: robot.stamps("mask") == [2])
    assert robot.call(SetBool, "set_enabled", SetBool.Request(data=True)).message == "enabled"
    robot.show(3)
    robot.wait_for_answer(3)


def test_images_arrive_while_segment_waits(robot: Robot) -> None:
    robot.segmenter.may_refine.clear()
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait(lambda: robot.stamps("initial_mask") == [1])
    client = robot.client.create_client(Trigger, "mdsm/segment")
    assert client.wait_for_service(TIMEOUT)
    future = client.call_async(Trigger.Request())
    robot.show(2)
    robot.wait_for_values({"images received": "2"})
    assert not future.done()
    robot.segmenter.may_refine.set()
    robot.wait(future.done)
    assert future.result().success


def test_segment_of_a_node_that_is_not_active(make_robot: Callable[..., Robot]) -> None:
    answer = make_robot().call(Trigger, "segment", Trigger.Request())
    assert (answer.success, answer.message) == (False, "the node is not active")


def test_parameters_change_at_run_time(robot: Robot) -> None:
    robot.say_and_wait(CUP)
    robot.show(1)
    robot.wait_for_answer(1)
    for name, value in (("num_inference_steps", 0), ("mask_threshold", 0.9), ("present_threshold", 0.1), ("seed", 5)):
        assert robot.node.set_parameters([Parameter(name, value=value)])[0].successful
    asked = robot.segmenter.asked
    robot.wait(lambda: asked[-1] == InferenceSettings(0, mask_threshold=0.9, present_threshold=0.1, seed=5))
    assert robot.node.set_parameters([Parameter("mask_threshold", value=-1.0)])[0].successful
    robot.wait(lambda: asked[-1] == InferenceSettings(0, mask_threshold=0.5, present_threshold=0.1, seed=5))
    assert robot.node.set_parameters([Parameter("instruction", value=BOOK)])[0].successful
    robot.wait(lambda: robot.statuses()[-1]["instruction"] == BOOK)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("mask_threshold", 1.5, "mask_threshold"),
        ("mask_threshold", -0.5, "parameter mask_threshold is -0.5, expected 0.0 to 1.0, or -1"),
        ("mask_threshold", 1, "Wrong parameter type"),
        ("num_inference_steps", 101, "num_inference_steps"),
        ("instruction", "get\x07", "parameter instruction is refused: "),
        ("model", "mdsm-base", "read-only"),
    ],
)
def test_parameters_that_are_refused(robot: Robot, name: str, value: Any, reason: str) -> None:
    before = robot.node.get_parameter(name).value
    result = robot.node.set_parameters([Parameter(name, value=value)])[0]
    assert not result.successful
    assert reason in result.reason
    assert robot.node.get_parameter(name).value == before


def test_best_effort_serves_both_kinds_of_cameras(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(instruction=CUP).start()
    camera = robot.client.create_publisher(Image, "image", BEST_EFFORT)
    robot.wait(camera.get_subscription_count)
    robot.show(1)
    robot.wait_for_answer(1)
    camera.publish(numpy_to_image(picture(), "rgb8", header(2)))
    robot.wait_for_answer(2)


def test_reliable_does_not_match_a_best_effort_camera(robot: Robot) -> None:
    camera = robot.client.create_publisher(Image, "image", BEST_EFFORT)
    robot.wait(lambda: robot.node.count_publishers("image") == 2)
    assert camera.get_subscription_count() == 0


def test_two_nodes_in_two_namespaces(make_robot: Callable[..., Robot]) -> None:
    left, right = (make_robot(name, image_reliability="reliable").start() for name in ("left", "right"))
    left.say(CUP)
    right.say(BOOK)
    left.show(1)
    left.wait_for_answer(1)
    right.show(2)
    right.wait_for_answer(2)
    assert (left.stamps("mask"), right.stamps("mask")) == ([1], [2])
    assert right.statuses()[-1]["instruction"] == BOOK
    names = {status.name for message in left.received["/diagnostics"] for status in message.status}
    left.wait(lambda: {s.name for m in left.received["/diagnostics"] for s in m.status} >= {"left/mdsm: segmentation"})
    assert names <= {"left/mdsm: segmentation", "right/mdsm: segmentation"}


def test_diagnostics_say_what_is_missing(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(image_reliability="reliable")
    assert robot.diagnosis(1)[:2] == (0, "unconfigured")
    robot.start()
    assert robot.diagnosis()[:2] == (1, "no images on /image")
    robot.show(1)
    robot.wait_for_verdict("no instruction yet")
    robot.say_and_wait(CUP)
    robot.show(2)
    robot.wait_for_verdict("answering; ")
    robot.wait_for_answer(2)
    level, _, values = robot.diagnosis()
    assert (values["device"], values["model"], values["instruction"]) == ("cpu", "mdsm-small", CUP)
    assert float(values["latency p95 (s)"]) >= float(values["latency p50 (s)"]) > 0
    assert level == 1  # the camera has stopped


class RealRobot(Robot):
    """A robot whose node loads its model itself."""

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Segmenter:
        return Segmenter.from_pretrained(name, device=device, acceleration=acceleration)


def test_a_public_model_answers_in_the_node(ros_domain: int, public_models: Path) -> None:
    robot = RealRobot(model="clipseg", device="cpu", acceleration="none", instruction=CUP, present_threshold=0.0)
    try:
        robot.start()
        robot.show(1)
        robot.wait(lambda: 1 in robot.stamps("mask") and robot.statuses())
        (status,) = robot.statuses()
        assert (status["stage"], status["present"], status["error"]) == ("initial", True, None)
        assert image_to_numpy(robot.received["mdsm/mask"][0]).shape == picture().shape[:2]
    finally:
        robot.close()
