"""Every topic of the node, once: name, message type, QoS, condition, description.

The publishers, the launch file's arguments and the tables in ``README.md`` and ``docs/node.md`` come from ``TOPICS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rclpy.qos import QoSProfile


@dataclass(frozen=True)
class Reliable:
    """Reliable QoS, which also serves best-effort subscribers.

    Attributes:
        depth: Number of messages queued for slow subscribers.
        latched: Whether later subscribers also get the messages in the queue (transient_local).
    """

    depth: int = 10
    latched: bool = False

    def __str__(self) -> str:
        return f"reliable{', transient_local' if self.latched else ''}, depth {self.depth}"

    def profile(self) -> QoSProfile:
        """The QoS as an rclpy profile."""
        from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

        durability = DurabilityPolicy.TRANSIENT_LOCAL if self.latched else DurabilityPolicy.VOLATILE
        return QoSProfile(depth=self.depth, reliability=ReliabilityPolicy.RELIABLE, durability=durability)


@dataclass(frozen=True)
class Topic:
    """A topic that the node subscribes or publishes.

    Attributes:
        name: Name of the topic in the node; "~/" stands for the node's name.
        message: Message type, such as "sensor_msgs/Image".
        direction: "in" if the node subscribes, "out" if it publishes.
        when: Condition under which the topic is subscribed or published.
        content: Content of the messages, beside their type.
        summary: Description in the README; empty for topics not listed there.
        qos: QoS of the publisher or subscription, unless parameters set it.
        qos_parameters: Text for the table instead of ``qos``: the parameters that set the QoS, or "".
    """

    name: str
    message: str
    direction: Literal["in", "out"]
    when: str
    content: str = ""
    summary: str = ""
    qos: Reliable = Reliable()
    qos_parameters: str = ""

    @property
    def short_name(self) -> str:
        """The name without "~/", used as a key and as the name of a launch argument."""
        return self.name.removeprefix("~/")

    def message_type(self) -> type[Any] | None:
        """The message class; None if its package is not installed."""
        package, name = self.message.split("/")
        try:
            return getattr(import_module(f"{package}.msg"), name)  # type: ignore[no-any-return]
        except ImportError:
            return None


IMAGE_QOS = "`image_reliability`, `image_depth`"
ANY_QOS = "any, see below"  # ros/inputs/hearing.py subscribes to every publisher
WITH_ANSWER = "with the final answer"
ON_DEMAND = "with `~/mask`, while somebody subscribes"
MAPS = f"{WITH_ANSWER}, while somebody subscribes"
GRASPING = "after `~/mask` where parameter `depth` is true, while somebody subscribes"

TOPICS = (
    Topic(
        "image",
        "sensor_msgs/Image",
        "in",
        "if `image_transport` is `raw`",
        summary="camera images, if `image_transport` is `raw`",
        qos_parameters=IMAGE_QOS,
    ),
    Topic(
        "image/compressed",
        "sensor_msgs/CompressedImage",
        "in",
        "if `image_transport` is `compressed`",
        content="JPEG, PNG or TIFF",
        summary="the same, if it is `compressed`",
        qos_parameters=IMAGE_QOS,
    ),
    Topic(
        "depth",
        "sensor_msgs/Image",
        "in",
        "if parameter `depth` is true and `depth_transport` is `raw`",
        content="16UC1 (mm) or 32FC1 (m), REP 118",
        summary="depth images, if parameter `depth` is true",
        qos_parameters=IMAGE_QOS,
    ),
    Topic(
        "depth/compressedDepth",
        "sensor_msgs/CompressedImage",
        "in",
        "if `depth_transport` is `compressedDepth`",
        content="PNG or RVL",
        qos_parameters=IMAGE_QOS,
    ),
    Topic(
        "depth/compressed",
        "sensor_msgs/CompressedImage",
        "in",
        "if `depth_transport` is `compressed`",
        content="16-bit PNG in millimetres",
        qos_parameters=IMAGE_QOS,
    ),
    Topic(
        "camera_info",
        "sensor_msgs/CameraInfo",
        "in",
        "if parameter `depth` is true: the camera of the image",
        qos_parameters=ANY_QOS,
    ),
    Topic(
        "depth/camera_info",
        "sensor_msgs/CameraInfo",
        "in",
        "if parameter `depth` is true: the camera of the depth image; needed if its frame_id differs from the image's",
        qos_parameters=ANY_QOS,
    ),
    Topic(
        "instruction",
        "std_msgs/String",
        "in",
        "always; an instruction applies until the next one arrives",
        summary="the target; the newest instruction applies",
        qos_parameters=ANY_QOS,
    ),
    Topic(
        "~/reply",
        "std_msgs/String",
        "in",
        "always; answers the newest message on `~/question`",
        content='such as "the blue one", "the second", "left", "neither"',
        summary="the answer to a question, if parameter `ask` is true",
        qos_parameters=ANY_QOS,
    ),
    Topic(
        "~/initial_mask",
        "sensor_msgs/Image",
        "out",
        "as soon as stage 1 has answered",
        content="mono8, 0 or 255",
        summary="the first answer, before refinement",
    ),
    Topic(
        "~/mask",
        "sensor_msgs/Image",
        "out",
        "the final answer; without refinement, the initial mask again; with parameter `track`, every image",
        content="mono8, 0 or 255",
        summary="the answer, with the stamp and frame_id of its image",
    ),
    Topic("~/probability", "sensor_msgs/Image", "out", MAPS, content="32FC1"),
    Topic(
        "~/uncertainty",
        "sensor_msgs/Image",
        "out",
        f"{MAPS}, if `num_samples` is 2 or more",
        content="32FC1, standard deviation of the probability",
    ),
    Topic(
        "~/overlay",
        "sensor_msgs/Image",
        "out",
        ON_DEMAND,
        content="rgb8",
        summary="for people; drawn only while somebody subscribes",
    ),
    Topic(
        "~/instances",
        "sensor_msgs/Image",
        "out",
        ON_DEMAND,
        content="mono16, 0 is background, i the i-th object of `~/mask`",
        summary="the objects in the mask, if the instruction asks for several",
    ),
    Topic(
        "~/label_info",
        "vision_msgs/LabelInfo",
        "out",
        f"{ON_DEMAND}, where vision_msgs is installed",
        content="the class of each id in `~/instances`",
    ),
    Topic(
        "~/detections",
        "vision_msgs/Detection2DArray",
        "out",
        f"{ON_DEMAND}, where vision_msgs is installed",
        content="a box for each object, class_id is the instruction",
        summary="a box for each object, where vision_msgs is installed",
    ),
    Topic(
        "~/object_pose",
        "geometry_msgs/PoseStamped",
        "out",
        f"{WITH_ANSWER}, if parameter `depth` is true, the target is in view and depth covers enough of it",
        summary="the object's position, given `depth` and `camera_info`",
    ),
    Topic(
        "~/object_points",
        "sensor_msgs/PointCloud2",
        "out",
        "with `~/object_pose`, while somebody subscribes",
        content="x, y, z, rgb",
        summary="the object's points, likewise",
    ),
    Topic(
        "~/object_centroid",
        "geometry_msgs/PoseWithCovarianceStamped",
        "out",
        f"{GRASPING}, if the object can be described",
        content="mean of the visible surface; the orientation is not estimated",
        summary="the object's centroid with its covariance, likewise",
    ),
    Topic(
        "~/detections_3d",
        "vision_msgs/Detection3DArray",
        "out",
        f"{GRASPING} and vision_msgs is installed",
        content="an oriented box for each object, with id and class_id as on `~/detections`",
        summary="oriented boxes of the objects, where vision_msgs is installed",
    ),
    Topic(
        "~/grasps",
        "geometry_msgs/PoseArray",
        "out",
        GRASPING,
        content="up to five grasps of two fingers, the best first",
        summary="up to five ranked grasps: x is the approach, y the closing direction",
    ),
    Topic(
        "~/markers",
        "visualization_msgs/MarkerArray",
        "out",
        f"{GRASPING} and visualization_msgs is installed",
        content="boxes and grasps",
        summary="boxes and grasps, for RViz",
    ),
    Topic(
        "~/question",
        "std_msgs/String",
        "out",
        "where parameter `ask` is true: a question when one comes up, and once more without one when it is settled; "
        "later subscribers get the last lines, too (transient_local; up to 10, of which the newest counts)",
        content="one line of JSON",
        summary="which of several objects is meant, if parameter `ask` is true",
        qos=Reliable(latched=True),
    ),
    Topic(
        "~/status",
        "std_msgs/String",
        "out",
        "one line of JSON per answer, tracked mask and refused message",
        summary="one line of JSON per answer: score, present, timings, latency",
    ),
    Topic(
        "/diagnostics",
        "diagnostic_msgs/DiagnosticArray",
        "out",
        "every second",
        summary="rates, drops, errors",
    ),
)
SERVICES = ("~/segment", "~/set_enabled")
SHARED = ("instruction", *SERVICES)
"""Names that apply to all cameras of a node with several; each camera also has a topic or service of its own."""
INPUTS = tuple(topic for topic in TOPICS if topic.direction == "in")
OUTPUTS = tuple(topic for topic in TOPICS if topic.direction == "out" and topic.name.startswith("~/"))
"""The topics published for a frame."""
PRIVATE = (*(topic for topic in INPUTS if topic.name.startswith("~/")), *OUTPUTS)
"""Topics below the node's name; each has a launch argument that remaps it."""


