"""Who the node hears, whom it cannot hear and says so; over real DDS."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import rclpy
from lifecycle_msgs.msg import Transition
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Empty, String
from test_ros_node import BEST_EFFORT, BOOK, CUP, LATCHED, RELIABLE, RedSegmenter, Robot, make_robot, robot

from mdsm_ros.ros.cameras.camera import Camera
from mdsm_ros.ros.inputs.hearing import NUMBER, STAMP, Chorus, Hearing, needed
from mdsm_ros.ros.inputs.names import transport_topic
from mdsm_ros.ros.node import MdsmNode

__all__ = ["make_robot", "robot"]  # fixtures
PEN = "find the pen"
PUBLISHERS = {  # and how many of the node's subscriptions match
    "as in every tutorial": (QoSProfile(depth=10), 2),
    "best effort": (BEST_EFFORT, 1),
    "latched": (LATCHED, 2),
    "best effort and latched": (
        QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.TRANSIENT_LOCAL),
        1,
    ),
}


@pytest.mark.parametrize(("qos", "matches"), PUBLISHERS.values(), ids=PUBLISHERS)
def test_instructions_of_all_publishers_are_heard_once(robot: Robot, qos: QoSProfile, matches: int) -> None:
    robot.show(1)
    voice = robot.client.create_publisher(String, "instruction", qos)
    robot.wait(lambda: voice.get_subscription_count() == matches)
    for count, instruction in enumerate((CUP, BOOK, CUP), 1):
        voice.publish(String(data=instruction))
        robot.wait(functools.partial(answered, robot, count))  # with all its statuses: the refusal comes from elsewhere
    voice.publish(String(data=""))  # refused once, however often it is delivered
    robot.wait_for_errors(1)
    assert robot.diagnosis()[2]["bad messages: instruction"] == "1"
    assert [status["instruction"] for status in robot.statuses()] == [CUP, CUP, BOOK, BOOK, CUP, CUP, ""]


def answered(robot: Robot, count: int) -> bool:
    return len(robot.stamps("mask")) == count and len(robot.statuses()) == 2 * count


def in_force(robot: Robot) -> str:
    return robot.diagnosis(1)[2]["instruction"]


def again(robot: Robot) -> None:
    """Ends all subscriptions and makes new ones, to which latched publishers deliver once more."""
    assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
    robot.wait(lambda: not robot.voice.get_subscription_count())
    assert robot.change_state(Transition.TRANSITION_ACTIVATE)
    robot.wait(lambda: robot.voice.get_subscription_count() >= 2)


def test_a_late_delivery_does_not_overwrite_what_was_said_since(robot: Robot) -> None:
    voice = robot.client.create_publisher(String, "instruction", RELIABLE)
    robot.wait(voice.get_subscription_count)
    robot.say_and_wait(CUP)
    voice.publish(String(data=BOOK))
    robot.wait(lambda: in_force(robot) == BOOK)
    again(robot)
    assert {in_force(robot) for _ in range(2)} == {BOOK}
    robot.say_and_wait(PEN)


def test_a_late_delivery_does_not_overwrite_a_parameter_set_since(robot: Robot) -> None:
    robot.say_and_wait(CUP)
    assert robot.node.set_parameters([Parameter("instruction", value=BOOK)])[0].successful
    again(robot)
    assert {in_force(robot) for _ in range(2)} == {BOOK}


def test_a_late_delivery_does_not_overwrite_a_parameter_set_before_the_node_was_configured(
    make_robot: Callable[..., Robot],
) -> None:
    robot = make_robot()
    robot.say(CUP)
    robot.wait(lambda: robot.node.count_publishers("instruction"))
    assert robot.node.set_parameters([Parameter("instruction", value=BOOK)])[0].successful
    robot.start()
    robot.wait(lambda: robot.voice.get_subscription_count() == 2)
    assert {in_force(robot) for _ in range(2)} == {BOOK}


def test_what_was_latched_while_the_node_was_inactive_is_heard(robot: Robot) -> None:
    robot.say_and_wait(CUP)
    assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
    robot.say(BOOK)
    assert robot.change_state(Transition.TRANSITION_ACTIVATE)
    robot.wait(lambda: in_force(robot) == BOOK)


def deliver(*messages: tuple[str, str, int], informed: bool = True) -> list[str]:
    """What comes through of (subscription, text, ns of publication)."""
    heard: list[str] = []
    hearing = Hearing(heard.append)
    for subscription, text, stamp in messages:
        call = hearing.on_latched if subscription == "latched" else hearing.on_live
        call(text, {STAMP: stamp, NUMBER: 1} if informed else {})
    return heard


@pytest.mark.parametrize(
    ("messages", "heard"),
    [
        ([("live", "a", 1), ("live", "a", 1), ("latched", "a", 1)], "a"),
        ([("latched", "a", 1), ("live", "a", 1)], "a"),
        ([("live", "a", 1), ("live", "b", 2), ("latched", "a", 1), ("latched", "b", 2)], "ab"),
        ([("live", "b", 2), ("latched", "a", 1)], "b"),
        ([("latched", "a", 1), ("latched", "b", 2)], "ab"),
        ([("live", "b", 2), ("live", "a", 1)], "ba"),  # of a publisher whose clock is late
        ([("live", "a", 1), ("live", "a", 2)], "aa"),
        ([("live", "a", 0), ("live", "b", 0), ("live", "a", 0), ("latched", "b", 0)], "aba"),
    ],
)
def test_the_order_of_deliveries(messages: list[tuple[str, str, int]], heard: str) -> None:
    assert "".join(deliver(*messages)) == heard


def test_without_information_live_messages_come_first() -> None:
    assert deliver(("latched", "a", 0), ("live", "b", 0), ("latched", "a", 0), informed=False) == ["a", "b"]


def test_the_newest_message_of_a_shared_topic_and_of_its_own_counts() -> None:
    front: list[str] = []
    rear: list[str] = []
    hearings = [Hearing(front.append), Hearing(rear.append)]
    for_all = {name: call for name, (_, call) in Chorus(hearings).profiles().items()}
    for_front = {name: call for name, (_, call) in hearings[0].profiles().items()}
    for_front["reliable"]("own", {STAMP: 5, NUMBER: 1})
    for_all["latched"]("older", {STAMP: 3, NUMBER: 1})  # of a publisher that is discovered late
    assert (front, rear) == (["own"], ["older"])
    for_all["latched"]("newer", {STAMP: 7, NUMBER: 2})
    for_all["reliable"]("newer", {STAMP: 7, NUMBER: 2})
    for_front["latched"]("own", {STAMP: 5, NUMBER: 1})
    assert (front, rear) == (["own", "newer"], ["older", "newer"])


ORDINARY, LOSSY = (qos for qos, _ in list(PUBLISHERS.values())[:2])


@pytest.mark.parametrize(
    ("offers", "names"),
    [
        ([], "base"),
        ([LOSSY], "base"),
        ([ORDINARY], "base reliable"),
        ([LATCHED], "base latched"),
        ([LATCHED, LATCHED, LOSSY], "base latched"),
        ([ORDINARY, LATCHED], "base latched reliable"),
    ],
)
def test_each_kind_of_publisher_has_its_subscription(offers: list[QoSProfile], names: str) -> None:
    assert sorted(needed(offers)) == names.split()
    assert set(names.split()) <= Hearing(print).profiles().keys()


def test_an_ordinary_publisher_is_not_warned(robot: Robot, capfd: pytest.CaptureFixture[str]) -> None:
    latched = robot.client.create_publisher(String, "instruction", LATCHED)
    for publisher in (robot.voice, latched):
        robot.client.destroy_publisher(publisher)
    robot.wait(lambda: robot.node.count_subscribers("instruction") == 1)
    voice = robot.client.create_publisher(String, "instruction", 10)
    robot.wait(lambda: voice.get_subscription_count() == 2)
    voice.publish(String(data=CUP))
    robot.wait(lambda: in_force(robot) == CUP)
    assert "incompatible QoS" not in capfd.readouterr().err


@pytest.fixture
def stranger(ros_domain: int) -> Iterator[Any]:
    """A node of another participant: within one, a topic has one type."""
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("stranger", context=context, namespace="/far")
    yield node
    node.destroy_node()
    context.try_shutdown()


def test_publishers_that_cannot_be_heard_are_named(make_robot: Callable[..., Robot], stranger: Any) -> None:
    robot = make_robot(image_reliability="reliable", depth=True).start()
    camera, depth = (robot.client.create_publisher(Image, topic, BEST_EFFORT) for topic in ("image", "depth"))
    stranger.create_publisher(Empty, "/instruction", RELIABLE)
    reason = "/client: incompatible QoS: best effort publisher and reliable subscription"
    other = "/far/stranger: publishes std_msgs/msg/Empty, expected std_msgs/msg/String"
    robot.wait_for_verdict(f"on /depth: {reason}; on /image: {reason}; on /instruction: {other}")
    level, _, values = robot.diagnosis(1)
    assert level == 1
    assert values["not heard on /image"] == reason
    assert values["not heard on /instruction"] == other
    for publisher in (camera, depth):
        robot.client.destroy_publisher(publisher)
    stranger.destroy_node()
    robot.wait_for_verdict("no images on /image")
    assert not [name for name in robot.diagnosis(1)[2] if name.startswith("not heard")]


def test_a_latched_camera_info_is_heard(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(image_reliability="reliable", depth=True)
    info = robot.client.create_publisher(CameraInfo, "camera_info", LATCHED)
    info.publish(CameraInfo(width=7))
    robot.start()
    objects = robot.node.cameras[0]._channel.objects
    assert objects is not None
    depth = objects.depth.buffer
    robot.wait(lambda: depth._info is not None)
    assert depth._info.width == 7


@pytest.fixture
def make_node(ros_domain: int) -> Iterator[Callable[..., MdsmNode]]:
    contexts: list[Context] = []
    nodes: list[MdsmNode] = []

    def make(*arguments: str, **parameters: Any) -> MdsmNode:
        contexts.append(Context())
        rclpy.init(context=contexts[-1])
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        nodes.append(
            MdsmNode(
                RedSegmenter,  # type: ignore[arg-type]
                context=contexts[-1],
                cli_args=["--ros-args", *arguments],
                parameter_overrides=overrides,
            )
        )
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    for context in contexts:
        context.try_shutdown()


REMAPPINGS = [
    ([], "/image/compressed"),
    (["image:=/camera/color/image_raw"], "/camera/color/image_raw/compressed"),
    (["image:=front"], "/front/compressed"),
    (["image/compressed:=/camera/jpeg"], "/camera/jpeg"),
    (["image:=/camera/color/image_raw", "image/compressed:=/camera/jpeg"], "/camera/jpeg"),
    (["image:=/camera/image/compressed"], "/camera/image/compressed"),
    (["image:=/camera/image", "__ns:=/left"], "/camera/image/compressed"),
    (["__ns:=/left"], "/left/image/compressed"),
]


@pytest.mark.parametrize(("rules", "topic"), REMAPPINGS)
def test_a_remapped_image_is_followed_in_compressed_transport(
    make_node: Callable[..., MdsmNode], rules: list[str], topic: str
) -> None:
    node = make_node(*(part for rule in rules for part in ("-r", rule)), image_transport="compressed")
    assert node.start()
    Robot.wait(lambda: node.count_subscribers(topic) == 1)
    assert node.cameras[0].image_topic == topic
    raw = node.resolve_topic_name(transport_topic(node, "image", "raw"))
    assert raw == node.resolve_topic_name("image")
    assert raw == topic or raw not in {one.topic_name for one in node.subscriptions}


def test_cameras_that_are_swapped_are_swapped_once(make_node: Callable[..., MdsmNode]) -> None:
    pairs = (("front", "rear"), ("rear", "front"))
    names = ("image/compressed", "depth", "camera_info", "instruction")
    rules = [f"{one}/{name}:=/{other}/{name}" for one, other in pairs for name in names]
    node = make_node(
        *(part for rule in rules for part in ("-r", rule)),
        cameras=["front", "rear"],
        depth=True,
        image_transport="compressed",
    )
    assert node.start()
    for camera, (_, other) in zip(node.cameras, pairs, strict=True):
        assert camera.image_topic == f"/{other}/image/compressed"
        heard = {subscription.topic_name for subscription in subscriptions(camera)}
        assert heard >= {f"/{other}/{name}" for name in names}
        assert heard.isdisjoint(f"/{camera.name}/{name}" for name in names)


def test_two_inputs_may_have_one_topic(make_node: Callable[..., MdsmNode]) -> None:
    node = make_node("-r", "camera_info:=/rgbd/info", "-r", "depth/camera_info:=/rgbd/info", depth=True)

    def profiles() -> list[str]:
        of_topic = [one for one in node.subscriptions if one.topic_name == "/rgbd/info"]
        return sorted(one.qos_profile.durability.name for one in of_topic)

    assert node.start()
    assert profiles() == ["VOLATILE"] * 2
    publisher = node.create_publisher(CameraInfo, "/rgbd/info", LATCHED)
    Robot.wait(lambda: node.count_publishers("/rgbd/info"))
    node.cameras[0].inputs.adapt()
    assert profiles() == ["TRANSIENT_LOCAL"] * 2 + ["VOLATILE"] * 2
    node.destroy_publisher(publisher)
    assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert profiles() == []


def subscriptions(camera: Camera) -> list[Subscription]:
    heard = [one for heard in camera.inputs._heard for one in heard.subscriptions.values()]
    return [*(one for _, one in camera.inputs._single), *heard]
