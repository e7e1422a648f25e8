"""Who made the models: the attribution page, and how many of each catalogue are used."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mdsm_ros.library import store, table
from mdsm_ros.library.library import TABLE_FOLDER

LICENCE_PAGES = {
    "CC0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC BY 3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC BY 3.0 US": "https://creativecommons.org/licenses/by/3.0/us/",
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
}
INTRODUCTION = """\
# Credits of the library of models

Homes are furnished with the models below. `mdsm-data library` downloads and converts them on the user's machine; none
is part of this package. The models were changed: turned, scaled to the catalogue's size, repaired, simplified,
and their textures made smaller. `mdsm-data library --credits FILE` writes this page from the catalogues' own credits.
"""
TEXTURES = """\
Textures of walls, floors, cloth, wood and stone come from robosuite (MIT License, Copyright (c) 2022 Stanford Vision
and Learning Lab and UT Robot Perception and Learning Lab) and from the models above.
"""


def credits_page(folder: Path, tables: Path = TABLE_FOLDER) -> str:
    """The attribution page (Markdown) of the models in a cache.

    Raises:
        LibraryMissing: There is no cache.
    """
    index = store.read_index(folder)
    sections = [INTRODUCTION, usable_table(folder, tables)]
    for catalogue, licence, records in _groups(index["models"]):
        sections.append(f"## {catalogue}, [{licence}]({LICENCE_PAGES[licence]})\n")
        rows = [(_link(record["name"], record["source"]), f"`{record['id']}`", record["creator"]) for record in records]
        sections.append(_markdown(("model", "id", "creator"), rows))
        text = folder / store.CREDITS_FOLDER / f"{catalogue}.txt"
        if text.exists():
            statement = _plain(text.read_text(encoding="utf-8"))
            sections.append(f"The catalogue's own statement:\n\n```text\n{statement}\n```\n")
    sections.append(f"## Textures\n\n{TEXTURES}")
    left_out = sorted(index["left_out"].items())
    if left_out:
        sections.append("## Left out\n\nThese folders of the LIBERO packages are not used:\n")
        sections.append(_markdown(("folder", "reason"), left_out))
    return "\n".join(sections)


def usable_table(folder: Path, tables: Path = TABLE_FOLDER) -> str:
    """Models in the cache and models in use, by catalogue and licence, as a Markdown table."""
    models = tables / table.MODELS_FILE
    usable = {row.id for row in table.read_models(models).values() if row.usable} if models.exists() else set()
    rows = []
    for catalogue, licence, records in _groups(store.read_index(folder)["models"]):
        rows.append((catalogue, licence, len(records), sum(record["id"] in usable for record in records)))
    rows.append(("all", "", sum(row[2] for row in rows), sum(row[3] for row in rows)))
    return _markdown(("catalogue", "licence", "models", "in use"), rows)


def _groups(records: list[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Records by catalogue and licence, each group by name."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["catalogue"], record["licence"]), []).append(record)
    return [
        (catalogue, licence, sorted(group, key=lambda record: (record["name"].lower(), record["id"])))
        for (catalogue, licence), group in sorted(groups.items())
    ]


def _link(name: str, address: str) -> str:
    return f"[{name}]({address})" if address else name


def _plain(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines()).replace("```", "")


def _markdown(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines) + "\n"
