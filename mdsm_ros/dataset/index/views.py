"""The tables of an index as the collections that :class:`mdsm_ros.dataset.format.Dataset` has."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from numbers import Integral
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.index.rows import COLUMNS, RowReader, from_column
from mdsm_ros.dataset.index.store import Store
from mdsm_ros.errors import DatasetError

BLOCK = 500  # records that a scan has in memory; below SQLite's limit of values in a query
COLUMN_BLOCK = 10_000  # values of a column that it has in memory

Record = TypeVar("Record")


class Table(Generic[Record]):
    """The records of one kind, by their position in ``annotations.json``."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name
        self.length = int(store.about[name])
        self._read = RowReader(name, store.path)
        self._select = f"SELECT position, {', '.join(COLUMNS[name])} FROM {name} WHERE"

    def where(self, condition: str, *values: Any) -> list[Record]:
        """The records that meet a condition, in order."""
        rows = self.store.rows(f"{self._select} {condition} ORDER BY position", values)
        return [self._read(row) for row in rows]

    def column(self, name: str, condition: str = "1", *values: Any) -> Iterator[Any]:
        """One field of the records that meet a condition, in order and in constant memory."""
        query = f"SELECT position, {name} FROM {self.name} WHERE {condition} AND position > ? ORDER BY position LIMIT ?"
        last = -1
        while rows := self.store.rows(query, (*values, last, COLUMN_BLOCK)):
            last = rows[-1][0]
            yield from (from_column(name, row[1]) for row in rows)

    def scan(self, positions: Sequence[int] | NDArray[np.int64]) -> Iterator[Record]:
        """The records at positions, in their order and in constant memory."""
        for first in range(0, len(positions), BLOCK):
            block = [int(position) for position in positions[first : first + BLOCK]]
            marks = ", ".join("?" * len(block))
            records = self.where(f"position IN ({marks})", *block)
            if len(records) != len(set(block)):
                raise DatasetError(f"{self.store.path} has {len(records)} of {len(block)} {self.name}; delete it")
            found = dict(zip(sorted(set(block)), records, strict=True))
            yield from (found[position] for position in block)


class Rows(Sequence[Record]):
    """Records by their number, read when they are used.

    Args:
        table: Table of the records.
        positions: Position of each record in the table.
    """

    def __init__(self, table: Table[Record], positions: Sequence[int] | NDArray[np.int64]) -> None:
        self._table, self._positions = table, positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Rows[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | Rows[Record]:
        if isinstance(index, slice):
            return Rows(self._table, self._positions[index])
        return next(self._table.scan([int(self._positions[index])]))

    def __iter__(self) -> Iterator[Record]:
        return self._table.scan(self._positions)


class RowsById(Mapping[int, Record]):
    """Records by their id, read when they are used; in the order of ``annotations.json``."""

    def __init__(self, table: Table[Record]) -> None:
        self.table = table

    def __len__(self) -> int:
        return self.table.length

    def __getitem__(self, key: int) -> Record:
        for record in self.table.where("id = ?", int(key)):
            return record
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, Integral) and self.position(int(key)) is not None

    def __iter__(self) -> Iterator[int]:
        return self.table.column("id")

    def values(self) -> ValuesView[Record]:
        """The records."""
        return _Values(self)

    def items(self) -> ItemsView[int, Record]:
        """Ids and records."""
        return _Items(self)

    def scan(self) -> Iterator[Record]:
        """The records, in constant memory."""
        return self.table.scan(range(self.table.length))

    def position(self, key: int) -> int | None:
        """The position of the record with an id, from 0; None if there is none."""
        rows = self.table.store.rows(f"SELECT position FROM {self.table.name} WHERE id = ?", (key,))
        return int(rows[0][0]) if rows else None


class _Values(ValuesView[Record]):
    """The values of a mapping, read block by block instead of key by key."""

    def __init__(self, records: RowsById[Record]) -> None:
        super().__init__(records)
        self._records = records

    def __iter__(self) -> Iterator[Record]:
        return self._records.scan()


class _Items(ItemsView[int, Record]):
    """The items of a mapping, read block by block instead of key by key."""

    def __init__(self, records: RowsById[Any]) -> None:
        super().__init__(records)
        self._records = records

    def __iter__(self) -> Iterator[tuple[int, Record]]:
        return ((record.id, record) for record in self._records.scan())
