"""Descriptions in logical form, and what they answer to in a view.

A query says which thing is meant: a noun with its attributes, and clauses that relate it to landmarks, each of which
is a query itself. :meth:`Scene.answers` judges every visible thing anew from the query alone, so the generator's
sentences can be checked without the generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mdsm_ros.homes.home import Item, Room
from mdsm_ros.homes.kinds.alike import PART_OF
from mdsm_ros.homes.shapes.parts import CONFUSABLE
from mdsm_ros.homes.speech import relations as r
from mdsm_ros.homes.views.seen import Seen
from mdsm_ros.homes.words.lexicon import ALIKE, PROCEDURAL_ALIKE

PATTERN_AREA = 0.004  # a pattern is told from this share of the image on

RELATIONS: dict[str, r.Relation] = {
    "on": r.on,
    "under": r.under,
    "above": r.above,
    "below": r.below,
    "on wall": r.on_wall,
    "on floor": r.on_floor,
    "top shelf": r.shelf_level("top"),
    "middle shelf": r.shelf_level("middle"),
    "bottom shelf": r.shelf_level("bottom"),
    "left of": r.side_of("left"),
    "right of": r.side_of("right"),
    "in front of": r.in_front_of,
    "behind": r.behind,
    "next to": r.next_to,
    "between": r.between,
}

SELECTIONS: dict[str, r.Selection] = {
    "nearest": r.nearest,
    "farthest": r.farthest,
    "leftmost": r.from_side("left", 0),
    "rightmost": r.from_side("right", 0),
    "second from left": r.from_side("left", 1),
    "second from right": r.from_side("right", 1),
    "third from left": r.from_side("left", 2),
    "third from right": r.from_side("right", 2),
    "middle": r.middle,
    "closest to camera": r.closest_to_camera,
    "farthest from camera": r.farthest_from_camera,
    "highest": r.highest,
    "lowest": r.lowest,
    "largest": r.largest,
    "smallest": r.smallest,
}

COUNTED = frozenset(("second from left", "second from right", "third from left", "third from right", "middle"))
"""Selections that count the candidates."""

MARKS = dict.fromkeys((*RELATIONS, *SELECTIONS), 0) | dict.fromkeys(
    ("on", "under", "above", "below", "top shelf", "middle shelf", "bottom shelf", "left of", "right of"), 1
)
MARKS |= {"in front of": 1, "behind": 1, "next to": 1, "nearest": 1, "farthest": 1, "between": 2}
"""How many landmarks each statement names."""


@dataclass(frozen=True)
class Clause:
    """A statement of :data:`RELATIONS` or :data:`SELECTIONS` with the landmarks that it names."""

    statement: str
    marks: tuple[Query, ...] = ()


@dataclass(frozen=True)
class Query:
    """The thing of a kind that has these attributes and of which these clauses hold."""

    kind: str
    color: str | None = None
    pattern: str | None = None
    clauses: tuple[Clause, ...] = ()

    @property
    def expressions(self) -> int:
        """Number of referring expressions: the thing itself and every landmark."""
        return 1 + sum(mark.expressions for clause in self.clauses for mark in clause.marks)


class Scene:
    """What is visible in a view of a room, to be asked.

    Args:
        room: The room.
        seen: Everything visible, from :func:`mdsm_ros.homes.views.seen.look`.
        pixels: Number of pixels of the image.
    """

    def __init__(self, room: Room, seen: Sequence[Seen], pixels: int) -> None:
        self.room, self.seen, self.pixels = room, list(seen), pixels
        self._found: dict[Query, Seen | None] = {}

    def noun(self, query: Query, thing: Seen) -> r.Verdict:
        """Whether the noun with its attributes fits a thing; the clauses are left out."""
        verdicts: list[r.Verdict] = []
        if thing.kind != query.kind:
            if not self._may_be(query.kind, thing):
                return False
            verdicts.append(None)
        if query.color not in (None, thing.color):
            verdicts.append(None if _may_look(query.color or "", thing) else False)
        if query.pattern not in (None, thing.pattern):
            verdicts.append(None if thing.area < PATTERN_AREA * self.pixels else False)
        return False if False in verdicts else None if None in verdicts else True

    def _may_be(self, kind: str, thing: Seen) -> bool:
        """A listener may take the thing for one of the kind, or for having one on it."""
        if self.room.look is None:
            return thing.kind in PROCEDURAL_ALIKE.get(kind, ())
        if thing.kind in ALIKE.get(kind, ()):
            return True
        item = self.room.items[thing.index]
        return kind in item.shows or (bool(item.model) and item.kind in PART_OF.get(kind, ()))

    def size_of(self, item: Item) -> str:
        """The size "big" or "small" where the things of the kind in view make it clear; else ""."""
        same = [thing for thing in self.seen if thing.kind == item.kind]
        for size, choose in (("big", r.largest), ("small", r.smallest)):
            chosen = choose(self.room, same, ())
            if chosen is not None and self.room.items[chosen.index] is item:
                return size
        return ""

    def candidates(self, query: Query) -> list[Seen]:
        """Everything that the noun fits or may fit."""
        return [thing for thing in self.seen if self.noun(query, thing) is not False]

    def judge(self, clause: Clause, candidates: Sequence[Seen]) -> list[r.Verdict]:
        """Whether a clause holds of each of the candidates; None throughout where a landmark is not clear."""
        marks = [self.find(mark) for mark in clause.marks]
        if any(mark is None for mark in marks):
            return [None] * len(candidates)
        known = [mark for mark in marks if mark is not None]
        if clause.statement in RELATIONS:
            return [RELATIONS[clause.statement](self.room, thing, known) for thing in candidates]
        if clause.statement in COUNTED and len({thing.kind for thing in candidates}) > 1:
            return [None] * len(candidates)  # of look-alikes nobody knows which count
        chosen = SELECTIONS[clause.statement](self.room, candidates, known)
        return [None if chosen is None else thing.index == chosen.index for thing in candidates]

    def answers(self, query: Query) -> tuple[list[Seen], list[Seen]]:
        """The things that a query surely means, and those that it may mean."""
        candidates = self.candidates(query)
        verdicts = [[self.noun(query, thing)] for thing in candidates]
        for clause in query.clauses:
            for judged, verdict in zip(verdicts, self.judge(clause, candidates), strict=True):
                judged.append(verdict)
        sure = [c for c, judged in zip(candidates, verdicts, strict=True) if all(judged)]
        unsure = [c for c, judged in zip(candidates, verdicts, strict=True) if False not in judged and None in judged]
        return sure, unsure

    def find_all(self, query: Query) -> list[Seen]:
        """Everything that a query means, read as a plural; nothing where it is not clear of one of them."""
        sure, unsure = self.answers(query)
        return [] if unsure else sure

    def find(self, query: Query) -> Seen | None:
        """The one thing that a query means; None where there is none or where it is not clear which."""
        if query not in self._found:
            sure, unsure = self.answers(query)
            self._found[query] = sure[0] if len(sure) == 1 and not unsure else None
        return self._found[query]


def _may_look(color: str, thing: Seen) -> bool:
    """A listener may call the thing by the colour, though it is not the name that is said."""
    return color in thing.tints or (bool(thing.color) and thing.color in CONFUSABLE[color])
