"""Images of cameras in every encoding, against OpenCV's own conversion of the same picture."""

from __future__ import annotations

import io
import struct
import zlib
from array import array
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from test_pixels import with_scans

from mdsm_ros.errors import ConversionError
from mdsm_ros.pixels import MAX_SCANS
from mdsm_ros.recordings.images.colors import BAYER, check_image, image_to_rgb
from mdsm_ros.recordings.images.compressed import (
    check_compressed_image,
    compressed_image_to_rgb,
    decode_compressed,
    is_turned_image,
)
from mdsm_ros.recordings.images.formats import parse_format

HEIGHT, WIDTH = 24, 36
RNG = np.random.default_rng(1)
SMOOTH = cv2.resize(RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
RGB16 = RNG.integers(0, 65536, (HEIGHT, WIDTH, 3), dtype=np.uint16)
CODES = {"rggb": "BG", "bggr": "RG", "gbrg": "GR", "grbg": "GB"}  # of OpenCV


def message(pixels: np.ndarray, encoding: str, padding: int = 0, big: bool = False, **fields: Any) -> SimpleNamespace:
    """Rows of an array as a sensor_msgs/Image, each followed by ``padding`` bytes."""
    stored = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">" if big else "<")))
    rows = np.pad(stored.view(np.uint8).reshape(len(pixels), -1), ((0, 0), (0, padding)), constant_values=201)
    values = {"height": HEIGHT, "width": WIDTH, "encoding": encoding, "is_bigendian": int(big), "step": rows.shape[1]}
    return SimpleNamespace(**(values | {"data": array("B", rows.tobytes())} | fields))


