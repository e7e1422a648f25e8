"""Searches for descriptions that fit one object in an image and no other."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from mdsm_ros.homes.speech.queries import Clause, Query
from training.photos.speech.colors import colors_of
from training.photos.speech.queries import MARKS, Judge
from training.photos.speech.relations import SUPPORTS
from training.photos.speech.scene import PictureObject
from training.photos.speech.words.kinds import HYPERNYMS, speakable

MAX_CLAUSES = 2
MAX_MARKS = 6  # landmarks tried for one target
COLOR_WEIGHT = 1.3  # weight of naming the colour, relative to not naming it
CLAUSES_ALONE = (0.5, 0.42, 0.08)  # probability of 0, 1 or 2 clauses for an object that its noun identifies
CLAUSES_WITH_RIVALS = (0.0, 0.85, 0.15)  # the same for an object that its noun does not identify
NEEDS_RIVALS = frozenset(s for s, n in MARKS.items() if "most" in s or "est" in s or "from" in s or s == "middle")
"""Statements that choose among several: nobody says "the leftmost bed" of the only one."""

RANK = {
    **dict.fromkeys(("on", "between", "above", "below", "in front of", "behind", "middle"), 0.0),
    **dict.fromkeys(("second from left", "second from right", "third from left", "third from right"), 0.2),
    **dict.fromkeys(("left of", "right of", "next to", "nearest"), 0.4),
    **dict.fromkeys(("highest", "lowest", "top", "bottom", "center"), 1.4),
}
"""What is said sooner than the rest (1), where several statements could be made: the telling, the rare, the usual."""


class Describer:
    """Finds queries for the objects of an image.

    Args:
        judge: Judge of the image.
        rng: Random generator that chooses among descriptions.
    """

    def __init__(self, judge: Judge, rng: np.random.Generator) -> None:
        self.judge, self.scene, self.rng = judge, judge.scene, rng
        self.landmarks = self._clear_landmarks()

    def targets(self) -> list[PictureObject]:
        """Returns the objects that can be targets."""
        return [thing for thing in self.scene.objects if self.scene.unique and self.scene.is_target(thing)]

    def nouns(self, thing: PictureObject) -> list[Query]:
        """Returns the ways to name an object: by category, and with its colour if that is used for the category."""
        plain = [Query(thing.kind)]
        if thing.color is not None and thing.color in colors_of(thing.kind):
            plain.append(Query(thing.kind, thing.color))
        return plain

    def hypernyms(self, thing: PictureObject) -> list[Query]:
        """Returns broader categories that contain only this object in the image, if all their objects are labelled."""
        queries = [
            Query(kind)
            for kind, members in HYPERNYMS.items()
            if thing.kind in members and len(members & self.scene.exhaustive) * 2 >= len(members)
        ]
        return [query for query in queries if self.judge.find(query) is thing]

    def _clear_landmarks(self) -> list[tuple[PictureObject, Query]]:
        found = []
        for thing in self.scene.objects:
            if self.scene.is_landmark(thing):
                plain = [query for query in self.nouns(thing) if self.judge.find(query) is thing]
                if plain:
                    found.append((thing, plain[int(self.rng.integers(len(plain)))]))
        return found

    def true_clauses(
        self, thing: PictureObject, noun: Query, candidates: list[PictureObject]
    ) -> list[tuple[Clause, list[PictureObject]]]:
        """Returns the clauses certainly true of an object, each with the candidates that it clearly excludes."""
        position = [c.index for c in candidates].index(thing.index)
        alike = {c.index for c in candidates}
        clauses = []
        for clause in self.clauses(alike):
            if clause.statement in NEEDS_RIVALS and len(candidates) < 2:
                continue
            verdicts = self.judge.judge(clause, noun, candidates)
            if verdicts[position]:
                out = [c for c, verdict in zip(candidates, verdicts, strict=True) if verdict is False and c.certain]
                clauses.append((clause, out))
        order = {statement: RANK.get(statement, 1.0) + 1.5 * self.rng.random() for statement in MARKS}
        return sorted(clauses, key=lambda pair: order[pair[0].statement])

    def clauses(self, avoid: set[int]) -> list[Clause]:
        """Returns all statements with all landmarks except those to avoid."""
        marks = [(mark, query) for mark, query in self.landmarks if mark.index not in avoid]
        marks = [marks[i] for i in self.rng.permutation(len(marks))[:MAX_MARKS]]
        found = []
        for statement, number in MARKS.items():
            for chosen in combinations(marks, number):
                if statement == "on" and chosen[0][0].kind not in SUPPORTS:
                    continue
                found.append(Clause(statement, tuple(query for _, query in chosen)))
        return found

    def describe(self, thing: PictureObject) -> Query | None:
        """Returns a query that clearly means only this object; None if none was found."""
        if not speakable(thing.kind):
            return None
        nouns = self.nouns(thing)
        weights = np.array([1.0, COLOR_WEIGHT][: len(nouns)])
        for position in self.rng.choice(len(nouns), size=len(nouns), replace=False, p=weights / weights.sum()):
            query = self._complete(nouns[int(position)], thing)
            if query is not None and self.judge.find(query) is thing:
                return query
        return None

    def _complete(self, noun: Query, thing: PictureObject) -> Query | None:
        """Adds clauses until every rival is excluded, and sometimes redundant ones."""
        candidates = self.judge.candidates(noun)
        rivals = [c for c in candidates if c.index != thing.index]
        if any(not c.certain for c in rivals):
            return None
        wanted = int(self.rng.choice((0, 1, 2), p=CLAUSES_WITH_RIVALS if rivals else CLAUSES_ALONE))
        clauses: list[Clause] = []
        for clause, ruled_out in self.true_clauses(thing, noun, candidates):
            if len(clauses) >= wanted and not rivals:
                break
            if len(clauses) == MAX_CLAUSES:
                break
            if rivals and not any(rival in ruled_out for rival in rivals):
                continue
            if any(_clash(clause, other) for other in clauses):
                continue
            clauses.append(clause)
            rivals = [rival for rival in rivals if rival not in ruled_out]
        return None if rivals else Query(noun.kind, noun.color, clauses=tuple(clauses))


_PLACES = frozenset(
    [
        "left",
        "right",
        "top",
        "bottom",
        "center",
        "leftmost",
        "rightmost",
        "highest",
        "lowest",
        "middle",
        "top left",
        "top right",
        "bottom left",
        "bottom right",
        "second from left",
        "second from right",
        "third from left",
        "third from right",
    ]
)
_DEPTHS = frozenset({"largest", "smallest", "closest to camera", "farthest from camera"})


def _clash(one: Clause, other: Clause) -> bool:
    """Whether two clauses are unnatural together, or the second would be understood as the landmark's."""
    if one.statement == other.statement or set(one.marks) & set(other.marks) or (one.marks and other.marks):
        return True
    both = {one.statement, other.statement}
    return both <= _PLACES or both <= _DEPTHS or (bool(one.marks or other.marks) and bool(both & _PLACES))
