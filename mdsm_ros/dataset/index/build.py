"""Making the index of a dataset, in constant memory."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from io import BufferedReader
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mdsm_ros.dataset.index.rows import COLUMNS, TABLES, to_row
from mdsm_ros.dataset.index.store import VERSION
from mdsm_ros.dataset.links import (
    crossed_annotation,
    crossed_instruction,
    dangling_annotation,
    dangling_image,
    fault_text,
    used_twice,
)
from mdsm_ros.dataset.records import read_categories, read_info, record_reader
from mdsm_ros.dataset.streaming import Event, read_members
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import whole_file

CACHE_KILOBYTES = 32_768  # of SQLite, which also sorts in it

_INDEXES = (
    "CREATE INDEX images_id ON images (id)",
    "CREATE INDEX annotations_id ON annotations (id)",
    "CREATE INDEX annotations_image ON annotations (image_id)",
    "CREATE INDEX instructions_image ON instructions (image_id)",
    # all that a training reads at its start
    "CREATE INDEX instructions_split ON instructions (split, position, image_id)",
)
_TWICE = "SELECT id, COUNT(*) FROM {} GROUP BY id HAVING COUNT(*) > 1 ORDER BY MIN(position)"
_DANGLING = """
    SELECT i.position, -1, i.id, i.image_id FROM instructions i LEFT JOIN images m ON m.id = i.image_id
    WHERE m.id IS NULL
    UNION ALL
    SELECT t.position, t.number, t.id, t.annotation_id FROM targets t LEFT JOIN annotations a ON a.id = t.annotation_id
    WHERE a.id IS NULL ORDER BY 1, 2"""
_CROSSED_ANNOTATIONS = """
    SELECT a.id, a.image_id, a.category_id FROM annotations a LEFT JOIN images m ON m.id = a.image_id
    WHERE m.id IS NULL OR a.category_id NOT IN (SELECT value FROM json_each(?)) ORDER BY a.position"""
_CROSSED_INSTRUCTIONS = """
    SELECT t.id, t.image_id, t.annotation_id, a.image_id FROM targets t JOIN annotations a ON a.id = t.annotation_id
    WHERE a.image_id != t.image_id ORDER BY t.position, t.number"""


class _Hashed:
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: BufferedReader, progress: tqdm[Any]) -> None:
        self._file, self._progress, self.digest = file, progress, hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes."""
        content = self._file.read(size)
        self.digest.update(content)
        self._progress.update(len(content))
        return content


def build_index(source: Path, target: Path) -> None:
    """Makes the index of an ``annotations.json``; it appears completely or not at all.

    Raises:
        DatasetError: The file is not a dataset's, as for :class:`mdsm_ros.dataset.format.Dataset`.
        OSError: A file cannot be read or written.
    """
    with whole_file(target) as partial:
        partial.unlink(missing_ok=True)  # of a killed run
        connection = sqlite3.connect(partial, isolation_level=None)
        try:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KILOBYTES}"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN")
            about = _fill(connection, source)
            _check(connection, source, about)
            connection.executemany("INSERT INTO about VALUES (?, ?)", ((k, json.dumps(v)) for k, v in about.items()))
            connection.execute("COMMIT")
        finally:
            connection.close()
        with partial.open("rb+") as file:
            os.fsync(file.fileno())


def _fill(connection: sqlite3.Connection, source: Path) -> dict[str, Any]:
    """Fills the tables; returns what the index says about the dataset."""
    connection.execute("CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)")
    connection.execute("CREATE TEMP TABLE targets (position, number, id, image_id, annotation_id)")
    for table, columns in COLUMNS.items():
        connection.execute(f"CREATE TABLE {table} (position INTEGER PRIMARY KEY, {', '.join(columns)})")
    content: dict[str, Any] = {}
    counts: dict[str, int] = {}
    with (
        source.open("rb") as file,
        tqdm(total=source.stat().st_size, desc=f"index of {source.parent.name}", unit="B", unit_scale=True,
             disable=None) as progress,
    ):  # fmt: skip
        hashed = _Hashed(file, progress)
        for name, events in groupby(read_members(hashed, TABLES, source, DatasetError), key=itemgetter(0)):
            if name in TABLES:
                counts[name] = _fill_table(connection, name, events, source)
            else:
                ((_, _, content[name]),) = events
    for name in TABLES:
        if name not in counts:
            raise DatasetError(f"{source}: {name!r} is missing, expected a list")
    for index in _INDEXES:
        connection.execute(index)
    return {
        "version": VERSION,
        "size": source.stat().st_size,
        "sha256": hashed.digest.hexdigest(),
        "info": read_info(content, source),
        "categories": [{"id": key, "name": name} for key, name in read_categories(content, source).items()],
        **counts,
    }


def _fill_table(connection: sqlite3.Connection, name: str, events: Iterator[Event], source: Path) -> int:
    """Fills a table with the records of a list; returns their number."""
    if next(events)[2] != []:
        raise DatasetError(f"{source}: {name!r} is missing, expected a list")
    marks = ", ".join("?" * (1 + len(COLUMNS[name])))
    cursor = connection.executemany(f"INSERT INTO {name} VALUES ({marks})", _rows(connection, name, events, source))
    return max(cursor.rowcount, 0)


def _rows(connection: sqlite3.Connection, name: str, events: Iterator[Event], source: Path) -> Iterator[list[Any]]:
    """Checks the records of a list, and yields their rows."""
    read: Callable[[int, object], Any] = record_reader(TABLES[name], name, source)
    targets = "INSERT INTO targets VALUES (?, ?, ?, ?, ?)"
    for _, position, entry in events:
        assert position is not None
        record = read(position, entry)
        if name == "instructions" and record.annotation_ids:
            named = enumerate(record.annotation_ids)
            connection.executemany(targets, ((position, n, record.id, record.image_id, i) for n, i in named))
        yield [position, *to_row(record)]


def _check(connection: sqlite3.Connection, source: Path, about: dict[str, Any]) -> None:
    """Checks the references between records; those that ``links=False`` allows are noted for later.

    Raises:
        DatasetError: As for :class:`mdsm_ros.dataset.format.Dataset` with ``links=False``.
    """
    faults = [text for name in TABLES for text in used_twice(name, dict(connection.execute(_TWICE.format(name))))]
    for _, number, instruction, missing in connection.execute(_DANGLING):
        faults.append((dangling_image if number < 0 else dangling_annotation)(instruction, missing))
    if faults:
        raise DatasetError(fault_text(source, faults[0], len(faults)))
    known = json.dumps([category["id"] for category in about["categories"]])
    crossed = [crossed_annotation(*row) for row in connection.execute(_CROSSED_ANNOTATIONS, (known,))]
    crossed += [crossed_instruction(*row) for row in connection.execute(_CROSSED_INSTRUCTIONS)]
    about["crossed"] = [crossed[0], len(crossed)] if crossed else None
