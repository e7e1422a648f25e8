"""Parts of a comparison: what each was made with, so that figures of other options are never reported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdsm_ros.errors import CommandError
from mdsm_ros.files import PARTIAL, names_in, write_json

OPTIONS_FILE = "options.json"


def expect_same(folder: Path, given: Mapping[str, Any]) -> None:
    """Checks that a part was made with the given options, if it was begun; parts of earlier versions cannot be checked.

    Args:
        folder: Folder of the part.
        given: Options by the names that a message gives them.

    Raises:
        CommandError: The part was made with another value of an option.
    """
    path = folder / OPTIONS_FILE
    if not path.exists():
        return
    now, before = json.loads(_text(given)), json.loads(path.read_text(encoding="utf-8"))
    for name in (name for name in now if name in before and before[name] != now[name]):
        raise CommandError(
            f"{folder} was made with {name} {before[name]!r}, now it is {now[name]!r}: expected the same, or another "
            "--out"
        )


def store_options(folder: Path, given: Mapping[str, Any]) -> None:
    """Stores what a part is made with, before its first file; one of an earlier version stays without."""
    if all(name.endswith(PARTIAL) for name in names_in(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / OPTIONS_FILE, json.loads(_text(given)))


def config_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a configuration as options of a part; the seed is in the name of its folder."""
    return {f"configuration's {name}": value for name, value in values.items() if name != "seed"}


def _text(given: Mapping[str, Any]) -> str:
    return json.dumps(given, default=str)
