"""Opening the index of a dataset: it is made where it is missing or where ``annotations.json`` has changed."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from mdsm_ros.dataset.index.rows import TABLES
from mdsm_ros.dataset.index.store import VERSION, Store
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import cache_folder, file_sha256, short_hash

INDEX_SUFFIX = ".index"  # annotations.json.index, beside annotations.json
SMALLEST = 1 << 25  # bytes of annotations.json; a smaller one is read whole, about as fast as an index is made
KEYS = {"size", "sha256", "info", "categories", "crossed", *TABLES}
SURE_AFTER = 2_000_000_000  # nanoseconds: a later change of a file gives it another time on any file system


def open_index(source: Path) -> Store | None:
    """The index of an ``annotations.json``, made if necessary; None for a small or a missing one.

    The index is valid while the file has the size, and the time or the SHA-256, of which it was made. Processes that
    open the same dataset wait for the first one to make the index.

    Raises:
        DatasetError: The file is not a dataset's, or there is no room for its index.
        OSError: The index cannot be written.
    """
    try:
        if source.stat().st_size < SMALLEST:
            return None
    except (OSError, ValueError):
        return None  # the caller says what is wrong
    beside, cached = index_paths(source)
    found = _valid(beside, source) or _valid(cached, source)
    if found is not None:
        return found
    from mdsm_ros.dataset.index.build import build_index

    path = beside if os.access(source.parent, os.W_OK) else cached
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        found = _valid(path, source)
        if found is None:
            before = source.stat()
            try:
                build_index(source, path)
                found = Store(path, source)
            except sqlite3.Error as error:
                raise DatasetError(f"{path} cannot be made: {error}, expected room for an index") from error
            _stamp(path, before)
    return found


def index_paths(source: Path) -> tuple[Path, Path]:
    """The places of the index: beside the file; in the user's cache, for a folder that cannot be written."""
    name = f"{short_hash(str(source.resolve()))}{INDEX_SUFFIX}"
    return source.with_name(source.name + INDEX_SUFFIX), cache_folder("indexes") / name


def _valid(path: Path, source: Path) -> Store | None:
    """The index, if it is of the file as it is now."""
    if not path.exists():
        return None
    try:
        store, now = Store(path, source), source.stat()
    except (sqlite3.Error, ValueError):  # damaged
        return None
    if store.about.get("version") != VERSION or not store.about.keys() >= KEYS or store.about["size"] != now.st_size:
        return None
    if path.stat().st_mtime_ns != now.st_mtime_ns:
        if store.about["sha256"] != file_sha256(source):
            return None
        _stamp(path, now)
    return store


def _stamp(path: Path, source: os.stat_result) -> None:
    """Notes that the index is of the file with this time: it gets the same.

    A file that was changed just now could change again within the same tick of its file system's clock; its index is
    compared by SHA-256 until then.
    """
    same = source.st_mtime_ns if time.time_ns() - source.st_mtime_ns > SURE_AFTER else 0
    with suppress(OSError):  # an index of another user: the SHA-256 is compared each time
        os.utime(path, ns=(same, same))
