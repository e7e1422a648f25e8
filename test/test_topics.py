"""Which topic of a recording is the camera: by what its messages hold, not by a word in its name."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recordings import CUP, Recorder, picture

from mdsm_ros.demo.bag_writer import STORE, _header
from mdsm_ros.errors import BagError
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.playback import RecordingSource, depth_topics
from mdsm_ros.replay.frames import choose_topics

RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
FAR = np.full((24, 32), 1200, np.uint16)


def raw(pixels: np.ndarray, encoding: str) -> tuple[str, Any]:
    rows = np.ascontiguousarray(pixels)
    message = STORE.types[RAW](
        header=_header(10**9),
        height=rows.shape[0],
        width=rows.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=rows.strides[0],
        data=rows.reshape(-1).view(np.uint8),
    )
    return RAW, message


def compressed(pixels: np.ndarray, text: str, head: bytes = b"") -> tuple[str, Any]:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "jpeg" if "jpeg" in text else "png")
    data = np.frombuffer(head + stream.getvalue(), np.uint8)
    return COMPRESSED, STORE.types[COMPRESSED](header=_header(10**9), format=text, data=data)


def recording(folder: Path, topics: dict[str, tuple[str, Any] | None]) -> Path:
    recorder = Recorder(folder)
    recorder.say(CUP, 0.5)
    for topic, content in topics.items():
        if content is not None:
            recorder.write(topic, content[0], content[1], 1.0)
    return recorder.close()


@pytest.mark.parametrize(
    ("colour", "depth"),
    [
        ({"/depth_cam/rgb/image_raw": raw(picture(3), "rgb8")}, {}),
        ({"/depth_cam/image/compressed": compressed(picture(3), "jpeg")}, {"/range": raw(FAR, "16UC1")}),
        ({"/a": raw(picture(3)[..., 0], "mono8")}, {"/b": raw(FAR.astype(np.float32), "32FC1")}),
        ({"/a": raw(FAR, "mono16")}, {"/depth/b": raw(FAR, "mono16")}),
        ({"/a": raw(picture(3)[..., 0], "bayer_rggb8")}, {"/b": compressed(FAR, "16UC1; png compressed ")}),
        ({"/depth": compressed(picture(3), "rgb8; png compressed bgr8")}, {"/b": compressed(FAR, "png")}),
        ({"/depthai": raw(picture(3), "bgr8")}, {"/z": compressed(FAR, "16UC1; compressedDepth png", bytes(12))}),
    ],
)
def test_the_camera_is_known_by_its_encoding(tmp_path: Path, colour: dict[str, Any], depth: dict[str, Any]) -> None:
    path = recording(tmp_path / "bag", colour | depth)
    (wanted,) = colour
    with Bag(path) as bag:
        assert choose_topics(bag).image == wanted
        assert depth_topics(bag) == list(depth)
    assert RecordingSource(path).image_topic == wanted


def test_two_cameras_are_to_be_told_apart_by_name(tmp_path: Path) -> None:
    path = recording(tmp_path / "bag", {"/depth/left": raw(picture(3), "rgb8"), "/right": raw(picture(3), "rgb8")})
    with Bag(path) as bag, pytest.raises(BagError, match="name one: /depth/left, /right"):
        choose_topics(bag)


def test_a_first_message_that_is_damaged_leaves_the_name(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    for topic in ("/depth/image", "/color/image"):
        connection = recorder.writer.add_connection(topic, RAW, typestore=STORE)
        recorder.writer.write(connection, 10**9, b"\x00\x01\x00\x00damaged")
    with Bag(recorder.close()) as bag:
        assert depth_topics(bag) == ["/depth/image"]
        assert choose_topics(bag).image == "/color/image"
