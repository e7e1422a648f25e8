"""A rosbag2 recording as a camera: its messages are sent as recorded, byte for byte."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mdsm_ros.errors import BagError, ImageError
from mdsm_ros.pixels import open_picture
from mdsm_ros.recordings.bags import Bag, BagMessage
from mdsm_ros.recordings.exchange import Frame, Outgoing
from mdsm_ros.recordings.images.depth import is_depth

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
INSTRUCTION_TYPE = "std_msgs/msg/String"
CAMERA_INFO_TYPE = "sensor_msgs/msg/CameraInfo"
TRUTH_TOPIC = "/ground_truth/mask/compressed"  # PNG, stamped like its image; optional


def depth_topics(bag: Bag) -> list[str]:
    """Finds the image topics with depth, by the encoding of their first message.

    If that is inconclusive (no message, a damaged one, mono16), topics with the word "depth" in their name count.
    """
    return [topic for topic, kind in bag.topics.items() if kind in IMAGE_TYPES and _holds_depth(bag, topic)]


class RecordingSource:
    """A bag with one camera (raw or compressed) and one instruction topic.

    Raises:
        BagError: The bag is not readable, or lacks images or instructions.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.instructions: list[str] = []
        self._in_force: dict[int, int] = {}  # index of the instruction by stamp of the image
        self._truth: dict[int, np.ndarray] = {}  # mask by stamp of the image
        with Bag(path) as bag:
            self.image_topic = bag.find_topic(IMAGE_TYPES, exclude=[TRUTH_TOPIC, *depth_topics(bag)])
            self.instruction_topic = bag.find_topic([INSTRUCTION_TYPE])
            self.duration = bag.duration
            kinds = (*IMAGE_TYPES, INSTRUCTION_TYPE, CAMERA_INFO_TYPE)
            self.topics = {name: kind for name, kind in bag.topics.items() if kind in kinds and name != TRUTH_TOPIC}
            for message in bag.messages([self.image_topic, self.instruction_topic, TRUTH_TOPIC]):
                self._note(bag, message)
        if not self._in_force:
            raise BagError(f"bag {str(path)!r} has no message on {self.image_topic}, expected images")
        if not self.instructions:
            raise BagError(f"bag {str(path)!r} has no message on {self.instruction_topic}, expected instructions")

    def _note(self, bag: Bag, message: BagMessage) -> None:
        content = bag.decode(message)
        if message.topic == self.instruction_topic:
            self.instructions.append(content.data)
        elif message.topic == self.image_topic:
            self._in_force[_stamp(content)] = len(self.instructions) - 1
        else:
            self._truth[_stamp(content)] = _decode_mask(content.data, f"{TRUTH_TOPIC} of bag {str(self.path)!r}")

    def messages(self, start: int) -> Iterator[Outgoing]:
        """The messages at the pace of the recording, with their recorded stamps, independent of ``start``."""
        first: int | None = None
        with Bag(self.path) as bag:
            for message in bag.messages(list(self.topics)):
                first = message.time if first is None else first
                frame = None
                if message.topic == self.image_topic:
                    content = bag.decode(message)
                    stamp = _stamp(content)
                    frame = Frame(stamp, content.header.frame_id, self._in_force[stamp])
                yield Outgoing(message.topic, (message.time - first) / 1e9, message.data, frame)

    def truth(self, frame: Frame) -> np.ndarray | None:
        """The recorded mask of a frame."""
        return self._truth.get(frame.stamp)


def _holds_depth(bag: Bag, topic: str) -> bool:
    is_named_so = "depth" in topic.replace("_", "/").split("/")
    try:
        first = next(bag.messages([topic]), None)
        content = None if first is None else bag.decode(first)
    except BagError:  # the rest of the recording may be readable
        return is_named_so
    if content is None or getattr(content, "encoding", "") == "mono16":  # depth or a camera image
        return is_named_so
    return is_depth(content)


def _stamp(message: Any) -> int:
    stamp = message.header.stamp
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def _decode_mask(data: np.ndarray, where: str) -> np.ndarray:
    try:
        with open_picture(io.BytesIO(data.tobytes())) as image:
            return np.asarray(image.convert("L")) > 127
    except (ImageError, OSError, SyntaxError, ValueError) as error:
        raise BagError(f"{where}: a mask cannot be decoded: {error}") from error