def name_of(name: str, camera: str) -> str:
    """The name of a topic or service of one of several cameras: ``front/image``, ``~/front/mask``.

    Args:
        name: Name as the node has it with one camera.
        camera: Name of the camera; "" for the only one, whose names are unchanged.
    """
    if not camera or name.startswith("/"):
        return name
    return f"~/{camera}/{name[2:]}" if name.startswith("~/") else f"{camera}/{name}"


def names_of(cameras: Sequence[str]) -> list[str]:
    """The names of all topics and services of a node with these cameras; none: one camera without a name."""
    names = [*(topic.name for topic in TOPICS), *SERVICES]
    if not cameras:
        return names
    return list(dict.fromkeys([*SHARED, *(name_of(name, camera) for camera in cameras for name in names)]))


def cameras_markdown() -> str:
    """The table of names with several cameras in ``docs/node.md``."""
    names = [*(topic.name for topic in TOPICS), *SERVICES]
    rows = [
        (f"`{name}`", f"`{name_of(name, 'front')}`" + (f", and `{name}` for all cameras" if name in SHARED else ""))
        for name in names
    ]
    return _table(("one camera", "camera `front`"), rows)


def subscribed_markdown() -> str:
    """The table of subscribed topics in ``docs/node.md``."""
    rows = [(_name(t), _type(t), t.qos_parameters or str(t.qos), t.when) for t in INPUTS]
    return _table(("subscribed", "type", "QoS", "when"), rows)


def published_markdown() -> str:
    """The table of published topics in ``docs/node.md``."""
    return _table(("published", "type", "when"), [(_name(t), _type(t), t.when) for t in TOPICS if t.direction == "out"])


def summary_markdown() -> str:
    """The table of topics in ``README.md``."""
    return _table(("topic", "type", "content"), [(_name(t), f"`{t.message}`", t.summary) for t in TOPICS if t.summary])


def _name(topic: Topic) -> str:
    return f"`{topic.name}`"


def _type(topic: Topic) -> str:
    return f"`{topic.message}`" + (f": {topic.content}" if topic.content else "")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [" | ".join(head), "|".join(["---"] * len(head)), *(" | ".join(cells) for cells in rows)]
    return f"| {lines[0]} |\n|{lines[1]}|\n" + "".join(f"| {line} |\n" for line in lines[2:])
