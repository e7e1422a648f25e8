"""Checked reading of foreign files: names, numbers and JSON.

Every function takes the class of the error to raise, so that each reader raises one class.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Collection, Mapping
from numbers import Integral
from pathlib import Path, PurePosixPath
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from mdsm_ros.errors import MdsmError

MAX_DEPTH = 32  # levels of nested values, if any nesting is allowed
MAX_JSON = 4 << 30  # bytes
MAX_SIDE = 32_768  # pixels of an image
MAX_PIXELS = 1 << 28
MAX_NAME = 1024  # characters in a file name
MAX_PART = 255  # bytes in a part of it between two "/"
_DRIVE = re.compile(r"[A-Za-z]:")
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlong = 20
_SHORT.maxlevel = 2


def shown(value: object) -> str:
    """A value for a message: short, however long or deep it is."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # an integer with more digits than Python writes
        return f"a {type(value).__name__}"


def is_integer(value: object, low: int = -(2**63), high: int = 2**63 - 1) -> bool:
    """Whether a value is a whole number in a range, and not a bool."""
    return isinstance(value, int | Integral) and not isinstance(value, bool) and low <= int(value) <= high


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and not a bool."""
    if isinstance(value, float):
        return math.isfinite(value)
    return is_integer(value)


def parse_json(content: str | bytes, where: str | Path, error: type[MdsmError]) -> Any:
    """Parses the content of a JSON file.

    Args:
        content: Bytes of the file.
        where: Name of the file in messages.
        error: Class of the error to raise.

    Raises:
        MdsmError: The content is not JSON, or is nested too deep; of the class ``error``.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise error(f"{where} is not readable JSON: its values are nested too deep") from None
    except ValueError as fault:  # not JSON, not UTF-8, or a number with too many digits
        raise error(f"{where} is not JSON: {str(fault)[:200]}") from fault


def read_json(path: Path, error: type[MdsmError], what: str) -> Any:
    """Reads a JSON file.

    Args:
        path: Path of the file.
        error: Class of the error to raise.
        what: Description of the expected file, for the message about a missing one.

    Raises:
        MdsmError: The file is missing, unreadable, far too large or not JSON; of the class ``error``.
    """
    try:
        size = path.stat().st_size
        if size > MAX_JSON:
            raise error(f"{path} is {size} bytes long, expected at most {MAX_JSON}")
        content = path.read_bytes()
    except FileNotFoundError as fault:
        raise error(f"{path} is missing, expected {what}") from fault
    except (OSError, ValueError) as fault:
        if isinstance(fault, MdsmError):
            raise
        raise error(f"{path} cannot be read: {fault}") from fault
    return parse_json(content.removeprefix(b"\xef\xbb\xbf"), path, error)


def check_depth(value: object, where: str, error: type[MdsmError], limit: int = MAX_DEPTH) -> None:
    """Raises if values are nested deeper than ``limit``; works without recursion."""
    level: list[object] = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise error(f"{where} nests its values too deep, expected at most {limit} inside each other")


def name_fault(name: object) -> str | None:
    """The reason why a foreign file name is not valid inside a folder; None if it is valid.

    Names are relative and use "/"; they must not lead out of their folder on any system.
    """
    if not isinstance(name, str) or not name:
        return "is no text"
    if len(name) > MAX_NAME:
        return f"has {len(name)} characters, expected at most {MAX_NAME}"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "contains a control character"
    parts = name.replace("\\", "/").split("/")
    if name[0] in "/\\~" or _DRIVE.match(name):
        return "is absolute, expected a name inside the folder"
    if ".." in parts:
        return "leads out of the folder"
    if any(part in ("", ".") for part in parts):
        return "has an empty part"
    try:
        longest = max(len(part.encode()) for part in parts)
    except UnicodeEncodeError:
        return "is no text"
    return None if longest <= MAX_PART else f"has a part of {longest} bytes, expected at most {MAX_PART}"


def inside(root: Path, name: str, error: type[MdsmError]) -> Path:
    """The path of a foreign name in a folder; symbolic links must not lead out of it either.

    Args:
        root: Path of the folder, which may itself be a link.
        name: Name in the foreign file.
        error: Class of the error to raise.

    Raises:
        MdsmError: The name leads out of the folder; of the class ``error``.
    """
    fault = name_fault(name)
    if fault is not None:
        raise error(f"file name {shown(name)} {fault}")
    path = root / PurePosixPath(name)
    try:
        real, home = path.resolve(), root.resolve()
    except (OSError, RuntimeError) as loop:  # links in a circle
        raise error(f"{path} cannot be followed: {loop}") from loop
    if not real.is_relative_to(home):
        raise error(f"{path} is a link that leads out of {root}, expected a file inside it")
    return path


def check_keys(record: object, wanted: Collection[str], where: str, error: type[MdsmError]) -> dict[str, Any]:
    """Checks that a record is a JSON object with the given fields.

    Raises:
        MdsmError: It is not; of the class ``error``.
    """
    if not isinstance(record, dict):
        raise error(f"{where} is {shown(record)}, expected a JSON object")
    for key in wanted:
        if key not in record:
            raise error(f"{where} has no {key!r}")
    return record


def check_fields(kind: type, values: dict[str, Any], error: type[MdsmError]) -> None:
    """Checks values of a parsed file against the types of a dataclass's fields; lists stand for tuples.

    Raises:
        MdsmError: A value has another type or is not finite; of the class ``error``.
    """
    types = get_type_hints(kind)
    for name, value in values.items():
        if name in types and not _is_of(value, types[name]):
            expected = getattr(types[name], "__name__", None) if get_origin(types[name]) is None else str(types[name])
            raise error(f"{name} is {shown(value)}, expected a value of the type {expected}")


def _is_of(value: object, kind: Any) -> bool:
    """Whether a parsed value has the type that a field's annotation names."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_is_of(value, one) for one in inner)
    if origin is tuple:
        items = list(value) if isinstance(value, list | tuple) else None
        kinds = inner[:1] * len(items or ()) if inner[-1:] == (Ellipsis,) else inner
        return items is not None and len(items) == len(kinds) and all(map(_is_of, items, kinds))
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(_is_of(k, inner[0]) and _is_of(v, inner[1]) for k, v in value.items())
    if kind in (Any, object):
        return True
    if kind is type(None):
        return value is None
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return is_integer(value, -(2**31), 2**31)
    if kind is float:
        return is_number(value)
    return not isinstance(kind, type) or isinstance(value, origin or kind)
