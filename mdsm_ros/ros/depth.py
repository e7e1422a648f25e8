"""Depth images and camera_info in, point clouds and poses out; messages are read by attribute only."""

from __future__ import annotations

import threading
from array import array
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import ConversionError
from mdsm_ros.geometry import Camera, ObjectGeometry, quaternion
from mdsm_ros.ros.conversions import image_to_numpy

REMEMBERED = 15  # depth images: half a second at 30 Hz, longer than most answers take


def depth_to_metres(message: Any) -> NDArray[np.float32]:
    """The depth (H, W) of a ``sensor_msgs/Image`` in metres, NaN where there is none (REP-118: 16UC1 mm or 32FC1 m).

    Raises:
        ConversionError: the message is damaged, or is no depth image.
    """
    check_depth(message)
    pixels = image_to_numpy(message)
    if message.encoding == "32FC1":
        return pixels.astype(np.float32)
    return np.where(pixels == 0, np.float32(np.nan), pixels.astype(np.float32) / 1000)


def check_depth(message: Any) -> None:
    """Checks what :func:`depth_to_metres` needs, in constant time.

    Raises:
        ConversionError: as there.
    """
    if message.encoding not in ("16UC1", "32FC1", "mono16"):
        raise ConversionError("encoding", repr(message.encoding), "depth: 16UC1 (mm) or 32FC1 (m)")
    image_to_numpy(message)


def camera_of(message: Any, width: int, height: int) -> Camera:
    """Intrinsics of a ``sensor_msgs/CameraInfo``, scaled to an image of another size of the same camera.

    Raises:
        ConversionError: the camera is not calibrated, or has another aspect ratio.
    """
    fx, fy, cx, cy = (float(message.k[i]) for i in (0, 4, 2, 5))
    if not (fx > 0 and fy > 0 and message.width > 0 and message.height > 0):
        raise ConversionError("camera_info k", list(message.k), "a calibrated camera with width and height")
    across, down = width / message.width, height / message.height
    if abs(across / down - 1) > 0.01:
        size = f"{message.width}x{message.height}"
        raise ConversionError("camera_info size", size, f"the aspect ratio of the depth image, {width}x{height}")
    # CameraInfo's pixel centres are whole numbers, ours are halves
    return Camera(fx * across, fy * down, (cx + 0.5) * across, (cy + 0.5) * down)


def info_of(camera: Camera, height: int, width: int, header: Any) -> Any:
    """The ``sensor_msgs/CameraInfo`` of an ideal camera; ``header`` is taken over as it is."""
    from sensor_msgs.msg import CameraInfo

    cx, cy = camera.cx - 0.5, camera.cy - 0.5  # CameraInfo's pixel centres are whole numbers, ours are halves
    return CameraInfo(
        header=header,
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[camera.fx, 0.0, cx, 0.0, camera.fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[camera.fx, 0.0, cx, 0.0, 0.0, camera.fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


class DepthBuffer:
    """The newest depth images and the newest camera_info. Safe in both threads.

    Args:
        tolerance: seconds by which the stamps of image and depth may differ.
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._lock = threading.Lock()
        self._images: deque[Any] = deque(maxlen=REMEMBERED)
        self._info: Any = None

    def put_depth(self, message: Any) -> None:
        """Remembers a depth image."""
        with self._lock:
            self._images.append(message)

    def put_info(self, message: Any) -> None:
        """Remembers the camera's intrinsics."""
        with self._lock:
            self._info = message

    def match(self, header: Any) -> tuple[NDArray[np.float32], Camera]:
        """The depth (H, W) in metres nearest to the stamp of an image, and its intrinsics.

        Raises:
            ConversionError: there is none near enough, no camera_info, or one of both cannot be used.
        """
        with self._lock:
            images, info = list(self._images), self._info
        if info is None:
            raise ConversionError("camera_info", "missing", "a message on topic camera_info")
        wanted = _seconds(header)
        nearest = min(images, key=lambda image: abs(_seconds(image.header) - wanted), default=None)
        if nearest is None or abs(_seconds(nearest.header) - wanted) > self._tolerance:
            away = "missing" if nearest is None else f"{abs(_seconds(nearest.header) - wanted):.3f} s away"
            raise ConversionError("depth", away, f"a depth image within {self._tolerance} s of the image")
        return depth_to_metres(nearest), camera_of(info, nearest.width, nearest.height)


def points_to_cloud(found: ObjectGeometry, colors: NDArray[np.uint8], header: Any) -> Any:
    """A ``sensor_msgs/PointCloud2`` with x, y, z and rgb (packed as PCL has it) of an object.

    Args:
        found: the object.
        colors: (N, 3) RGB of its points.
        header: is taken over as it is.
    """
    from sensor_msgs.msg import PointCloud2, PointField

    cloud = np.zeros(len(found.points), dtype=[("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<u4")])
    for i, name in enumerate("xyz"):
        cloud[name] = found.points[:, i]
    red, green, blue = colors.astype(np.uint32).T
    cloud["rgb"] = red << 16 | green << 8 | blue
    data = array("B")
    data.frombytes(cloud.tobytes())
    return PointCloud2(
        header=header,
        height=1,
        width=len(cloud),
        fields=[
            PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
            for i, name in enumerate(("x", "y", "z", "rgb"))
        ],
        is_bigendian=False,
        point_step=cloud.itemsize,
        row_step=cloud.nbytes,
        data=data,
        is_dense=True,
    )


def pose_of(found: ObjectGeometry, header: Any) -> Any:
    """A ``geometry_msgs/PoseStamped``: the mean of an object's points, x along its longest principal axis."""
    from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion

    x, y, z = (float(value) for value in found.position)
    qx, qy, qz, qw = quaternion(found.axes)
    pose = Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))
    return PoseStamped(header=header, pose=pose)


def _seconds(header: Any) -> float:
    return float(header.stamp.sec + header.stamp.nanosec / 1e9)
