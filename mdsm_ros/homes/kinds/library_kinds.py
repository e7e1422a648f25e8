"""The categories of the library's models: their names, and the categories that people may confuse.

The table is part of the package, so these names are the same with and without the library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mdsm_ros.library.library import TABLE_FOLDER
from mdsm_ros.library.table import KINDS_FILE, Kind, read_kinds

LIBRARY_KINDS: dict[str, Kind] = read_kinds(TABLE_FOLDER / KINDS_FILE)
"""By name, in the order of the table."""


def names(kind: str) -> tuple[str, ...]:
    """Returns the names of a library category; the first is the most common."""
    return (kind, *LIBRARY_KINDS[kind].synonyms) if kind in LIBRARY_KINDS else (kind,)


def alike_by_name(nouns: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Returns categories that share a name, or of which one is the head noun of the other: a coffee table is a table.

    Args:
        nouns: Names by category.
    """
    kinds_of: dict[str, set[str]] = {}
    for kind, words in nouns.items():
        for word in (kind, *words):
            kinds_of.setdefault(word, set()).add(kind)
    alike: dict[str, set[str]] = {kind: set() for kind in nouns}
    for kind, words in nouns.items():
        for word in (kind, *words):
            parts = word.split()
            for other in set().union(*(kinds_of.get(" ".join(parts[i:]), set()) for i in range(len(parts)))):
                alike[kind].add(other)
                alike[other].add(kind)
    return {kind: frozenset(others - {kind}) for kind, others in alike.items()}
