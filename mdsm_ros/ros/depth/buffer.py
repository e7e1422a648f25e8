"""Stores depth images and camera_info, and finds those that match an image; reads messages by attribute only."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import SpatialError
from mdsm_ros.recordings.cameras.info import camera_of, is_named_rectified, is_rectified
from mdsm_ros.recordings.cameras.model import CameraModel
from mdsm_ros.recordings.cameras.registration import DepthView, Rigid, check_unit, lay_over
from mdsm_ros.recordings.images.depth import depth_to_metres

REMEMBERED = 15  # depth images stored: half a second at 30 Hz, longer than most answers take
FindTransform = Callable[[str, str, Any], Rigid]  # target frame, source frame, stamp of the depth image


class Sources(NamedTuple):
    """The sources of the images, from which the node infers whether the images are rectified.

    Attributes:
        image: Name of the image topic.
        depth: Name of the depth topic.
        rectified: Whether the images are rectified: "yes", "no", or "auto" to infer it from the names.
    """

    image: str = ""
    depth: str = ""
    rectified: str = "auto"


UNKNOWN = Sources()


class DepthBuffer:
    """The newest depth images and the newest camera_info of both cameras. Thread-safe.

    Args:
        tolerance: Largest difference between the stamps of image and depth, in seconds.
        sources: Topics of image and depth.
        to_metres: Function that converts a message to depth (H, W) in metres.
        find_transform: Function that returns the transform from the depth frame to the image frame; None if transforms
            are not available.
    """

    def __init__(
        self,
        tolerance: float,
        sources: Sources = UNKNOWN,
        to_metres: Callable[[Any], NDArray[np.float32]] = depth_to_metres,
        find_transform: FindTransform | None = None,
    ) -> None:
        self._tolerance = tolerance
        self._sources = sources
        self._to_metres = to_metres
        self._find_transform = find_transform
        self._lock = threading.Lock()
        self._images: deque[Any] = deque(maxlen=REMEMBERED)
        self._held: Any = None
        self._info: Any = None
        self._depth_info: Any = None

    def put_depth(self, message: Any) -> None:
        """Stores a depth image."""
        with self._lock:
            self._images.append(message)

    def hold(self, header: Any) -> None:
        """Keeps the depth image nearest to an image that is being answered, even if many newer ones arrive."""
        with self._lock:
            self._held = min(self._known(), key=lambda image: _distance(image, header), default=None)

    def put_info(self, message: Any) -> None:
        """Stores the camera_info of the images."""
        with self._lock:
            self._info = message

    def put_depth_info(self, message: Any) -> None:
        """Stores the camera_info of the depth images."""
        with self._lock:
            self._depth_info = message

    @property
    def has_two_frames(self) -> bool:
        """Whether the messages received so far show that image and depth have different frames."""
        with self._lock:
            infos = (self._info, self._depth_info)
        return None not in infos and _frame(infos[0].header) != _frame(infos[1].header)

    def match(self, header: Any, shape: tuple[int, int] | None = None) -> DepthView:
        """Returns the depth nearest to the stamp of an image, registered to it; among equals, the newest one.

        Args:
            header: Header of the image.
            shape: Height and width of the image; None for those of the depth image.

        Raises:
            ConversionError: The depth image is damaged.
            SpatialError: There is no depth image near enough in time, or the messages do not determine the pose.
        """
        with self._lock:
            images, info, depth_info = self._known(), self._info, self._depth_info
        if info is None:
            raise SpatialError("camera_info", "missing", "a message on topic camera_info")
        image_frame = _frame(header)
        _check_frame("camera_info frame_id", info, image_frame, "the image")
        nearest = self._nearest(images, header)
        depth_frame = _frame(nearest.header)
        if depth_info is not None:
            _check_frame("depth camera_info frame_id", depth_info, depth_frame, "the depth image")
        pose = None if depth_frame == image_frame else self._pose(image_frame, nearest.header, depth_info)
        metres = self._to_metres(nearest)
        check_unit(metres)
        height, width = shape or metres.shape
        is_rectified_image = self._is_rectified(info)
        image = camera_of(info, width, height, rectified=is_rectified_image)
        if depth_info is None:
            is_rectified_depth = is_rectified_image or is_named_rectified(self._sources.depth)
            depth = camera_of(info, metres.shape[1], metres.shape[0], rectified=is_rectified_depth)
        else:
            depth = self._depth_camera(depth_info, metres.shape, pose is not None, is_rectified_image)
        return lay_over(metres, depth, image, pose)

    def _depth_camera(self, info: Any, shape: tuple[int, ...], is_apart: bool, is_rectified_image: bool) -> CameraModel:
        """Returns the depth camera from its camera_info; registered depth is rectified if the image is."""
        topic = self._sources.depth
        try:
            rectified = is_rectified(info, topic) if is_apart else is_rectified_image or is_named_rectified(topic)
            return camera_of(info, shape[1], shape[0], rectified=rectified)
        except SpatialError as error:
            raise SpatialError(f"depth {error.field}", error.value, error.expectation) from error

    def _known(self) -> list[Any]:
        """Returns the stored depth images, the newest first, so that min() prefers it among equals."""
        return [*reversed(self._images), *([] if self._held is None else [self._held])]

    def _nearest(self, images: list[Any], header: Any) -> Any:
        nearest = min(images, key=lambda image: _distance(image, header), default=None)
        if nearest is None:
            raise SpatialError("depth", "missing", f"a depth image within {self._tolerance} s of the image")
        away = _distance(nearest, header) / 1e9
        if away > self._tolerance:
            value = "without a stamp" if _nanoseconds(nearest.header) == 0 else f"{away:.3f} s away"
            raise SpatialError("depth", value, f"a depth image within {self._tolerance} s of the image")
        return nearest

    def _pose(self, image_frame: str, depth_header: Any, depth_info: Any) -> Rigid:
        """Returns the transform from the frame of the depth image to the frame of the image."""
        depth_frame = _frame(depth_header)
        expectation = f"{image_frame!r}, the frame of the image (depth registered to it)"
        if depth_info is None:
            how = f"{expectation}, or messages on depth/camera_info and a transform"
            raise SpatialError("depth frame_id", repr(depth_frame), how)
        if self._find_transform is None:
            how = f"{expectation}, or tf2_ros installed, which provides the transform"
            raise SpatialError("depth frame_id", repr(depth_frame), how)
        return self._find_transform(image_frame, depth_frame, depth_header.stamp)

    def _is_rectified(self, info: Any) -> bool:
        if self._sources.rectified == "auto":
            return is_rectified(info, self._sources.image)
        return self._sources.rectified == "yes"


def _check_frame(field: str, info: Any, frame: str, whose: str) -> None:
    """Checks the frame of a camera_info; an empty frame_id is accepted."""
    if _frame(info.header) not in ("", frame):
        raise SpatialError(field, repr(_frame(info.header)), f"{frame!r}, the frame of {whose}")


def _frame(header: Any) -> str:
    return str(header.frame_id).lstrip("/")  # drivers ported from ROS 1 publish a leading slash


def _distance(image: Any, header: Any) -> int:
    """Nanoseconds between the stamps of a message and a header."""
    return abs(_nanoseconds(image.header) - _nanoseconds(header))


def _nanoseconds(header: Any) -> int:
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)
