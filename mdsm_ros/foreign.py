"""Reading what others have written: names, numbers and JSON of foreign files, none of which is believed.

Every function takes the class of the error that its caller raises, so that each reader knows one.
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

MAX_DEPTH = 32  # of values inside each other, where any are allowed
MAX_JSON = 4 << 30  # bytes
MAX_SIDE = 32_768  # pixels of a picture
MAX_PIXELS = 1 << 28
MAX_NAME = 1024  # characters of a file name
MAX_PART = 255  # bytes of a part of it between two "/"
_DRIVE = re.compile(r"[A-Za-z]:")
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlong = 20
_SHORT.maxlevel = 2


def shown(value: object) -> str:
    """A value as a message shows it: short, however long or deep it is."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return f"a {type(value).__name__}"


def is_integer(value: object, low: int = -(2**63), high: int = 2**63 - 1) -> bool:
    """Whether a value is a whole number between two others, and not a truth value."""
    return isinstance(value, int | Integral) and not isinstance(value, bool) and low <= int(value) <= high


def is_number(value: object) -> bool:
    """Whether a value is a finite number, and not a truth value."""
    if isinstance(value, float):
        return math.isfinite(value)
    return is_integer(value)


def parse_json(content: str | bytes, where: str | Path, error: type[MdsmError]) -> Any:
    """The content of a JSON file.

    Args:
        content: of the file.
        where: its name, for messages.
        error: what is raised.

    Raises:
        MdsmError: of that class, where it is no JSON, or holds lists inside each other that no reader can follow.
    """
    try:
        return json.loads(content)
    except RecursionError:
        raise error(f"{where} is not JSON that can be read: it nests its values too deep") from None
    except ValueError as fault:  # no JSON, no UTF-8, or a number of too many digits
        raise error(f"{where} is not JSON: {str(fault)[:200]}") from fault


def read_json(path: Path, error: type[MdsmError], what: str) -> Any:
    """Reads a JSON file.

    Args:
        path: of the file.
        error: what is raised.
        what: was expected there, for the message about a missing file.

    Raises:
        MdsmError: of that class, where the file is missing, cannot be read, is far too large or no JSON.
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
    """Raises where values are nested deeper than ``limit``; without recursion, however deep they are."""
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
    """Why a foreign file name cannot be one inside a folder; None where it can.

    Names are relative and separated by "/"; on no system may they lead out of their folder.
    """
    if not isinstance(name, str) or not name:
        return "is no text"
    if len(name) > MAX_NAME:
        return f"has {len(name)} characters, expected at most {MAX_NAME}"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "holds a control character"
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
    """The path of a foreign name in a folder, which symbolic links do not lead out of either.

    Args:
        root: of the folder, which may itself be a link.
        name: as the foreign file has it.
        error: what is raised.

    Raises:
        MdsmError: of that class, where the name leads out of the folder.
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
    """A record, where it is a JSON object with these fields.

    Raises:
        MdsmError: of that class, where it is not.
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
        MdsmError: of that class, where a value is of another type or not finite.
    """
    types = get_type_hints(kind)
    for name, value in values.items():
        if name in types and not _is_of(value, types[name]):
            expected = getattr(types[name], "__name__", None) if get_origin(types[name]) is None else str(types[name])
            raise error(f"{name} is {shown(value)}, expected a value of the type {expected}")


def _is_of(value: object, kind: Any) -> bool:
    """Whether a parsed value is of a type as a field's annotation names it."""
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
