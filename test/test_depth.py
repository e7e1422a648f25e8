"""Depth and camera_info as a robot's messages bring them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mdsm_ros.errors import ConversionError
from mdsm_ros.ros.depth import DepthBuffer, camera_of, depth_to_metres


def header(seconds: float) -> SimpleNamespace:
    whole = int(seconds)
    return SimpleNamespace(stamp=SimpleNamespace(sec=whole, nanosec=round((seconds - whole) * 1e9)), frame_id="camera")


def depth_image(pixels: np.ndarray, kind: str, seconds: float = 0.0, **fields: Any) -> SimpleNamespace:
    height, width = pixels.shape
    values = {
        "header": header(seconds),
        "height": height,
        "width": width,
        "encoding": kind,
        "is_bigendian": 0,
        "step": pixels.strides[0],
        "data": pixels.tobytes(),
    }
    return SimpleNamespace(**(values | fields))


def info(width: int = 640, height: int = 480, focal: float = 400.0) -> SimpleNamespace:
    k = [focal, 0.0, (width - 1) / 2, 0.0, focal, (height - 1) / 2, 0.0, 0.0, 1.0]
    return SimpleNamespace(width=width, height=height, k=np.array(k))


def test_millimetres_become_metres_and_zero_nothing() -> None:
    metres = depth_to_metres(depth_image(np.array([[0, 1500], [65535, 1]], dtype=np.uint16), "16UC1"))
    np.testing.assert_allclose(metres, [[np.nan, 1.5], [65.535, 0.001]], rtol=1e-6)
    assert metres.dtype == np.float32


def test_metres_stay_as_they_are() -> None:
    pixels = np.array([[0.5, np.nan], [np.inf, 3.0]], dtype=np.float32)
    np.testing.assert_array_equal(depth_to_metres(depth_image(pixels, "32FC1")), pixels)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"encoding": "rgb8"}, r"encoding is 'rgb8', expected depth: 16UC1 \(mm\) or 32FC1 \(m\)"),
        ({"data": b"xx"}, "data is 2 bytes long"),
        ({"width": 0}, "width is 0"),
    ],
)
def test_bad_depth_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        depth_to_metres(depth_image(np.ones((2, 2), dtype=np.uint16), "16UC1", **fields))


def test_intrinsics_of_the_depth_images_size() -> None:
    same, half = camera_of(info(), 640, 480), camera_of(info(), 320, 240)
    assert (same.fx, same.cx, same.cy) == (400, 320, 240)  # the middle of the image
    assert (half.fx, half.cx, half.cy) == (200, 160, 120)


@pytest.mark.parametrize(
    ("message", "text"),
    [(info(focal=0.0), "expected a calibrated camera"), (info(640, 640), "aspect ratio of the depth image, 640x480")],
)
def test_bad_intrinsics_are_named(message: SimpleNamespace, text: str) -> None:
    with pytest.raises(ConversionError, match=text):
        camera_of(message, 640, 480)


def test_the_nearest_depth_in_time_is_taken() -> None:
    buffer = DepthBuffer(tolerance=0.05)
    with pytest.raises(ConversionError, match="camera_info is missing"):
        buffer.match(header(1.0))
    buffer.put_info(info(4, 2))
    with pytest.raises(ConversionError, match="depth is missing"):
        buffer.match(header(1.0))
    for seconds, metres in ((0.96, 1), (1.01, 2), (1.2, 3)):
        buffer.put_depth(depth_image(np.full((2, 4), metres, dtype=np.float32), "32FC1", seconds))
    assert buffer.match(header(1.0))[0][0, 0] == 2
    assert buffer.match(header(0.95))[0][0, 0] == 1
    with pytest.raises(ConversionError, match=r"depth is 0\.090 s away, expected a depth image within 0\.05 s"):
        buffer.match(header(1.11))