def mosaic(rgb: np.ndarray, pattern: str) -> np.ndarray:
    """What a sensor with a Bayer filter sees of a picture."""
    result = np.zeros(rgb.shape[:2], rgb.dtype)
    for i, letter in enumerate(pattern):
        result[i // 2 :: 2, i % 2 :: 2] = rgb[i // 2 :: 2, i % 2 :: 2, "rgb".index(letter)]
    return result


def scaled(pixels: np.ndarray) -> np.ndarray:
    return np.round(pixels / 257.0).astype(np.uint8)


def close(one: np.ndarray, other: np.ndarray, tolerance: int) -> bool:
    assert one.shape == other.shape
    assert one.dtype == np.uint8
    return int(np.abs(one.astype(int) - other.astype(int)).max()) <= tolerance


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", list(CODES))
def test_bayer(pattern: str, bits: int, big: bool, padding: int) -> None:
    seen = mosaic(SMOOTH if bits == 8 else RGB16, pattern)
    expected = cv2.cvtColor(seen, getattr(cv2, f"COLOR_Bayer{CODES[pattern]}2RGB"))
    result = image_to_rgb(message(seen, f"bayer_{pattern}{bits}", padding, big))
    assert close(result, expected if bits == 8 else scaled(expected), 0 if bits == 8 else 1)


@pytest.mark.parametrize("pattern", list(CODES))
def test_a_red_wall_behind_each_bayer_filter_is_red(pattern: str) -> None:
    wall = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    wall[:] = (200, 60, 20)
    result = image_to_rgb(message(mosaic(wall, pattern), f"bayer_{pattern}8"))
    assert close(result[2:-2, 2:-2], wall[2:-2, 2:-2], 1)


def planar() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Y (H, W) and U, V (H/2, W/2) of the picture."""
    planes = cv2.cvtColor(SMOOTH, cv2.COLOR_RGB2YUV_I420).reshape(-1)
    rest = planes[HEIGHT * WIDTH :].reshape(2, HEIGHT // 2, WIDTH // 2)
    return planes[: HEIGHT * WIDTH].reshape(HEIGHT, WIDTH), rest[0], rest[1]


@pytest.mark.parametrize("padding", [0, 7])
@pytest.mark.parametrize(
    ("encoding", "code"), [("uyvy", "UYVY"), ("yuv422", "UYVY"), ("yuyv", "YUY2"), ("yuv422_yuy2", "YUY2")]
)
def test_yuv_of_two_bytes_a_pixel(encoding: str, code: str, padding: int) -> None:
    y, u, v = planar()
    colour = np.stack([u, v], axis=2).repeat(2, axis=0).reshape(HEIGHT, WIDTH)  # u and v take turns
    packed = np.stack([colour, y] if code == "UYVY" else [y, colour], axis=2)
    result = image_to_rgb(message(packed, encoding, padding))
    assert close(result, cv2.cvtColor(packed, getattr(cv2, f"COLOR_YUV2RGB_{code}")), 0)
    assert np.median(np.abs(result.astype(int) - SMOOTH)) < 8  # the picture, apart from colours at edges


@pytest.mark.parametrize("padding", [0, 4])
@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
def test_yuv_in_two_planes(encoding: str, padding: int) -> None:
    y, u, v = planar()
    colour = np.stack([u, v] if encoding == "nv12" else [v, u], axis=2).reshape(HEIGHT // 2, WIDTH)
    planes = np.concatenate([y, colour])
    expected = cv2.cvtColor(planes, getattr(cv2, f"COLOR_YUV2RGB_{encoding.upper()}"))
    assert close(image_to_rgb(message(planes, encoding, padding)), expected, 0)
    assert close(image_to_rgb(message(planes, encoding, step=WIDTH * 3 // 2)), expected, 0)


@pytest.mark.parametrize("step", [WIDTH, 3 * WIDTH])
def test_nv24_is_nv12_with_a_colour_for_each_pixel(step: int) -> None:
    y, u, v = planar()
    colour = np.stack([u, v], axis=2)
    expected = cv2.cvtColor(np.concatenate([y, colour.reshape(HEIGHT // 2, WIDTH)]), cv2.COLOR_YUV2RGB_NV12)
    full = colour.repeat(2, axis=0).repeat(2, axis=1)
    data = array("B", y.tobytes() + full.tobytes())
    assert close(image_to_rgb(message(y, "nv24", data=data, step=step)), expected, 1)


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [
        ("rgb16", [0, 1, 2]),
        ("bgr16", [2, 1, 0]),
        ("16UC3", [2, 1, 0]),
        ("rgba16", [0, 1, 2, 0]),
        ("bgra16", [2, 1, 0, 1]),
        ("16UC4", [2, 1, 0, 1]),
    ],
)
def test_colours_of_16_bits_are_scaled(encoding: str, channels: list[int], big: bool, padding: int) -> None:
    result = image_to_rgb(message(RGB16[..., channels], encoding, padding, big))
    assert close(result, scaled(RGB16), 1)
    assert close(result, cv2.convertScaleAbs(RGB16, alpha=1 / 257), 0)


def test_grey_of_16_bits_is_scaled_and_never_clipped() -> None:
    ramp = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    for big in (False, True):
        result = image_to_rgb(message(ramp, "mono16", 2, big))
        assert close(result, np.repeat(scaled(ramp)[..., np.newaxis], 3, axis=2), 1)
        assert len(np.unique(result)) == 256


@pytest.mark.parametrize(
    ("encoding", "channels"), [("8UC3", [2, 1, 0]), ("8UC4", [2, 1, 0, 0]), ("8UC1", 1), ("8UC", 1)]
)
def test_encodings_of_opencv(encoding: str, channels: Any) -> None:
    expected = SMOOTH if isinstance(channels, list) else np.repeat(SMOOTH[..., 1:2], 3, axis=2)
    np.testing.assert_array_equal(image_to_rgb(message(SMOOTH[..., channels], encoding, 1)), expected)


@pytest.mark.parametrize(
    ("encoding", "fields", "field"),
    [
        ("bayer_rgbw8", {}, "encoding"),
        ("bayer_rggb12", {}, "encoding"),
        ("bayer_rggb", {}, "encoding"),
        ("8SC3", {}, "encoding"),
        ("32FC3", {}, "encoding"),
        ("16UC1", {}, "encoding"),
        ("8UC2", {}, "encoding"),
        ("h264", {}, "encoding"),
        ("bayer_rggb16", {}, "step"),
        ("yuyv", {"width": 17, "step": 36}, "width"),
        ("nv12", {}, "data"),
        ("nv12", {"height": 23}, "height"),
        ("nv21", {"step": 35}, "step"),
        ("nv24", {"width": 0}, "width"),
        ("mono8", {"height": 2**31, "width": 2**31, "step": 2**31}, "data"),
    ],
)
def test_what_cannot_be_converted_is_named(encoding: str, fields: dict[str, Any], field: str) -> None:
    bad = message(SMOOTH[..., 0], encoding, **fields)
    for convert in (check_image, image_to_rgb):
        with pytest.raises(ConversionError) as caught:
            convert(bad)
        assert caught.value.field == field


@pytest.mark.parametrize("encoding", ["bayer_rggb8", "mono8", "8UC1"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 1), (3, 2)])
def test_tiny_images(encoding: str, shape: tuple[int, int]) -> None:
    pixels = np.full(shape, 70, np.uint8)
    result = image_to_rgb(message(pixels, encoding, height=shape[0], width=shape[1]))
    assert result.shape == (*shape, 3)


def test_the_size_of_raw_images_is_limited() -> None:
    with pytest.raises(ConversionError, match="image size is 36x24, expected at most 863 pixels"):
        check_image(message(SMOOTH, "rgb8"), max_pixels=863)
    check_image(message(SMOOTH, "rgb8"), max_pixels=864)


# compressed


def compressed(data: bytes, text: str) -> SimpleNamespace:
    return SimpleNamespace(format=text, data=array("B", data))


def encoded(pixels: np.ndarray, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("", "", "")),
        ("jpeg", ("", "", "jpeg")),
        ("JPG", ("", "", "jpeg")),
        ("rgb8; jpeg compressed bgr8", ("rgb8", "", "jpeg")),
        ("bayer_rggb8;png compressed ", ("bayer_rggb8", "", "png")),
        ("16UC1; compressedDepth", ("16UC1", "compressedDepth", "png")),
        ("16UC1; compressedDepth rvl", ("16UC1", "compressedDepth", "rvl")),
        ("32FC1; compressedDepth png", ("32FC1", "compressedDepth", "png")),
        ("; ; ;", ("", "", "")),
    ],
)
def test_what_format_says(text: str, expected: tuple[str, str, str]) -> None:
    assert tuple(parse_format(text)) == expected


@pytest.mark.parametrize("pattern", list(CODES))
@pytest.mark.parametrize("rest", ["; png compressed ", "; jpeg compressed bgr8", "; png compressed bayer"])
def test_a_compressed_mosaic_becomes_colour(pattern: str, rest: str) -> None:
    seen = mosaic(SMOOTH, pattern)
    expected = cv2.cvtColor(seen, BAYER[f"bayer_{pattern}"])
    text = f"bayer_{pattern}8{rest}"
    assert close(compressed_image_to_rgb(compressed(encoded(seen, "png"), text)), expected, 0)
    three = np.repeat(seen[..., np.newaxis], 3, axis=2)  # as some republishers write it
    assert close(compressed_image_to_rgb(compressed(encoded(three, "png"), text)), expected, 0)


def test_a_bayer_camera_whose_jpeg_is_in_colour_stays_as_it_is() -> None:
    message = compressed(encoded(SMOOTH, "png"), "bayer_rggb8; jpeg compressed bgr8")
    np.testing.assert_array_equal(compressed_image_to_rgb(message), SMOOTH)


def test_16_bits_in_png() -> None:
    ramp = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    result = compressed_image_to_rgb(compressed(encoded(ramp, "png"), "mono16; png compressed "))
    assert close(result[..., 0], scaled(ramp), 1)
    seen = mosaic(RGB16, "grbg")
    result = compressed_image_to_rgb(compressed(encoded(seen, "png"), "bayer_grbg16; png compressed "))
    assert close(result, scaled(cv2.cvtColor(seen, cv2.COLOR_BayerGB2RGB)), 1)
    _, data = cv2.imencode(".png", RGB16[..., ::-1])
    assert close(compressed_image_to_rgb(compressed(data.tobytes(), "rgb16; png compressed bgr16")), scaled(RGB16), 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("16UC1; jpeg compressed ", "jpeg"),
        ("32FC1; png compressed ", "png"),
        ("16UC1; compressedDepth png", "png"),
        ("bayer_rgbw8; jpeg compressed ", "jpeg"),
    ],
)
def test_what_is_no_camera_image_is_refused_by_its_format(text: str, kind: str) -> None:
    for convert in (check_compressed_image, compressed_image_to_rgb):
        with pytest.raises(ConversionError, match="image format is ") as caught:
            convert(compressed(encoded(SMOOTH, kind), text))
        assert caught.value.field == "format"


def turned_jpeg(orientation: int) -> bytes:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    return encoded(np.ascontiguousarray(SMOOTH), "jpeg", exif=exif.tobytes(), quality=95)


@pytest.mark.parametrize("orientation", range(1, 10))
def test_the_orientation_of_a_compressed_image(orientation: int) -> None:
    message = compressed(turned_jpeg(orientation), "jpeg")
    expected = np.asarray(cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR))[..., ::-1]  # turned
    assert close(compressed_image_to_rgb(message), expected, 6)
    assert is_turned_image(message) == (2 <= orientation <= 8)


@pytest.mark.parametrize(("orientation", "shape"), [(1, (96, 160)), (6, (160, 96))])
def test_a_large_jpeg_is_decoded_at_a_reduced_size(orientation: int, shape: tuple[int, int]) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    rows, columns = np.indices((96, 160))
    pixels = np.stack([2 * rows, columns, 255 - columns], axis=2).astype(np.uint8)
    message = compressed(encoded(pixels, "jpeg", exif=exif.tobytes(), quality=95), "rgb8; jpeg compressed bgr8")
    whole = compressed_image_to_rgb(message)
    assert whole.shape[:2] == shape
    for least, factor in ((96, 1), (49, 1), (48, 2), (24, 4), (1, 8)):
        decoded = decode_compressed(message, least_side=least)
        assert decoded.shape == shape
        assert decoded.pixels.shape == (shape[0] // factor, shape[1] // factor, 3)
        mean = whole.reshape(shape[0] // factor, factor, shape[1] // factor, factor, 3).mean(axis=(1, 3))
        assert close(decoded.pixels, mean, 8)


def test_other_formats_and_mosaics_are_decoded_in_full() -> None:
    seen = mosaic(SMOOTH, "rggb")
    for message in (
        compressed(encoded(SMOOTH, "png"), "rgb8; png compressed bgr8"),
        compressed(encoded(seen, "jpeg", quality=95), "bayer_rggb8; jpeg compressed "),
    ):
        decoded = decode_compressed(message, least_side=2)
        assert decoded.shape == decoded.pixels.shape[:2] == SMOOTH.shape[:2]
        assert np.array_equal(decoded.pixels, compressed_image_to_rgb(message))


def bomb(kind: str, width: int, height: int) -> bytes:
    """A small file whose header says that it is large."""
    data = bytearray(encoded(np.zeros((16, 16, 3), np.uint8), kind))
    if kind == "jpeg":
        at = data.find(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    elif kind == "png":
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    else:
        for tag, value in ((256, width), (257, height)):
            entry = struct.pack("<HH", tag, 4), struct.pack("<HH", tag, 3)
            at = max(data.find(entry[0]), data.find(entry[1]))
            data[at : at + 12] = struct.pack("<HHII", tag, 4, 1, value)
    return bytes(data)


@pytest.mark.parametrize("size", [(13000, 13000), (60000, 60000), (50_001, 1000)])
@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff"])
def test_declared_sizes_are_limited_before_decoding(kind: str, size: tuple[int, int]) -> None:
    for convert in (check_compressed_image, compressed_image_to_rgb):
        with pytest.raises(
            ConversionError, match=r"expected at most 50000000 pixels \(parameter max_image_p"
        ) as caught:
            convert(compressed(bomb(kind, *size), kind))
        assert caught.value.field == "size"


def test_scans_are_limited_before_decoding() -> None:
    check_compressed_image(compressed(with_scans(0), "jpeg"))
    with pytest.raises(ConversionError, match=r"JPEG of 10\d scans, expected at most 100") as caught:
        check_compressed_image(compressed(with_scans(MAX_SCANS), "jpeg"))
    assert caught.value.field == "data"


def test_the_limit_is_a_matter_of_the_caller() -> None:
    message = compressed(encoded(SMOOTH, "png"), "png")
    check_compressed_image(message, max_pixels=HEIGHT * WIDTH)
    with pytest.raises(ConversionError, match="image size is too large"):
        check_compressed_image(message, max_pixels=HEIGHT * WIDTH - 1)


def test_alpha_is_dropped_from_messages() -> None:
    clear = np.dstack([SMOOTH, np.zeros((HEIGHT, WIDTH, 1), np.uint8)])  # simulators leave alpha 0
    np.testing.assert_array_equal(compressed_image_to_rgb(compressed(encoded(clear, "png"), "png")), SMOOTH)
    np.testing.assert_array_equal(image_to_rgb(message(clear, "rgba8")), SMOOTH)
