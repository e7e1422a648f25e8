from __future__ import annotations

import io
import sys
from array import array
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from rosbags.typesys import Stores, get_typestore

from mdsm_ros.errors import ConversionError
from mdsm_ros.recordings.images.colors import check_image
from mdsm_ros.recordings.images.compressed import check_compressed_image, compressed_image_to_rgb
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.ros.conversions import image_to_rgb, mask_to_image, numpy_to_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
ALPHA = np.full((6, 5, 1), 9, np.uint8)
CAMERA_PIXELS = {
    "rgb8": RGB,
    "bgr8": RGB[..., ::-1],
    "rgba8": np.concatenate([RGB, ALPHA], axis=2),
    "bgra8": np.concatenate([RGB[..., ::-1], ALPHA], axis=2),
}


def image(
    pixels: np.ndarray, encoding: str, padding: int = 0, big_endian: bool = False, height: int | None = None
) -> SimpleNamespace:
    """Anything with the attributes of a sensor_msgs/Image; ``padding`` bytes follow each row."""
    stored = pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<"))
    rows = np.frombuffer(stored.tobytes(), np.uint8).reshape(len(pixels), pixels[:1].size * pixels.itemsize)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return SimpleNamespace(
        height=pixels.shape[0] if height is None else height,
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=rows.shape[1],
        data=array("B", rows.tobytes()),
    )


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("encoding", list(CAMERA_PIXELS))
def test_color_images_to_rgb(encoding: str, padding: int) -> None:
    result = image_to_rgb(image(CAMERA_PIXELS[encoding], encoding, padding))
    np.testing.assert_array_equal(result, RGB)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous


@pytest.mark.parametrize("padding", [0, 3])
def test_grey_images_to_rgb(padding: int) -> None:
    result = image_to_rgb(image(RGB[..., 0], "mono8", padding))
    np.testing.assert_array_equal(result, np.stack([RGB[..., 0]] * 3, axis=2))


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize(("encoding", "dtype"), [("16UC1", np.uint16), ("mono16", np.uint16), ("32FC1", np.float32)])
def test_pixels_of_several_bytes(encoding: str, dtype: type, big_endian: bool) -> None:
    pixels: np.ndarray = (np.arange(30).reshape(6, 5) * 1001).astype(dtype)
    np.testing.assert_array_equal(image_to_numpy(image(pixels, encoding, 2, big_endian)), pixels)


def test_reading_does_not_copy() -> None:
    message = image(RGB, "rgb8")
    assert np.shares_memory(image_to_rgb(message), np.frombuffer(message.data, np.uint8))


def test_messages_of_rosbags_are_read() -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    header = store.types["std_msgs/msg/Header"](store.types["builtin_interfaces/msg/Time"](1, 2), "camera")
    kind = "sensor_msgs/msg/Image"
    message = store.types[kind](header, 6, 5, "rgb8", 0, 15, RGB.reshape(-1))
    decoded = store.deserialize_cdr(store.serialize_cdr(message, kind), kind)
    np.testing.assert_array_equal(image_to_rgb(decoded), RGB)


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"height": 0}, "height", "image height is 0, expected at least 1"),
        ({"width": 0}, "width", "image width is 0, expected at least 1"),
        ({"step": 14}, "step", "image step is 14, expected at least 15 (5 pixels of rgb8)"),
        ({"step": 0}, "step", "image step is 0, expected at least 15"),
        ({"step": 16}, "data", "image data is 90 bytes long, expected 96 bytes (step 16 x height 6)"),
        ({"data": array("B", bytes(89))}, "data", "image data is 89 bytes long, expected 90 bytes"),
        ({"data": array("B")}, "data", "image data is 0 bytes long"),
        ({"width": 2**32 - 1}, "step", "image step is 15, expected at least 12884901885"),
        ({"encoding": ""}, "encoding", "image encoding is '', expected a camera image: rgb, bgr"),
        ({"encoding": "rgb7"}, "encoding", "image encoding is 'rgb7', expected a camera image"),
        ({"encoding": "16UC1"}, "encoding", "image encoding is '16UC1' (a depth image?), expected a camera image"),
    ],
)
def test_bad_images(changes: dict[str, Any], field: str, text: str) -> None:
    message = image(RGB, "rgb8")
    vars(message).update(changes)
    for convert in (check_image, image_to_rgb):
        with pytest.raises(ConversionError) as caught:
            convert(message)
        assert caught.value.field == field
        assert str(caught.value).startswith(text)


def test_an_encoding_that_is_no_image_at_all() -> None:
    with pytest.raises(ConversionError, match="image encoding is '65FC7', expected an encoding of sensor_msgs"):
        image_to_numpy(image(RGB, "65FC7"))


