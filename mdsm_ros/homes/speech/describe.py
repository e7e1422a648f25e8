"""Searches for a description that fits one item in a view and no other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mdsm_ros.homes.speech.queries import MARKS, PATTERN_AREA, Clause, Query, Scene
from mdsm_ros.homes.views.seen import Seen
from mdsm_ros.language.referring.words import PREFIXES

MAX_CLAUSES = 3
MAX_MARKS = 7  # landmarks tried for one target
NESTED_SHARE = 0.3  # fraction of nested descriptions among landmarks that are already unambiguous
NOUN_WEIGHTS = (1.0, 1.4, 1.2, 0.8)  # by category; with colour; with pattern; with both
CLAUSES_ALONE = (0.55, 0.37, 0.08)  # probability of 0, 1 or 2 clauses for an item that its noun identifies
CLAUSES_WITH_RIVALS = (0.0, 0.8, 0.2)  # the same for an item that its noun does not identify
RANK = {
    **dict.fromkeys(("under", "above", "top shelf", "middle shelf", "bottom shelf", "second from left", "middle"), 0.0),
    **dict.fromkeys(("on", "below", "behind", "in front of", "nearest", "next to"), 0.5),
    "farthest": 2.0,
}
"""What is said sooner than the rest (1), where several things could be said: the telling, the rare, the usual."""


class Describer:
    """Finds queries for the items in a scene.

    Args:
        scene: Visible objects.
        rng: Random generator that chooses among descriptions.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene, self.rng = scene, rng
        self.landmarks = self._clear_landmarks()

    def _nouns(self, thing: Seen) -> list[Query]:
        """Returns the ways to name an item by its appearance, from few words to many."""
        pattern = thing.pattern if thing.pattern and thing.area >= PATTERN_AREA * self.scene.pixels else None
        patterns = [None] if pattern is None else [None, pattern]
        colors = [None, thing.color] if thing.color else [None]
        return [Query(thing.kind, color, worn) for worn in patterns for color in colors]

    def _clear_landmarks(self) -> list[tuple[Seen, Query]]:
        """Returns all unambiguous landmarks with their descriptions; some descriptions include a position."""
        found: list[tuple[Seen, Query]] = []
        for thing in self.scene.seen:
            if thing.landmark:
                plain = [query for query in self._nouns(thing) if self.scene.find(query) is thing]
                if plain:
                    found.append((thing, plain[int(self.rng.integers(len(plain)))]))
        clear = list(found)
        for i, (thing, query) in enumerate(clear):
            holder = self.scene.room.items[thing.index].support
            below = [mark for other, mark in clear if other.index == holder]
            if below and self.rng.random() < NESTED_SHARE:
                nested = Query(query.kind, query.color, query.pattern, (Clause("on", (below[0],)),))
                if self.scene.find(nested) is thing:
                    found[i] = (thing, nested)
        return found

    def true_clauses(self, thing: Seen, candidates: Sequence[Seen]) -> list[tuple[Clause, list[Seen]]]:
        """Returns the clauses certainly true of an item, each with the candidates that it clearly excludes."""
        position = [c.index for c in candidates].index(thing.index)
        alike = {c.index for c in candidates}
        marks = [(mark, query) for mark, query in self.landmarks if mark.index not in alike]
        marks = [marks[i] for i in self.rng.permutation(len(marks))[:MAX_MARKS]]
        clauses = []
        for statement, number in MARKS.items():
            for chosen in combinations(marks, number):
                if number == 2 and any(query.clauses for _, query in chosen):
                    continue
                clause = Clause(statement, tuple(query for _, query in chosen))
                verdicts = self.scene.judge(clause, candidates)
                if verdicts[position]:
                    ruled_out = [c for c, verdict in zip(candidates, verdicts, strict=True) if verdict is False]
                    clauses.append((clause, ruled_out))
        order = {statement: RANK.get(statement, 1.0) + 2.0 * self.rng.random() for statement in MARKS}
        return sorted(clauses, key=lambda pair: order[pair[0].statement])

    def describe(self, thing: Seen) -> Query | None:
        """Returns a query that clearly means only this item; None if none was found."""
        nouns = self._nouns(thing)
        weights = np.array([NOUN_WEIGHTS[(noun.color is not None) + 2 * (noun.pattern is not None)] for noun in nouns])
        for position in self.rng.choice(len(nouns), size=len(nouns), replace=False, p=weights / weights.sum()):
            query = self._complete(nouns[int(position)], thing)
            if query is not None and self.scene.find(query) is thing:
                return query
        return None

    def _complete(self, noun: Query, thing: Seen) -> Query | None:
        """Adds clauses until every rival is excluded, and sometimes redundant ones."""
        candidates = self.scene.candidates(noun)
        rivals = [c for c in candidates if c.index != thing.index]
        wanted = int(self.rng.choice((0, 1, 2), p=CLAUSES_WITH_RIVALS if rivals else CLAUSES_ALONE))
        clauses: list[Clause] = []
        for clause, ruled_out in self.true_clauses(thing, candidates):
            if len(clauses) >= wanted and not rivals:
                break
            if len(clauses) == MAX_CLAUSES:
                return None
            if rivals and not any(rival in ruled_out for rival in rivals):
                continue
            if not rivals and not clause.marks and clause.statement in PREFIXES:
                continue  # "the leftmost bed" is unnatural for the only bed
            if any(clause.statement == c.statement or set(clause.marks) & set(c.marks) for c in clauses):
                continue
            if any(mark.clauses for mark in clause.marks) and any(m.clauses for c in clauses for m in c.marks):
                continue
            clauses.append(clause)
            rivals = [rival for rival in rivals if rival not in ruled_out]
        if rivals:
            return None
        return Query(noun.kind, noun.color, noun.pattern, tuple(clauses))
