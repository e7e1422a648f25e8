"""JSON objects that are larger than memory: read value by value, and written record by record."""

from __future__ import annotations

import codecs
import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TextIO

from mdsm_ros.errors import MdsmError
from mdsm_ros.files import PARTIAL, to_json, whole_file

CHUNK = 1 << 20  # bytes that are read at a time
MAX_VALUE = 1 << 28  # characters of one value
_IN_NUMBER = ("", *"0123456789.eE+-")  # what may continue a number, the end of what was read included
_SPACE = re.compile(r"[ \t\n\r]*")

Event = tuple[str, int | None, Any]


class Readable(Protocol):
    """What a JSON text is read from: a binary file, or one around it."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


class _Window:
    """The part of a JSON text that is in memory.

    The values are those of :func:`json.loads`, because its own scanner finds them; ijson would read the file once for
    each list, and has other numbers.
    """

    def __init__(self, file: Readable) -> None:
        self._file, self._text, self._at, self._before, self._ended = file, "", 0, 0, False
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder().raw_decode

    def _more(self) -> None:
        chunk = self._file.read(CHUNK)
        self._ended = not chunk
        self._before += self._at
        self._text, self._at = self._text[self._at :] + self._decode(chunk, self._ended), 0

    def peek(self) -> str:
        """Skips white space; returns the next character without taking it, "" at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            assert match is not None  # it also matches nothing
            self._at = match.end()
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def take(self, expected: str) -> str:
        """Takes the next character, which must be one of ``expected``."""
        found = self.peek()
        if not found or found not in expected:
            wanted = " or ".join(map(repr, expected))
            raise ValueError(f"{found!r} at character {self._before + self._at}, expected {wanted}")
        self._at += 1
        return found

    def value(self) -> Any:
        """Takes a whole value."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
                if self._ended or self._text[end : end + 1] not in _IN_NUMBER:
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                if self._ended or len(self._text) - self._at > MAX_VALUE:
                    raise ValueError(f"{error.msg} at character {self._before + error.pos}") from None
            self._more()


def read_members(file: Readable, lists: Collection[str], where: str | Path, error: type[MdsmError]) -> Iterator[Event]:
    """Reads a JSON object value by value.

    Args:
        file: File with the object, as UTF-8.
        lists: Names of members whose elements are read one by one.
        where: Name of the file in messages.
        error: Class of the error to raise.

    Yields:
        The name of a member, None and its value; for a list of ``lists``, None and an empty list, then the number
        and the value of each element.

    Raises:
        MdsmError: The content is not a JSON object, is nested too deep, or has a list twice; of the class ``error``.
    """
    window = _Window(file)
    try:
        yield from _members(window, lists)
    except RecursionError:
        raise error(f"{where} is not readable JSON: its values are nested too deep") from None
    except ValueError as fault:  # not JSON, not UTF-8, or a number with too many digits
        if isinstance(fault, MdsmError):  # of the caller's code, to which this generator yields
            raise
        raise error(f"{where} is not JSON: {str(fault)[:200]}") from fault


def _members(window: _Window, lists: Collection[str]) -> Iterator[Event]:
    seen: set[str] = set()
    window.take("{")
    while window.peek() != "}" or seen:
        name = window.value()
        if not isinstance(name, str):
            raise ValueError(f"the name {name!r}, expected text")
        window.take(":")
        if name in lists and name in seen:
            raise ValueError(f"{name!r} is there twice")
        seen.add(name)
        if name in lists and window.peek() == "[":
            yield name, None, []
            yield from ((name, number, value) for number, value in enumerate(_elements(window)))
        else:
            yield name, None, window.value()
        if window.take(",}") == "}":
            break
    else:
        window.take("}")
    if window.peek():
        raise ValueError(f"more after its end: {window.peek()!r}")


def _elements(window: _Window) -> Iterator[Any]:
    window.take("[")
    if window.peek() == "]":
        window.take("]")
        return
    while True:
        yield window.value()
        if window.take(",]") == "]":
            return


class RecordsFile:
    """Writes a JSON object with lists of records, to which records are added in any order.

    The bytes are those of :func:`mdsm_ros.files.write_json`. Until :meth:`close`, the lists are in files beside it;
    then it appears completely or not at all.

    Args:
        path: Path of the file.
        lists: Names of the lists, in the order of the file.
    """

    def __init__(self, path: Path, lists: Collection[str]) -> None:
        self._path, self.counts = path, dict.fromkeys(lists, 0)
        self._parts = {name: path.with_name(f"{path.name}.{name}{PARTIAL}") for name in lists}
        self._open = ExitStack()
        self._files: dict[str, TextIO] = {}

    def __enter__(self) -> RecordsFile:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        for name, part in self._parts.items():
            self._files[name] = self._open.enter_context(part.open("w", encoding="utf-8"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        for part in self._parts.values():
            part.unlink(missing_ok=True)

    def add(self, name: str, record: Mapping[str, Any]) -> None:
        """Adds a record to a list."""
        self._files[name].write((", " if self.counts[name] else "") + to_json(record))
        self.counts[name] += 1

    def close(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Writes the file.

        Args:
            before: Members before the lists.
            after: Members after the lists.
        """
        self._open.close()
        with whole_file(self._path) as partial, partial.open("w", encoding="utf-8") as file:
            file.write("{")
            for name, value in before.items():
                file.write(f"{to_json(name)}: {to_json(value)}, ")
            for number, (name, part) in enumerate(self._parts.items()):
                file.write(f"{', ' if number else ''}{to_json(name)}: [")
                with part.open(encoding="utf-8") as content:
                    shutil.copyfileobj(content, file, CHUNK)
                file.write("]")
            for name, value in after.items():
                file.write(f", {to_json(name)}: {to_json(value)}")
            file.write("}")