def test_cv_bridge_converts_bayer_and_yuv_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Bridge:
        def imgmsg_to_cv2(self, message: Any, desired_encoding: str) -> np.ndarray:
            asked.append(message.encoding)
            if message.encoding == "nv12":
                raise BridgeError("unknown encoding")
            assert desired_encoding == "rgb8"
            return RGB[:, :4]

    class BridgeError(TypeError):
        pass

    even = np.full((6, 4), 90, np.uint8)
    module = ModuleType("cv_bridge")
    vars(module).update(CvBridge=Bridge, CvBridgeError=BridgeError)
    without = image_to_rgb(image(np.full((9, 4), 90, np.uint8), "nv12", height=6))
    monkeypatch.setitem(sys.modules, "cv_bridge", module)
    np.testing.assert_array_equal(image_to_rgb(image(even, "bayer_rggb8")), RGB[:, :4])
    np.testing.assert_array_equal(image_to_rgb(image(np.full((9, 4), 90, np.uint8), "nv12", height=6)), without)
    with pytest.raises(ConversionError, match="image height is 0"):
        image_to_rgb(image(even[:0], "bayer_rggb8"))
    image_to_rgb(image(RGB, "bgr8"))
    assert asked == ["bayer_rggb8", "nv12"]


def encoded(pixels: np.ndarray, kind: str, mode: str = "RGB") -> Any:
    stream = io.BytesIO()
    picture = PillowImage.fromarray(pixels)
    (picture.convert(mode) if pixels.dtype == np.uint8 else picture).save(stream, kind)
    return SimpleNamespace(format=kind, data=array("B", stream.getvalue()))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_png_images(mode: str) -> None:
    message = encoded(RGB, "png", mode)
    check_compressed_image(message)
    np.testing.assert_array_equal(compressed_image_to_rgb(message), RGB)


def test_jpeg_images() -> None:
    pixels = np.full((48, 64, 3), (200, 100, 50), np.uint8)
    np.testing.assert_allclose(compressed_image_to_rgb(encoded(pixels, "jpeg")).astype(int), pixels, atol=3)
    grey = compressed_image_to_rgb(encoded(pixels, "jpeg", "L"))
    assert grey.shape == (48, 64, 3)


@pytest.mark.parametrize("data", [b"", b"no picture", b"GIF89a" + bytes(40), b"\x89PNG\r\n\x1a\n" + bytes(20)])
def test_compressed_data_that_are_no_picture(data: bytes) -> None:
    message = SimpleNamespace(format="jpeg", data=array("B", data))
    for convert in (check_compressed_image, compressed_image_to_rgb):
        with pytest.raises(ConversionError, match=r"image data is .*, expected JPEG or PNG or TIFF") as caught:
            convert(message)
        assert caught.value.field == "data"


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_compressed_data_that_end_early(kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    message = encoded(pixels, kind)
    message.data = message.data[: len(message.data) // 2]
    with pytest.raises(ConversionError, match="image data is damaged"):
        compressed_image_to_rgb(message)


def test_a_compressed_depth_image_is_no_camera_image() -> None:
    message = encoded(np.full((6, 5), 1000, np.uint16), "png")
    with pytest.raises(ConversionError, match="image format is 'png' with pixels of mode I;16"):
        check_compressed_image(message)


def test_writing_and_reading_give_the_same() -> None:
    messages = pytest.importorskip("std_msgs.msg", reason="ROS 2 messages are not installed")
    header = messages.Header(frame_id="camera")
    for encoding, pixels in CAMERA_PIXELS.items():
        message = numpy_to_image(pixels, encoding, header)
        assert (message.header, message.height, message.width, message.encoding) == (header, 6, 5, encoding)
        np.testing.assert_array_equal(image_to_numpy(message), pixels)
    probability = np.linspace(0, 1, 30, dtype=np.float32).reshape(6, 5)
    np.testing.assert_array_equal(image_to_numpy(numpy_to_image(probability, "32FC1", header)), probability)
    mask = probability > 0.5
    np.testing.assert_array_equal(image_to_numpy(mask_to_image(mask, header)), np.where(mask, 255, 0))
    every_other = np.repeat(mask, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(image_to_numpy(mask_to_image(every_other, header)), np.where(mask, 255, 0))
    np.testing.assert_array_equal(mask, probability > 0.5)  # the message has a copy of its own
    cut = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)[2:3, :5]  # a single row, with the stride of the whole
    np.testing.assert_array_equal(image_to_numpy(numpy_to_image(cut, "rgb8", header)), cut)
