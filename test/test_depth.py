"""Depth images as a robot's messages bring them: raw, PNG, compressedDepth."""

from __future__ import annotations

import io
import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from mdsm_ros.errors import ConversionError
from mdsm_ros.recordings.images.depth import (
    check_compressed_depth,
    check_depth,
    compressed_depth_to_metres,
    depth_to_metres,
    is_depth,
)
from mdsm_ros.recordings.images.rvl import decode_rvl

MILLIMETRES = np.random.default_rng(2).integers(300, 4000, (30, 40), dtype=np.uint16)
MILLIMETRES[5:9, 3:30] = 0
MILLIMETRES[0, 0] = MILLIMETRES[-1, -1] = 0
METRES = np.where(MILLIMETRES == 0, np.nan, MILLIMETRES / 1000).astype(np.float32)


def depth_image(pixels: np.ndarray, kind: str, **fields: Any) -> SimpleNamespace:
    height, width = pixels.shape
    values = {
        "height": height,
        "width": width,
        "encoding": kind,
        "is_bigendian": 0,
        "step": pixels.strides[0],
        "data": pixels.tobytes(),
    }
    return SimpleNamespace(**(values | fields))


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def encode_rvl(values: np.ndarray) -> bytes:
    """Number by number, as the paper has it."""
    nibbles: list[int] = []

    def write(number: int) -> None:
        while number > 7:
            nibbles.append(8 | (number & 7))
            number >>= 3
        nibbles.append(number)

    flat, at, last = values.reshape(-1).astype(int).tolist(), 0, 0
    while at < len(flat):
        first = at
        while at < len(flat) and flat[at] == 0:
            at += 1
        write(at - first)
        first = at
        while at < len(flat) and flat[at] != 0:
            at += 1
        write(at - first)
        for value in flat[first:at]:
            difference, last = value - last, value
            write((difference << 1) ^ (difference >> 63))
    nibbles += [0] * (-len(nibbles) % 8)
    words = ["".join(f"{nibble:x}" for nibble in nibbles[i : i + 8]) for i in range(0, len(nibbles), 8)]
    return struct.pack(f"<{len(words)}I", *(int(word, 16) for word in words))


def message(data: bytes, text: str, scale: float = 0.0, offset: float = 0.0) -> SimpleNamespace:
    """A CompressedImage; with the header of compressedDepth where ``text`` says so."""
    head = struct.pack("<iff", 0, scale, offset) if "compressedDepth" in text else b""
    return SimpleNamespace(format=text, data=np.frombuffer(head + data, np.uint8))


def rvl(pixels: np.ndarray) -> bytes:
    return struct.pack("<II", pixels.shape[1], pixels.shape[0]) + encode_rvl(pixels)


def test_millimetres_become_metres_and_zero_nothing() -> None:
    metres = depth_to_metres(depth_image(np.array([[0, 1500], [65535, 1]], dtype=np.uint16), "16UC1"))
    np.testing.assert_allclose(metres, [[np.nan, 1.5], [65.535, 0.001]], rtol=1e-6)
    assert metres.dtype == np.float32


@pytest.mark.parametrize(("kind", "dtype"), [("32FC1", "<f4"), ("32FC1", ">f4"), ("64FC1", "<f8")])
def test_metres_stay_as_they_are(kind: str, dtype: str) -> None:
    pixels = np.array([[0.5, np.nan], [np.inf, 3.0]], dtype=dtype)
    message = depth_image(pixels, kind, is_bigendian=int(dtype[0] == ">"))
    np.testing.assert_array_equal(depth_to_metres(message), pixels.astype(np.float32))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"encoding": "rgb8"}, r"encoding is 'rgb8', expected depth: 16UC1 \(mm\) or 32FC1 \(m\)"),
        ({"data": b"xx"}, "data is 2 bytes long"),
        ({"width": 0}, "width is 0"),
    ],
)
def test_bad_depth_is_named(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ConversionError, match=text):
        depth_to_metres(depth_image(np.ones((2, 2), dtype=np.uint16), "16UC1", **fields))


