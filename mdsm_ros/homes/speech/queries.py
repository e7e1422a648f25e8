"""Descriptions in logical form, and the items that they mean in a view.

A query defines an item: a noun with its attributes, and clauses that relate it to landmarks, each of which is a query
itself. :meth:`Scene.answers` evaluates every visible item from the query alone, so that sentences can be checked
without the generator.
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

PATTERN_AREA = 0.004  # fraction of the image from which a pattern is recognizable

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
    """A statement of :data:`RELATIONS` or :data:`SELECTIONS` with its landmarks."""

    statement: str
    marks: tuple[Query, ...] = ()


@dataclass(frozen=True)
class Query:
    """The item of a category with these attributes and true clauses."""

    kind: str
    color: str | None = None
    pattern: str | None = None
    clauses: tuple[Clause, ...] = ()

    @property
    def expressions(self) -> int:
        """Number of referring expressions: the item itself and every landmark."""
        return 1 + sum(mark.expressions for clause in self.clauses for mark in clause.marks)


class Scene:
    """The visible items of a view, which queries are evaluated on.

    Args:
        room: The room.
        seen: All visible items, from :func:`mdsm_ros.homes.views.seen.look`.
        pixels: Number of pixels of the image.
    """

    def __init__(self, room: Room, seen: Sequence[Seen], pixels: int) -> None:
        self.room, self.seen, self.pixels = room, list(seen), pixels
        self._found: dict[Query, Seen | None] = {}

    def noun(self, query: Query, thing: Seen) -> r.Verdict:
        """Whether the noun with its attributes fits an item; clauses are ignored."""
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
        """Whether people may take an item for one of the category, or for having one on it."""
        if self.room.look is None:
            return thing.kind in PROCEDURAL_ALIKE.get(kind, ())
        if thing.kind in ALIKE.get(kind, ()):
            return True
        item = self.room.items[thing.index]
        return kind in item.shows or (bool(item.model) and item.kind in PART_OF.get(kind, ()))

    def size_of(self, item: Item) -> str:
        """Returns "big" or "small" if the size is clear among the visible items of the category; else ""."""
        same = [thing for thing in self.seen if thing.kind == item.kind]
        for size, choose in (("big", r.largest), ("small", r.smallest)):
            chosen = choose(self.room, same, ())
            if chosen is not None and self.room.items[chosen.index] is item:
                return size
        return ""

    def candidates(self, query: Query) -> list[Seen]:
        """Returns all items that the noun fits or may fit."""
        return [thing for thing in self.seen if self.noun(query, thing) is not False]

    def judge(self, clause: Clause, candidates: Sequence[Seen]) -> list[r.Verdict]:
        """Whether a clause is true of each candidate; None for all if a landmark is ambiguous."""
        marks = [self.find(mark) for mark in clause.marks]
        if any(mark is None for mark in marks):
            return [None] * len(candidates)
        known = [mark for mark in marks if mark is not None]
        if clause.statement in RELATIONS:
            return [RELATIONS[clause.statement](self.room, thing, known) for thing in candidates]
        if clause.statement in COUNTED and len({thing.kind for thing in candidates}) > 1:
            return [None] * len(candidates)  # it is unclear which look-alikes count
        chosen = SELECTIONS[clause.statement](self.room, candidates, known)
        return [None if chosen is None else thing.index == chosen.index for thing in candidates]

    def answers(self, query: Query) -> tuple[list[Seen], list[Seen]]:
        """Returns the items that a query certainly means, and those that it may mean."""
        candidates = self.candidates(query)
        verdicts = [[self.noun(query, thing)] for thing in candidates]
        for clause in query.clauses:
            for judged, verdict in zip(verdicts, self.judge(clause, candidates), strict=True):
                judged.append(verdict)
        sure = [c for c, judged in zip(candidates, verdicts, strict=True) if all(judged)]
        unsure = [c for c, judged in zip(candidates, verdicts, strict=True) if False not in judged and None in judged]
        return sure, unsure

    def find_all(self, query: Query) -> list[Seen]:
        """Returns all items that a query means as a plural; none if any of them is unclear."""
        sure, unsure = self.answers(query)
        return [] if unsure else sure

    def find(self, query: Query) -> Seen | None:
        """Returns the single item that a query means; None if there is none, or if it is ambiguous."""
        if query not in self._found:
            sure, unsure = self.answers(query)
            self._found[query] = sure[0] if len(sure) == 1 and not unsure else None
        return self._found[query]


def _may_look(color: str, thing: Seen) -> bool:
    """Whether people may name an item by a colour that is not its own name."""
    return color in thing.tints or (bool(thing.color) and thing.color in CONFUSABLE[color])
