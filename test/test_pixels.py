"""Picture files: more than 8 bits, orientation, transparency, declared sizes."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset
from mdsm_ros.errors import DatasetError, ImageError
from mdsm_ros.pictures.files import read_picture
from mdsm_ros.pixels import MAX_PIXELS, MAX_SCANS, is_turned, open_picture, picture_to_rgb, upright

RAMP = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
RGB16 = np.random.default_rng(3).integers(0, 65536, (40, 60, 3), dtype=np.uint16)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_grey_of_16_bits_is_scaled(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grey{suffix}"
    Image.fromarray(RAMP).save(path)
    pixels = read_picture(path)
    assert pixels.shape == (40, 60, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[..., 0] - RAMP / 257).max() <= 1
    assert len(np.unique(pixels)) == 256


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_colours_of_16_bits_are_scaled(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"colour{suffix}"
    assert cv2.imwrite(str(path), RGB16[..., ::-1])
    assert np.abs(read_picture(path) - RGB16 / 257).max() <= 1


def test_grey_of_16_bits_in_big_endian_and_in_32_bits(tmp_path: Path) -> None:
    big = Image.frombytes("I;16B", (60, 40), RAMP.astype(">u2").tobytes())
    assert np.abs(picture_to_rgb(big)[..., 0] - RAMP / 257).max() <= 1
    assert np.abs(picture_to_rgb(Image.fromarray(RAMP.astype(np.int32)))[..., 0] - RAMP / 257).max() <= 1
    path = tmp_path / "deep.tiff"
    for values in (RAMP.astype(np.int32) * 30_000, RAMP.astype(np.float32)):
        Image.fromarray(values).save(path)
        with pytest.raises(ImageError, match="expected 8 or 16 bits per channel"):
            read_picture(path)


def test_transparent_pixels_are_laid_over_white(tmp_path: Path) -> None:
    rgba = np.zeros((4, 6, 4), np.uint8)
    rgba[:, 2:4] = (200, 100, 0, 255)
    rgba[:, 4:] = (200, 100, 0, 51)
    Image.fromarray(rgba).save(tmp_path / "cut.png")
    pixels = read_picture(tmp_path / "cut.png")
    assert pixels[0, ::2].tolist() == [[255, 255, 255], [200, 100, 0], [244, 224, 204]]
    palette = Image.fromarray(rgba[..., :3]).convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
    palette.save(tmp_path / "palette.png", transparency=palette.getpixel((0, 0)))
    assert read_picture(tmp_path / "palette.png")[0, 0].tolist() == [255, 255, 255]
    grey = Image.fromarray(np.dstack([rgba[..., 0], rgba[..., 3]]), "LA")
    grey.save(tmp_path / "grey.png")
    assert read_picture(tmp_path / "grey.png")[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("suffix", ["png", "jpeg", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    pixels = np.random.default_rng(4).integers(0, 255, (3, 5, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    Image.fromarray(pixels).save(path, exif=exif)
    with open_picture(path) as picture:
        assert is_turned(picture) == (orientation > 1)
        assert upright(picture).size == ((3, 5) if orientation > 4 else (5, 3))
    with Image.open(path) as picture:
        np.testing.assert_array_equal(read_picture(path), np.asarray(ImageOps.exif_transpose(picture)))


def test_damaged_notes_of_the_camera_do_not_spoil_its_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (6, 4), (9, 9, 9)).save(path, exif=b"Exif\x00\x00MM\x00\x2a\x00\x00\xff\xff damaged")
    assert read_picture(path).shape == (4, 6, 3)


def test_declared_sizes_are_limited(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (8, 8)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 10_000, MAX_PIXELS // 10_000 + 1)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    path.write_bytes(data)
    with pytest.raises(ImageError, match=rf"image is 10000x8001 pixels, expected at most {MAX_PIXELS} in all"):
        open_picture(path)
    with pytest.raises(ImageError, match=r"large\.png' cannot be read: image is 10000x8001 pixels"):
        read_picture(path)


def with_scans(more: int) -> bytes:
    """A progressive JPEG whose last scan comes ``more`` times again."""
    buffer = io.BytesIO()
    Image.new("L", (640, 480), 99).save(buffer, "jpeg", progressive=True)
    content, end = buffer.getvalue()[:-2], buffer.getvalue()[-2:]
    return content + more * content[content.rindex(b"\xff\xda") :] + end


def test_scans_of_a_jpeg_are_limited(tmp_path: Path) -> None:
    path = tmp_path / "scans.jpg"
    for more in (0, MAX_SCANS // 2):
        path.write_bytes(with_scans(more))
        assert read_picture(path).shape == (480, 640, 3)
    path.write_bytes(with_scans(MAX_SCANS))
    with pytest.raises(ImageError, match="expected at most 100"):
        read_picture(path)


def test_datasets_read_pictures_in_the_same_way(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = np.zeros((40, 60, 3), np.uint8)
    lying[:, :30] = (250, 0, 0)  # red above, once it is turned
    (tmp_path / "images").mkdir()
    Image.fromarray(lying).save(tmp_path / "images/1.png", exif=exif)
    Image.fromarray(RAMP).save(tmp_path / "images/2.png")
    Image.fromarray(lying).save(tmp_path / "images/3.png", exif=exif)
    sizes = {1: (60, 40), 2: (40, 60), 3: (40, 60)}
    content = {
        "info": {},
        "images": [
            {"id": i, "file_name": f"images/{i}.png", "height": height, "width": width, "scene": "home"}
            for i, (height, width) in sizes.items()
        ],
        "annotations": [],
        "categories": [],
        "instructions": [],
    }
    (tmp_path / ANNOTATIONS_FILE).write_text(json.dumps(content))
    data = Dataset(tmp_path)
    assert data.image(1)[0].tolist() == [[250, 0, 0]] * 40
    assert len(np.unique(data.image(2))) == 256
    np.testing.assert_array_equal(data.image(3), lying)  # recorded as it is stored: its masks lie over that
    Image.fromarray(RAMP.astype(np.float32)).save(tmp_path / "images/2.png", format="TIFF")
    with pytest.raises(DatasetError, match=r"2\.png is not a readable image: .*32-bit"):
        data.image(2)
