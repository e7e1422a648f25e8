"""The camera of an image from ``sensor_msgs/CameraInfo``: P or K, distortion, region of interest, binning."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import SpatialError
from mdsm_ros.recordings.cameras.model import CameraModel

ASPECT = 0.01  # largest difference between the aspect ratios of camera_info and image
SAME = 0.005  # largest difference between K and P of one camera, as a fraction of the focal length
COEFFICIENTS = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14), "equidistant": (4,), "fisheye": (4,)}
RECTIFIED = {"rect", "rectified"}  # words in topic names
FISHEYE = ("equidistant", "fisheye")


def is_named_rectified(topic: str) -> bool:
    """Whether a topic has the word "rect" or "rectified" in its name: image_rect_color, rect/image; not /rectory."""
    return not RECTIFIED.isdisjoint(_words(topic))


def is_rectified(info: Any, topic: str) -> bool:
    """Whether the images of a topic are rectified, so that P of their camera_info applies and not K with distortion.

    They are if :func:`is_named_rectified` accepts the topic's name.

    Args:
        info: ``sensor_msgs/CameraInfo`` of the topic.
        topic: Name of the image topic.

    Raises:
        SpatialError: The name contains neither rect nor raw, there is no distortion, and K and P differ.
    """
    if is_named_rectified(topic):
        return True
    distorted = any(value != 0 for value in info.d)
    if not distorted and "raw" not in _words(topic) and _is_projection(info) and not _is_same(info):
        value = f"{_numbers(info, 'k')} and p {_numbers(info, 'p')}, without distortion,"
        raise SpatialError("camera_info k", value, "one camera, or parameter rectified set to yes or no")
    return False


def camera_of(info: Any, width: int, height: int, *, rectified: bool = True) -> CameraModel:
    """The camera of an image of ``width`` x ``height`` pixels.

    ``roi`` and ``binning`` are applied. An image of another size but the same aspect ratio counts as a scaled one.

    Args:
        info: ``sensor_msgs/CameraInfo``.
        width: Width of the image in pixels.
        height: Height of the image in pixels.
        rectified: Whether the image is rectified, so that P applies; otherwise K with the distortion.

    Raises:
        SpatialError: The camera is not calibrated, has impossible values, or does not fit the image.
    """
    left, top, across, down = _window(info)
    scale_x, scale_y = width / across, height / down
    _check_shape(info, across / _binning(info.binning_x), down / _binning(info.binning_y), width, height)
    fx, fy, cx, cy = _projection(info) if rectified else _intrinsics(info, "k", (0, 4, 2, 5))
    model, distortion = ("", ()) if rectified else _distortion(info)
    # pixel centres are whole numbers in CameraInfo, halves in this package
    return CameraModel(
        fx * scale_x,
        fy * scale_y,
        (cx + 0.5 - left) * scale_x,
        (cy + 0.5 - top) * scale_y,
        width,
        height,
        distortion=distortion,
        fisheye=model in FISHEYE,
        rotation=None if rectified else _rotation(info),
    )


def _words(topic: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", topic.lower())


def _window(info: Any) -> tuple[int, int, int, int]:
    """Left, top, width and height of the region that is read out, in pixels of the whole sensor."""
    if info.width < 1 or info.height < 1:
        raise SpatialError("camera_info size", f"{info.width}x{info.height}", "at least 1x1")
    roi = info.roi
    if roi.width == 0 and roi.height == 0:
        if roi.x_offset or roi.y_offset:
            raise SpatialError("camera_info roi", f"at {roi.x_offset}, {roi.y_offset} without a size", "both or none")
        return 0, 0, info.width, info.height
    right, bottom = roi.x_offset + roi.width, roi.y_offset + roi.height
    if roi.width < 1 or roi.height < 1 or right > info.width or bottom > info.height:
        value = f"{roi.width}x{roi.height} at {roi.x_offset}, {roi.y_offset}"
        raise SpatialError("camera_info roi", value, f"a part of the {info.width}x{info.height} pixels")
    return roi.x_offset, roi.y_offset, roi.width, roi.height


def _check_shape(info: Any, across: float, down: float, width: int, height: int) -> None:
    """Checks that images have the size, or the aspect ratio, of the ``across`` x ``down`` pixels read out."""
    enlarged = across * down < info.width * info.height and width > across * (1 + ASPECT) + 1
    if enlarged or abs(width * down / (height * across) - 1) > ASPECT:
        expectation = f"the shape of the image, {width}x{height}"
        raise SpatialError("camera_info size", f"{across:g}x{down:g} with roi and binning", expectation)


def _binning(value: int) -> int:
    return max(1, value)  # 0 is the same as 1


def _intrinsics(info: Any, field: str, places: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
    """fx, fy, cx, cy of K or P."""
    values = _numbers(info, field)
    fx, fy, cx, cy = (values[place] for place in places)
    if not all(np.isfinite(values)) or fx <= 0 or fy <= 0:
        raise SpatialError(f"camera_info {field}", values, "a calibrated camera: finite numbers, fx and fy above 0")
    if not (-info.width < cx < 2 * info.width and -info.height < cy < 2 * info.height):
        raise SpatialError(f"camera_info {field}", values, f"cx and cy near the {info.width}x{info.height} pixels")
    return fx, fy, cx, cy


def _projection(info: Any) -> tuple[float, float, float, float]:
    if not _is_projection(info) and not any(value != 0 for value in info.d):
        return _intrinsics(info, "k", (0, 4, 2, 5))  # drivers of ideal cameras leave P out
    found = _intrinsics(info, "p", (0, 5, 2, 6))
    if info.p[3] != 0 or info.p[7] != 0:
        value = f"of a second camera of a stereo pair (Tx {info.p[3]:g}, Ty {info.p[7]:g})"
        raise SpatialError("camera_info p", value, "the first one, whose frame its points are in")
    return found


def _is_projection(info: Any) -> bool:
    return any(value != 0 for value in info.p)


def _is_same(info: Any) -> bool:
    k, p = _numbers(info, "k"), _numbers(info, "p")
    pairs = ((k[0], p[0]), (k[4], p[5]), (k[2], p[2]), (k[5], p[6]))
    return all(abs(one - other) <= SAME * abs(k[0]) for one, other in pairs)


def _distortion(info: Any) -> tuple[str, tuple[float, ...]]:
    """The name of the distortion model and its coefficients; both empty for an ideal lens."""
    values, name = [float(value) for value in info.d], str(info.distortion_model)
    if not all(np.isfinite(values)):
        raise SpatialError("camera_info d", values, "finite numbers")
    if not any(values):
        return "", ()
    if name not in COEFFICIENTS:
        raise SpatialError("camera_info distortion_model", repr(name), f"one of {', '.join(COEFFICIENTS)}")
    while len(values) > COEFFICIENTS[name][-1] and values[-1] == 0:  # some drivers send a fixed length
        values.pop()
    if len(values) not in COEFFICIENTS[name]:
        numbers = " or ".join(str(count) for count in COEFFICIENTS[name])
        raise SpatialError("camera_info d", f"{len(values)} numbers", f"{numbers} for {name}")
    return name, tuple(values)


def _rotation(info: Any) -> NDArray[np.float64] | None:
    """R, from the raw camera's axes to those of the rectified one, in which the frame's points are; None if equal."""
    rotation = np.array([float(value) for value in info.r]).reshape(3, 3)
    if not rotation.any() or np.array_equal(rotation, np.eye(3)):
        return None
    small = bool((np.abs(rotation) < 2).all())  # and finite
    if not small or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise SpatialError("camera_info r", _numbers(info, "r"), "a rotation")
    return rotation


def _numbers(info: Any, field: str) -> list[float]:
    return [float(value) for value in getattr(info, field)]
