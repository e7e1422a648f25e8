"""What ``mdsm segment`` is asked to answer: images, folders and patterns of them, videos, cameras."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from mdsm_ros.errors import CommandError

IMAGES = (".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
_CAMERA = re.compile(r"(?:/dev/video)?(\d{1,3})")
_NUMBER = re.compile(r"(\d+)")


class Kind(Enum):
    """What an input is."""

    IMAGE = "image"
    VIDEO = "video"
    CAMERA = "camera"


@dataclass(frozen=True)
class Input:
    """One image, video or camera.

    Attributes:
        source: Path, or for a camera its index or device, as it was named.
        kind: What it is.
        stem: Beginning of the names of its output files, different for each input.
    """

    source: str
    kind: Kind
    stem: str

    @property
    def index(self) -> int:
        """Number of the camera."""
        found = _CAMERA.fullmatch(self.source)
        assert found is not None  # only cameras are asked
        return int(found[1])


def is_one_image(sources: Sequence[str]) -> bool:
    """Whether the sources name a single image file, even one that does not exist."""
    source, *others = sources
    is_file = not (others or Path(source).is_dir() or _is_camera(source) or _is_pattern(source))
    return is_file and _kind(Path(source)) is Kind.IMAGE


def find_inputs(sources: Sequence[str]) -> list[Input]:
    """Finds all images, videos and cameras that are named, in the order of the names.

    The files of a folder or pattern are in the order of the numbers in their names; subfolders are left out, but ``**``
    in a pattern stands for any of them. A file that does not exist is an input whose reading fails.

    Args:
        sources: Files, folders, patterns such as ``photos/*.jpg``, indices of cameras or devices such as /dev/video0.

    Raises:
        CommandError: A folder or a pattern has no image and no video in it.
    """
    taken: set[str] = set()
    found: dict[tuple[str, Kind], Input] = {}
    for source in sources:
        for path, kind in _named(source):
            if (path, kind) not in found:  # a file is answered once, however often it is named
                found[path, kind] = Input(path, kind, _new_stem(path, kind, taken))
    return list(found.values())


def _named(source: str) -> Iterator[tuple[str, Kind]]:
    path = Path(source)
    if path.is_dir():
        files = [str(file) for file in path.iterdir() if file.suffix.lower() in IMAGES + VIDEOS and file.is_file()]
        yield from _listed(files, f"folder {source!r}")
    elif _is_camera(source):
        yield source, Kind.CAMERA
    elif _is_pattern(source):
        files = [name for name in glob.glob(source, recursive=True) if Path(name).is_file()]
        yield from _listed(files, f"pattern {source!r}")
    else:
        yield source, _kind(path)


def _is_camera(source: str) -> bool:
    return not Path(source).is_file() and _CAMERA.fullmatch(source) is not None


def _is_pattern(source: str) -> bool:
    return not Path(source).exists() and glob.has_magic(source)


def _listed(files: Sequence[str], where: str) -> Iterator[tuple[str, Kind]]:
    if not files:
        raise CommandError(f"{where} holds 0 images and videos, expected files such as image.jpg or video.mp4")
    for name in sorted(files, key=_in_order):
        yield name, _kind(Path(name))


def _kind(path: Path) -> Kind:
    return Kind.VIDEO if path.suffix.lower() in VIDEOS else Kind.IMAGE


def _in_order(name: str) -> list[tuple[int, int, str]]:
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in _NUMBER.split(name)]


def _new_stem(source: str, kind: Kind, taken: set[str]) -> str:
    """Names the outputs of an input: by its own name, with a number where another one has it already."""
    stem = f"camera{Path(source).name.removeprefix('video')}" if kind is Kind.CAMERA else Path(source).stem
    number, name = 1, stem
    while name.lower() in taken:  # file systems may not distinguish capitals
        number += 1
        name = f"{stem}_{number}"
    taken.add(name.lower())
    return name
