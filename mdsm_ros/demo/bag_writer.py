"""Writes demo recordings: camera, optionally depth, instructions and ground-truth masks."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mdsm_ros.geometry import Camera
from mdsm_ros.recordings.playback import CAMERA_INFO_TYPE, INSTRUCTION_TYPE, TRUTH_TOPIC

IMAGE_TOPIC = "/camera/image/compressed"
CAMERA_INFO_TOPIC = "/camera/camera_info"
DEPTH_TOPIC = "/camera/depth/image"
INSTRUCTION_TOPIC = "/instruction"
COMPRESSED_TYPE, IMAGE_TYPE = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image"
FRAME_ID = "camera_color_optical_frame"
JPEG_QUALITY = 85
STORE = get_typestore(Stores.ROS2_JAZZY)
LATCHED = Qos(
    history=QosHistory.KEEP_LAST,
    depth=1,
    reliability=QosReliability.RELIABLE,
    durability=QosDurability.TRANSIENT_LOCAL,
    deadline=QosTime(0, 0),
    lifespan=QosTime(0, 0),
    liveliness=QosLiveliness.AUTOMATIC,
    liveliness_lease_duration=QosTime(0, 0),
    avoid_ros_namespace_conventions=False,
)


@dataclass(frozen=True)
class Shot:
    """One frame of a recording."""

    rgb: np.ndarray  # uint8 (H, W, 3)
    truth: np.ndarray  # bool (H, W)
    camera: Camera
    instruction: str  # current from this frame on
    depth: np.ndarray | None = None  # float32 (H, W), metres, on the pixels of rgb


def stamp_of(number: int, rate: float, start: int) -> int:
    """Nanoseconds of a frame, by its number from 0, the frames a second and the first one's stamp."""
    return start + round(number * 1e9 / rate)


def write_recording(folder: Path, shots: Iterable[Shot], *, rate: float, start: int) -> None:
    """Writes a rosbag2 folder (mcap) of ``shots`` at ``rate`` frames per second; the first has stamp ``start`` (ns)."""
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        image = writer.add_connection(IMAGE_TOPIC, COMPRESSED_TYPE, typestore=STORE)
        info = writer.add_connection(CAMERA_INFO_TOPIC, CAMERA_INFO_TYPE, typestore=STORE)
        truth = writer.add_connection(TRUTH_TOPIC, COMPRESSED_TYPE, typestore=STORE)
        instruction = writer.add_connection(
            INSTRUCTION_TOPIC, INSTRUCTION_TYPE, typestore=STORE, offered_qos_profiles=[LATCHED]
        )
        said, depth = None, None
        for i, shot in enumerate(shots):
            stamp = stamp_of(i, rate, start)
            if shot.instruction != said:
                said = shot.instruction
                _write(writer, instruction, stamp - 1, STORE.types[INSTRUCTION_TYPE](data=said))
            _write(writer, info, stamp, _camera_info(shot, stamp))
            _write(writer, truth, stamp, _compressed(shot.truth.astype(np.uint8) * 255, stamp, "png"))
            if shot.depth is not None:
                depth = depth or writer.add_connection(DEPTH_TOPIC, IMAGE_TYPE, typestore=STORE)
                _write(writer, depth, stamp, _depth_image(shot.depth, stamp))
            _write(writer, image, stamp, _compressed(shot.rgb, stamp, "jpeg", quality=JPEG_QUALITY))


def _write(writer: Writer, connection: Connection, stamp: int, message: Any) -> None:
    writer.write(connection, stamp, STORE.serialize_cdr(message, connection.msgtype))


def _header(stamp: int) -> Any:
    seconds, nanoseconds = divmod(stamp, 10**9)
    time = STORE.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)
    return STORE.types["std_msgs/msg/Header"](stamp=time, frame_id=FRAME_ID)


def _compressed(pixels: np.ndarray, stamp: int, kind: str, **options: int) -> Any:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    data = np.frombuffer(buffer.getvalue(), np.uint8)
    return STORE.types[COMPRESSED_TYPE](header=_header(stamp), format=kind, data=data)


def _depth_image(metres: np.ndarray, stamp: int) -> Any:
    """Converts depth to 16UC1 in millimetres, 0 without a measurement (REP-118)."""
    millimetres = np.clip(np.nan_to_num(metres) * 1000, 0, np.iinfo(np.uint16).max).round().astype("<u2")
    height, width = millimetres.shape
    return STORE.types[IMAGE_TYPE](
        header=_header(stamp),
        height=height,
        width=width,
        encoding="16UC1",
        is_bigendian=0,
        step=2 * width,
        data=millimetres.view(np.uint8).ravel(),
    )


def _camera_info(shot: Shot, stamp: int) -> Any:
    height, width = shot.truth.shape
    c = shot.camera
    cx, cy = c.cx - 0.5, c.cy - 0.5  # pixel centres are whole numbers in CameraInfo, halves in this package
    return STORE.types[CAMERA_INFO_TYPE](
        header=_header(stamp),
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.array([c.fx, 0, cx, 0, c.fy, cy, 0, 0, 1], float),
        r=np.eye(3).ravel(),
        p=np.array([c.fx, 0, cx, 0, 0, c.fy, cy, 0, 0, 0, 1, 0], float),
        binning_x=0,
        binning_y=0,
        roi=STORE.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False),
    )