def test_the_size_of_depth_is_limited() -> None:
    with pytest.raises(ConversionError, match="image size is 40x30, expected at most 1199 pixels"):
        check_depth(depth_image(MILLIMETRES, "16UC1"), max_pixels=1199)
    huge = message(struct.pack("<II", 100_000, 100_000) + bytes(8), "16UC1; compressedDepth rvl")
    with pytest.raises(ConversionError, match="image size is 100000x100000"):
        check_compressed_depth(huge)


@pytest.mark.parametrize(
    ("text", "encode"),
    [
        ("png", png),
        ("16UC1; png compressed ", png),
        ("16UC1; compressedDepth", png),
        ("16UC1; compressedDepth png", png),
        ("16UC1; compressedDepth rvl", rvl),
    ],
)
def test_compressed_millimetres(text: str, encode: Any) -> None:
    compressed = message(encode(MILLIMETRES), text)
    check_compressed_depth(compressed)
    np.testing.assert_array_equal(compressed_depth_to_metres(compressed), METRES)
    assert is_depth(compressed)


@pytest.mark.parametrize(("text", "encode"), [("32FC1; compressedDepth png", png), ("32FC1; compressedDepth rvl", rvl)])
def test_compressed_metres_are_inverse_depth(text: str, encode: Any) -> None:
    scale, offset = 100.0 * 101.0, 1 - 100.0 * 101.0 / 10.0  # of image_transport: precision 100, at most 10 m
    inverse = np.where(MILLIMETRES == 0, 0, np.round(scale / np.nan_to_num(METRES, nan=1.0) + offset)).astype(np.uint16)
    metres = compressed_depth_to_metres(message(encode(inverse), text, scale, offset))
    np.testing.assert_array_equal(np.isnan(metres), np.isnan(METRES))
    np.testing.assert_allclose(metres, METRES, atol=2e-3)


def test_rvl_of_every_kind_of_difference() -> None:
    values = np.array([0, 0, 1, 65535, 1, 8, 9, 0, 60000, 7, 0, 0], np.uint16)
    np.testing.assert_array_equal(decode_rvl(encode_rvl(values), len(values)), values)


@pytest.mark.parametrize(
    ("text", "data", "expectation"),
    [
        ("16UC1; jpeg compressed ", png(MILLIMETRES), "16UC1; jpeg compressed ', which loses depth, expected PNG"),
        ("jpeg", png(MILLIMETRES), "loses depth"),
        ("32FC1; png compressed ", png(MILLIMETRES), "expected compressedDepth"),
        ("bgr8; png compressed ", png(MILLIMETRES), "expected depth: 16UC1"),
        ("png", png(MILLIMETRES.astype(np.uint8)), "PNG with pixels of mode L, expected grey values of 16 bits"),
        ("png", b"", "data is empty"),
        ("16UC1; compressedDepth png", b"", "expected compressedDepth with its header of 12 bytes"),
        ("16UC1; compressedDepth png", b"no picture", "expected PNG"),
        ("16UC1; compressedDepth rvl", struct.pack("<II", 40, 0) + bytes(8), "size is 40x0"),
        ("16UC1; compressedDepth rvl", rvl(MILLIMETRES)[:100], "data is damaged RVL"),
        ("16UC1; compressedDepth rvl", struct.pack("<II", 40, 30) + b"\xff" * 64, "data is damaged RVL"),
        ("16UC1; compressedDepth rvl", struct.pack("<II", 40, 30) + bytes(64), "data is damaged RVL"),
        ("16UC1; png compressed ", png(MILLIMETRES)[:900], "data is damaged"),
        ("32FC1; compressedDepth png", png(MILLIMETRES), "data is scaled by 0.0 and 0.0"),
    ],
)
def test_bad_compressed_depth_is_named(text: str, data: bytes, expectation: str) -> None:
    with pytest.raises(ConversionError, match=expectation.replace("(", r"\(")):
        compressed_depth_to_metres(message(data, text))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (depth_image(MILLIMETRES, "16UC1"), True),
        (depth_image(MILLIMETRES, "mono16"), False),
        (depth_image(MILLIMETRES, "bgr8"), False),
        (message(png(MILLIMETRES), "mono16; png compressed "), False),
        (message(png(MILLIMETRES.astype(np.uint8)), "png"), False),
        (message(b"no picture", "jpeg"), False),
    ],
)
def test_depth_is_known_by_its_encoding(image: SimpleNamespace, expected: bool) -> None:
    assert is_depth(image) == expected
