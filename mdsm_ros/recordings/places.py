"""Checks of a recording's path: one recording, several, or something else, each with its own message."""

from __future__ import annotations

import re
from pathlib import Path

from mdsm_ros.errors import BagError

SUFFIXES = (".mcap", ".db3")
MAX_METADATA = 1 << 24  # bytes
ROS1_MAGIC = b"#ROSBAG V"
EXAMPLES = 5  # largest number of names in a message
_NUMBER = re.compile(r"(\d+)")


def storage_files(path: Path) -> list[Path]:
    """The files with the messages of a recording, in the order of their numbers; [] if there are none."""
    if path.is_file():
        return [path] if path.suffix in SUFFIXES else []
    root = path.resolve()
    files = [file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file()] if path.is_dir() else []
    inside = [file for file in files if file.resolve().is_relative_to(root)]
    return sorted(inside, key=lambda file: [int(p) if p.isdigit() else p for p in _NUMBER.split(file.name)])


def check_kind(path: Path) -> None:
    """Raises if a path contains no rosbag2 recording, or more than one.

    Raises:
        BagError: There is not exactly one; the message gives advice.
    """
    name = repr(str(path))
    if path.is_file():
        if _is_ros1(path):
            raise BagError(f"bag {name} is a ROS 1 recording, expected rosbag2; {_conversion([path])}")
        if path.suffix == ".zstd":
            raise BagError(f"bag {name} is compressed as a file, expected its folder; or unpack it: zstd -d {path}")
        if path.suffix not in SUFFIXES:
            raise BagError(f"bag {name} is neither a rosbag2 folder nor a .mcap or .db3 file")
        return
    if not path.is_dir():
        raise BagError(f"bag {name} is neither a folder nor a file")
    if (path / "metadata.yaml").is_file():
        _check_metadata(path)
        return
    recordings = sorted(folder.name for folder in path.iterdir() if _is_recording(folder))
    if recordings:
        raise BagError(f"bag {name} holds the recordings {_listed(recordings)}, expected one; name its folder")
    ros1 = sorted(file for file in path.glob("*.bag") if _is_ros1(file))
    if ros1 and not storage_files(path):
        raise BagError(f"bag {name} holds ROS 1 recordings, expected rosbag2; {_conversion(ros1)}")
    packed = sorted(file.name for suffix in SUFFIXES for file in path.glob(f"*{suffix}.zstd"))
    if packed and not storage_files(path):
        raise BagError(
            f"bag {name} holds no metadata.yaml and files compressed as such ({_listed(packed)}); unpack them: zstd -d"
        )
    names = {re.sub(r"_\d+$", "", file.stem) for file in storage_files(path)}
    if len(names) > 1:
        raise BagError(f"bag {name} holds the recordings {_listed(sorted(names))}, expected one; name one of its files")


def check_whole(path: Path) -> None:
    """Raises if a .db3 file is cut short or its recorder was killed, since its index then cannot be used.

    Raises:
        BagError: A file is cut short or was not closed.
    """
    for file in storage_files(path):
        if file.suffix != ".db3":
            continue
        with file.open("rb") as content:
            header = content.read(32)
        if len(header) < 32:
            raise BagError(f"bag {str(path)!r} is damaged: {file.name} has {len(header)} bytes")
        page = int.from_bytes(header[16:18], "big")
        expected = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
        size = file.stat().st_size
        if size < expected:
            raise BagError(f"bag {str(path)!r} is damaged: {file.name} has {size} bytes of {expected}")
        log = file.with_name(file.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise BagError(f"bag {str(path)!r} was not closed: {log.name} holds the end of {file.name}")


def _check_metadata(path: Path) -> None:
    size = (path / "metadata.yaml").stat().st_size
    if size > MAX_METADATA:
        raise BagError(f"metadata.yaml of bag {str(path)!r} has {size} bytes, expected at most {MAX_METADATA}")
    root = path.resolve()
    for file in path.iterdir():
        if file.is_symlink() and not file.resolve().is_relative_to(root):
            raise BagError(f"{file.name} of bag {str(path)!r} is a link that leads out of it, expected a file inside")


def _is_recording(folder: Path) -> bool:
    return folder.is_dir() and ((folder / "metadata.yaml").is_file() or bool(storage_files(folder)))


def _is_ros1(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ROS1_MAGIC)) == ROS1_MAGIC


def _conversion(files: list[Path]) -> str:
    source = " ".join(str(file) for file in files[:EXAMPLES])
    return f"convert it: rosbags-convert --src {source} --dst {files[0].with_suffix('')}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
    return ", ".join(names[:EXAMPLES]) + more
