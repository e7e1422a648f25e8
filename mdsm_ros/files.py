"""Atomic writing of files and folders: they appear complete or not at all, even if the process is killed."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PARTIAL = ".partial"  # suffix of unfinished files and folders
OLD = ".old"  # suffix of a folder while another one replaces it


def to_json(content: object, **options: Any) -> str:
    """The content as standard JSON: numbers that are not finite, which JSON lacks, become null.

    Args:
        content: Dictionaries, lists and plain values.
        options: Options of :func:`json.dumps`.
    """
    try:
        return json.dumps(content, allow_nan=False, **options)
    except ValueError:  # rare, so the usual case costs nothing
        return json.dumps(_finite(content), allow_nan=False, **options)


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {_finite(key): _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields the path to write to; the file is at ``path`` when the block ends without an error.

    An existing file stays until then, and permanently if the block fails.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        yield partial
        os.replace(partial, path)
        partial.unlink(missing_ok=True)  # still there if both were the same file, by a hard link
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: object, *, indent: int | None = None) -> None:
    """Writes a JSON file completely or not at all; see :func:`to_json`."""
    write_text(path, to_json(content, indent=indent) + ("" if indent is None else "\n"))


def write_text(path: Path, text: str) -> None:
    """Writes a text file completely or not at all; file name bytes that are not UTF-8 become escapes."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file completely or not at all; other names of the same file (hard links) do not change."""
    with whole_file(path) as partial:
        partial.write_bytes(content)


def link_or_copy(source: Path, target: Path) -> None:
    """Makes ``target`` the file ``source``, as a hard link if the file system supports them.

    Raises:
        OSError: The file cannot be read.
    """
    with whole_file(target) as partial:
        partial.unlink(missing_ok=True)
        try:
            os.link(source.resolve(), partial)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, partial)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields a new folder to write to, which replaces ``folder`` when the block ends without an error.

    Until then ``folder`` does not change. If it is missing, an empty one is created, so that an unwritable folder fails
    at once. Remains of an earlier, killed call are removed.
    """
    folder = folder.absolute()
    partial, old = folder.with_name(folder.name + PARTIAL), folder.with_name(folder.name + OLD)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if old.is_dir() and not folder.exists():  # killed between the two renames below
        old.rename(folder)
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    for left in (partial, old):
        shutil.rmtree(left, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        if not any(folder.iterdir()):
            os.replace(partial, folder)
            return
        folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        if made:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def public_name(path: str | Path) -> str:
    """The name of a file, a folder or a model in results; never its location on this machine.

    A relative name inside the working folder, a hub id and an embedded name do not change.
    """
    path = Path(path)
    return path.name if path.is_absolute() or ".." in path.parts or path.parts[:1] == ("~",) else str(path)


def cache_folder(name: str) -> Path:
    """``$XDG_CACHE_HOME/mdsm_ros/NAME``, or the same in ~/.cache; in the temporary folder without a home folder."""
    cache = os.environ.get("XDG_CACHE_HOME")
    if not cache:
        try:
            cache = str(Path.home() / ".cache")
        except RuntimeError:
            cache = str(Path(tempfile.gettempdir()) / f"mdsm_ros-{os.getuid()}")
    return Path(cache) / "mdsm_ros" / name


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file of any size, as hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def names_in(folder: Path) -> Iterator[str]:
    """The names in a folder, in no order and in constant memory; nothing if there is no such folder."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries)


def content_mark(path: Path) -> str:
    """Distinguishes recordings of the same name in any location: a short hash of their files' names and sizes."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    text = "\n".join(f"{file.name} {file.stat().st_size}" for file in files)
    return short_hash(text)


def short_hash(text: str) -> str:
    """12 hexadecimal digits of a text's SHA-256; file names may contain bytes that are not UTF-8."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]
