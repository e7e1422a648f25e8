"""Words queries as noun phrases with clauses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mdsm_ros.homes.home import Item
from mdsm_ros.homes.speech.queries import Clause, Query, Scene
from mdsm_ros.homes.words import lexicon
from mdsm_ros.language.referring.words import CLAUSES, PREFIXES

PREFIX_SHARE = 0.5  # fraction of prefixes among statements that can be before or after the noun
JOINT_SHARE = 0.12
ADJECTIVE_SHARE = 0.12
SIZE_SHARE = 0.25


def is_plural(noun: str) -> bool:
    """Whether a name is a plural for a single item, such as "shoes" or "window blinds"."""
    head = noun.split(" with ", maxsplit=1)[0]
    return head.endswith("s") and not head.endswith("ss") and " of " not in head


class Wording:
    """Chooses among equivalent wordings.

    Args:
        scene: Scene of the queries.
        rng: Random generator.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene, self.rng = scene, rng

    def pick(self, words: Sequence[str]) -> str:
        """Chooses one of several words."""
        return str(words[int(self.rng.integers(len(words)))])

    def noun(self, item: Item, color: str | None, pattern: str | None, prefixes: Sequence[str] = ()) -> str:
        """Returns a noun with adjectives, without an article.

        Args:
            item: The item; additional adjectives are true of it and distinguish nothing.
            color: Colour to name, if any.
            pattern: Pattern to name, if any.
            prefixes: Superlatives to begin with.
        """
        names = lexicon.spoken_names(item.kind, bool(item.model))
        size = item.size if self.scene.room.look is None else self.scene.size_of(item)
        name = names[0] if self.rng.random() < 0.45 else self.pick(names)
        words = list(prefixes)
        if size and not prefixes and self.rng.random() < SIZE_SHARE:
            words.append(self.pick(lexicon.SIZE_NAMES[size]))
        elif self.rng.random() < ADJECTIVE_SHARE and item.kind in lexicon.ADJECTIVES and not item.model:
            words.append(self.pick(lexicon.ADJECTIVES[item.kind]))
        frame = ""
        if color is not None:
            color_name = self.pick(lexicon.COLOR_NAMES.get(color, (color,)))
            if item.kind not in lexicon.FRAMED:
                words.append(color_name)
            elif self.rng.random() < 0.5:
                words.append(f"{color_name} framed")
                name = name.removeprefix("framed ")
            else:
                frame = f" with the {color_name} frame"
                name = name.removeprefix("framed ")
        if pattern is not None:
            words.append(self.pick(lexicon.PATTERN_NAMES[pattern]))
        return " ".join([*dict.fromkeys(words), name]) + frame

    def phrase(self, query: Query) -> str:
        """Returns a noun phrase; the query's target must be clear in the scene."""
        found = self.scene.find(query)
        assert found is not None
        return self.describe(query, self.scene.room.items[found.index])

    def describe(self, query: Query, item: Item) -> str:
        """Returns a noun phrase for a query that may mean nothing in view, worded as for ``item``."""
        prefixes: list[str] = []
        after: list[Clause] = []
        nested: list[Clause] = []
        for clause in query.clauses:
            first = PREFIXES.get(clause.statement)
            if first and not prefixes and (not CLAUSES[clause.statement] or self.rng.random() < PREFIX_SHARE):
                prefixes.append(self.pick(first))
            elif any(mark.clauses for mark in clause.marks):
                nested.append(clause)
            else:
                after.append(clause)
        noun = self.noun(item, query.color, query.pattern, prefixes)
        clauses = [self._clause(clause) for clause in (*after, *nested)]  # a later clause would join a nested one
        if not clauses:
            return f"the {noun}"
        if self.rng.random() < JOINT_SHARE and not clauses[0].startswith("that"):
            joints = ("that are", "which are") if is_plural(noun) else ("that is", "which is", "that's")
            clauses[0] = f"{self.pick(joints)} {clauses[0]}"
        return f"the {noun} " + " and ".join(clauses)

    def _clause(self, clause: Clause) -> str:
        marks = [self._mark(mark) for mark in clause.marks]
        return self.pick(CLAUSES[clause.statement]).format(*marks)

    def _mark(self, query: Query) -> str:
        """Words a landmark; its clauses are set off so that they cannot refer to the target."""
        if not query.clauses:
            return self.phrase(query)
        found = self.scene.find(query)
        assert found is not None
        noun = self.noun(self.scene.room.items[found.index], query.color, query.pattern)
        clauses = " and ".join(self._clause(clause).removeprefix("that is ") for clause in query.clauses)
        return f"the {noun} {self.pick(('that is', 'which is'))} {clauses}"
