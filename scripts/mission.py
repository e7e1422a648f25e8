"""The table of docs/mission.md, from docs/mission.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).resolve().parent.parent / "docs" / "mission.yaml"
WORKS, ELSEWHERE = "works", "elsewhere"


@dataclass(frozen=True)
class Row:
    """What a paper names.

    Attributes:
        id: Number of the row.
        what: Name of the system, experiment or question.
        state: "works" or "elsewhere".
        commands: Commands that do it, in order.
        note: What else a reader needs, in Markdown.
    """

    id: int
    what: str
    state: str
    commands: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class System:
    """A paper or wish with its rows; ``about`` is Markdown."""

    name: str
    about: str
    rows: tuple[Row, ...]


def read_mission(path: Path = SOURCE) -> list[System]:
    """The systems with their rows."""
    return [
        System(part["system"], part["about"], tuple(_row(row) for row in part["rows"]))
        for part in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def _row(values: dict[str, Any]) -> Row:
    command = values["command"]
    commands = (command,) if isinstance(command, str) else tuple(command)
    return Row(values["id"], values["what"], values["state"], commands, values.get("note", ""))


def mission_markdown() -> str:
    """The counts of all rows, and a table for each system."""
    return "\n".join(_lines(read_mission())) + "\n"


def _lines(systems: Sequence[System]) -> Iterator[str]:
    rows = [row for system in systems for row in system.rows]
    elsewhere = [str(row.id) for row in rows if row.state == ELSEWHERE]
    yield f"\n{len(rows) - len(elsewhere)} of {len(rows)} rows work; rows {', '.join(elsewhere)} need another place.\n"
    for system in systems:
        yield f"## {system.name}\n"
        yield f"{system.about}\n"
        yield "| # | what | state | command | note |"
        yield "|---|---|---|---|---|"
        for row in system.rows:
            commands = "<br>".join(f"`{command}`" for command in row.commands)
            yield f"| {row.id} | {row.what} | {row.state} | {commands} | {row.note} |"
        yield ""
