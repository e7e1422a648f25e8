"""A copy of the recording with masks and status lines beside its own topics, for Foxglove and RViz."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mdsm_ros.errors import BagError
from mdsm_ros.files import to_json
from mdsm_ros.inference.answer import TRACKED
from mdsm_ros.recordings.bags import Bag, BagMessage
from mdsm_ros.replay.answers import FrameAnswer

MASK_TOPIC = "/mdsm/mask/compressed"  # name in image_transport
TOPICS = {"initial": "/mdsm/initial_mask/compressed", "refined": MASK_TOPIC, TRACKED: MASK_TOPIC}
STATUS_TOPIC = "/mdsm/status"
STORE = get_typestore(Stores.ROS2_JAZZY)  # a recording contains only its own types
NO_HASH = "RIHS01_" + 64 * "0"  # a type without a definition in the recording
IMAGE_TYPE, STATUS_TYPE = "sensor_msgs/msg/CompressedImage", "std_msgs/msg/String"


def write_output_bag(
    folder: Path, bag: Bag, image_topic: str, answers: Iterator[FrameAnswer], progress: Callable[[], object]
) -> None:
    """Copies a recording message by message and inserts each answer after its image.

    Args:
        folder: Folder to write (mcap); must not exist.
        bag: Recording; its messages on the output topics are left out.
        image_topic: Topic of the answered images.
        answers: Answers in the order of the images.
        progress: Function called for each image.
    """
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        ours = {
            **{
                topic: writer.add_connection(topic, IMAGE_TYPE, typestore=STORE)
                for topic in dict.fromkeys(TOPICS.values())
            },
            STATUS_TOPIC: writer.add_connection(STATUS_TOPIC, STATUS_TYPE, typestore=STORE),
        }
        copies = {
            connection.topic: _copy(writer, bag, connection)
            for connection in bag.connections
            if connection.topic not in ours
        }
        answer = next(answers, None)
        try:
            for message in bag.messages(list(copies)):
                writer.write(copies[message.topic], message.time, message.data)
                if message.topic == image_topic and answer is not None and message.time == answer.recorded:
                    _write_answer(writer, bag, ours, message, answer)
                    answer = next(answers, None)
                    progress()
        except BagError:
            pass  # the report says so; the readable part is copied


def _copy(writer: Writer, bag: Bag, connection: Connection) -> Connection:
    profiles = getattr(connection.ext, "offered_qos_profiles", ())
    known = connection.msgtype in bag.typestore.fielddefs
    definition = connection.msgdef.data if connection.msgdef.format != MessageDefinitionFormat.NONE else ""
    about: dict[str, Any] = (
        {"typestore": bag.typestore} if known else {"msgdef": definition, "rihs01": connection.digest or NO_HASH}
    )  # bytes are copied even if their type is unknown
    return writer.add_connection(connection.topic, connection.msgtype, offered_qos_profiles=profiles, **about)


def _write_answer(
    writer: Writer, bag: Bag, ours: dict[str, Connection], message: BagMessage, answer: FrameAnswer
) -> None:
    header = bag.decode(message).header if answer.fault is None else None

    def write(topic: str, content: Any) -> None:
        data = STORE.serialize_cdr(content, ours[topic].msgtype)
        writer.write(ours[topic], message.time, data)

    for stage, topic in TOPICS.items():
        if stage in answer.masks:
            write(topic, _mask_message(header, answer.mask(stage)))
    status = {
        "stamp": {"sec": answer.stamp // 10**9, "nanosec": answer.stamp % 10**9},
        "instruction": answer.instruction,
        "stage": answer.stage or None,
        "score": round(answer.score, 4) if answer.fault is None else None,
        "present": answer.present if answer.fault is None else None,
        "error": answer.fault,
    }
    write(STATUS_TOPIC, STORE.types[STATUS_TYPE](data=to_json(status, ensure_ascii=False)))


def _mask_message(header: Any, mask: np.ndarray) -> Any:
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "png")
    data = np.frombuffer(buffer.getvalue(), np.uint8)
    return STORE.types[IMAGE_TYPE](header=header, format="png", data=data)
