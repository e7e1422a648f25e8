"""Records as rows of a table, one column for each field."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from mdsm_ros.dataset.records import Annotation, ImageRecord, Instruction
from mdsm_ros.geometry import Camera

TABLES: dict[str, type] = {"images": ImageRecord, "annotations": Annotation, "instructions": Instruction}
COLUMNS = {name: tuple(field.name for field in fields(kind)) for name, kind in TABLES.items()}


def _camera(value: dict[str, float]) -> Camera:
    return Camera(**value)


_FROM_JSON: dict[str, Callable[[Any], Any]] = {  # fields that SQLite has no type for
    "camera": _camera,
    "segmentation": dict,
    "attributes": dict,
    "bbox": tuple,
    "annotation_ids": tuple,
}


def to_row(record: Any) -> list[Any]:
    """The values of a record's columns."""
    return [_to_column(name, value) for name, value in vars(record).items()]


def _to_column(name: str, value: Any) -> Any:
    if name not in _FROM_JSON or value is None:
        return value
    return json.dumps(vars(value) if isinstance(value, Camera) else value)


class RowReader:
    """Makes records of the rows of a table."""

    def __init__(self, table: str) -> None:
        self._kind, names = TABLES[table], COLUMNS[table]
        self._composite = [(names.index(name), read) for name, read in _FROM_JSON.items() if name in names]

    def __call__(self, row: tuple[Any, ...]) -> Any:
        """The record of a row."""
        values = list(row)
        for place, read in self._composite:
            if values[place] is not None:
                values[place] = read(json.loads(values[place]))
        return self._kind(*values)
