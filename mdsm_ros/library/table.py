"""The project's own table about the models: their category, their places, and which ones are not used."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mdsm_ros.errors import DatasetError

MODELS_FILE = "models.csv"
KINDS_FILE = "kinds.csv"
PLACES = frozenset({"floor", "wall", "ceiling", "surface", "shelf", "soft", "under", "in"})
ANY_ROOM = "any"
MODEL_COLUMNS = ("id", "kind", "places", "rooms", "usable", "reason", "front", "scale", "note")
KIND_COLUMNS = ("kind", "synonyms", "plural", "group", "portable", "imagenet")


@dataclass(frozen=True)
class Row:
    """One model in the table.

    Attributes:
        id: Id in the cache.
        kind: Noun that people use.
        places: Places where it may stand, from :data:`PLACES`.
        rooms: Rooms where it belongs; empty for all.
        usable: Whether homes may use it; otherwise ``reason`` gives the reason.
        front: Degrees to rotate the model counter-clockwise about z so that its front is +y; None if it already is.
        scale: Factor applied to the catalogue's size.
        note: Note for people.
    """

    id: str
    kind: str
    places: frozenset[str]
    rooms: frozenset[str]
    usable: bool
    reason: str
    front: float | None
    scale: float
    note: str


@dataclass(frozen=True)
class Kind:
    """The names of a category of models.

    Attributes:
        kind: Noun of the category.
        synonyms: Other nouns for it.
        plural: Plural of the noun.
        group: Group of similar categories.
        portable: Whether a person carries it in one hand.
        imagenet: Names of ImageNet classes that fit.
    """

    kind: str
    synonyms: tuple[str, ...]
    plural: str
    group: str
    portable: bool
    imagenet: tuple[str, ...]


class _Cells:
    """One line of a csv file, whose values are checked as they are read."""

    def __init__(self, path: Path, line: int, values: dict[str, str]) -> None:
        self._place, self._values = f"{path}, line {line}", values

    def text(self, column: str) -> str:
        return self._values[column].strip()

    def words(self, column: str, separator: str | None = None) -> tuple[str, ...]:
        return tuple(word.strip() for word in self.text(column).split(separator) if word.strip())

    def yes(self, column: str) -> bool:
        value = self.text(column)
        if value not in ("yes", "no"):
            raise self.error(column, "yes or no")
        return value == "yes"

    def number(self, column: str) -> float | None:
        value = self.text(column)
        if not value:
            return None
        try:
            number = float(value)
        except ValueError as error:
            raise self.error(column, "a number or nothing") from error
        if not math.isfinite(number):
            raise self.error(column, "a finite number or nothing")
        return number

    def error(self, column: str, expected: str) -> DatasetError:
        return DatasetError(f"{self._place}: column {column} is {self.text(column)!r}, expected {expected}")


def read_models(path: Path) -> dict[str, Row]:
    """The rows about models, by id.

    Raises:
        DatasetError: The file cannot be read, or a cell of it; the message names line and column.
    """
    rows: dict[str, Row] = {}
    for cells in _lines(path, MODEL_COLUMNS):
        row = _row(cells)
        if not row.id or row.id in rows:
            raise cells.error("id", "an id of its own")
        rows[row.id] = row
    return rows


def _row(cells: _Cells) -> Row:
    places = frozenset(cells.words("places"))
    if not places <= PLACES:
        raise cells.error("places", f"words of {', '.join(sorted(PLACES))}")
    usable, scale = cells.yes("usable"), cells.number("scale")
    if scale is not None and scale <= 0:
        raise cells.error("scale", "a number above 0 or nothing")
    if usable and not cells.text("kind"):
        raise cells.error("kind", "a noun, since the model is usable")
    return Row(
        id=cells.text("id"),
        kind=cells.text("kind"),
        places=places,
        rooms=frozenset(cells.words("rooms", "|")) - {ANY_ROOM},
        usable=usable,
        reason=cells.text("reason"),
        front=cells.number("front"),
        scale=1.0 if scale is None else scale,
        note=cells.text("note"),
    )


def read_kinds(path: Path) -> dict[str, Kind]:
    """The rows about kinds, by noun.

    Raises:
        DatasetError: The file cannot be read, or a cell of it; the message names line and column.
    """
    kinds: dict[str, Kind] = {}
    for cells in _lines(path, KIND_COLUMNS):
        kind = cells.text("kind")
        if not kind or kind in kinds:
            raise cells.error("kind", "a noun of its own")
        kinds[kind] = Kind(
            kind=kind,
            synonyms=cells.words("synonyms", "|"),
            plural=cells.text("plural"),
            group=cells.text("group"),
            portable=cells.yes("portable"),
            imagenet=cells.words("imagenet", "|"),
        )
    return kinds


def _lines(path: Path, columns: tuple[str, ...]) -> Iterator[_Cells]:
    try:
        file = path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != columns:
            raise DatasetError(f"{path}, line 1: columns are {reader.fieldnames}, expected {', '.join(columns)}")
        for values in reader:
            if None in values or None in values.values():
                raise DatasetError(f"{path}, line {reader.line_num}: expected {len(columns)} columns")
            yield _Cells(path, reader.line_num, values)
