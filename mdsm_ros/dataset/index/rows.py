"""Records as rows of a table, one column for each field."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from mdsm_ros.dataset.records import Annotation, ImageRecord, Instruction, record_reader
from mdsm_ros.errors import DatasetError
from mdsm_ros.geometry import Camera

TABLES: dict[str, type] = {"images": ImageRecord, "annotations": Annotation, "instructions": Instruction}
COLUMNS = {name: tuple(field.name for field in fields(kind)) for name, kind in TABLES.items()}

_AS_JSON = ("camera", "segmentation", "attributes", "bbox", "annotation_ids")  # fields that SQLite has no type for


def to_row(record: Any) -> list[Any]:
    """The values of a record's columns."""
    return [_to_column(name, value) for name, value in vars(record).items()]


def _to_column(name: str, value: Any) -> Any:
    if name not in _AS_JSON or value is None:
        return value
    return json.dumps(vars(value) if isinstance(value, Camera) else value)


def from_column(name: str, value: Any) -> Any:
    """The value of a field by that of its column."""
    return json.loads(value) if name in _AS_JSON and value is not None else value


class RowReader:
    """Makes records of the rows of a table. An index may come from others, so each record is checked again.

    Args:
        table: Name of the table.
        path: Path of the index, for messages.
    """

    def __init__(self, table: str, path: Path) -> None:
        self._names, self._path, self._table = COLUMNS[table], path, table

    def __call__(self, row: tuple[Any, ...]) -> Any:
        """The record of a row: its position, and its columns.

        Raises:
            DatasetError: The row is not that of a record.
        """
        position, *values = row
        try:
            entry = {name: from_column(name, value) for name, value in zip(self._names, values, strict=True)}
        except (TypeError, ValueError, RecursionError) as error:
            raise DatasetError(f"{self._path}: {self._table}[{position}] is damaged: {str(error)[:200]}") from error
        return self._read(position, entry)

    @property
    def _read(self) -> Callable[[int, object], Any]:
        return _reader(self._table, self._path)


@lru_cache(maxsize=64)
def _reader(table: str, path: Path) -> Callable[[int, object], Any]:
    return record_reader(TABLES[table], table, path)
