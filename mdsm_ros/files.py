"""Writing files and folders so that they appear whole or not at all, whenever the process is killed."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PARTIAL = ".partial"  # ends the name of what is not finished yet
OLD = ".old"  # ends the name of a folder while another one takes its place


def to_json(content: object, **options: Any) -> str:
    """The content as JSON that every reader takes: a number that is not finite, which JSON does not have, is null.

    Args:
        content: of dictionaries, lists and plain values.
        options: of :func:`json.dumps`.
    """
    try:
        return json.dumps(content, allow_nan=False, **options)
    except ValueError:  # rare, so that the usual case costs nothing
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
    """Gives the path to write to; the file is at ``path`` when the block ends without an error.

    What stood there before stays until then, and for good where the block fails.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        yield partial
        os.replace(partial, path)
        partial.unlink(missing_ok=True)  # still there where both were the same file, by a hard link
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: object, *, indent: int | None = None) -> None:
    """Writes a JSON file, whole or not at all; see :func:`to_json`."""
    write_text(path, to_json(content, indent=indent) + ("" if indent is None else "\n"))


def write_text(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all; bytes of file names that are no UTF-8 are written as escapes."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file, whole or not at all; a file of another name that is the same by a hard link stays as it is."""
    with whole_file(path) as partial:
        partial.write_bytes(content)


def link_or_copy(source: Path, target: Path) -> None:
    """Makes ``target`` the file ``source``, as a hard link where the file system has them.

    Raises:
        OSError: the file cannot be read.
    """
    with whole_file(target) as partial:
        partial.unlink(missing_ok=True)
        try:
            os.link(source.resolve(), partial)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, partial)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives a new folder to write to, which takes the place of ``folder`` when the block ends without an error.

    Until then ``folder`` stays as it is; an empty one is made where there is none, so that a folder that cannot be
    written is told at once. What an earlier call left when it was killed is removed.
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
    """What results call a file, a folder or a model: never where it lies on this machine.

    A relative name inside the working folder, a name of the hub and an embedded name stay as they are.
    """
    path = Path(path)
    return path.name if path.is_absolute() or ".." in path.parts or path.parts[:1] == ("~",) else str(path)


def content_mark(path: Path) -> str:
    """Tells recordings of the same name apart, wherever they lie: a short hash of their files' names and sizes."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    text = "\n".join(f"{file.name} {file.stat().st_size}" for file in files)
    return short_hash(text)


def short_hash(text: str) -> str:
    """12 hexadecimal digits of a text's SHA-256; names of files may hold bytes that are no UTF-8."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]
