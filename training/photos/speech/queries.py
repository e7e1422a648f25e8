"""Descriptions in logical form, and the objects that they mean in an image.

A query defines an object: a category, optionally a colour, and clauses that relate it to the image or to landmarks,
each of which is a query itself. :meth:`Judge.answers` evaluates every object from the query alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from mdsm_ros.homes.speech.queries import Clause, Query
from training.photos.speech import relations as r
from training.photos.speech import selections as s
from training.photos.speech.colors import colors_of
from training.photos.speech.scene import PictureObject, PictureScene
from training.photos.speech.words.kinds import fits

RELATIONS: dict[str, r.Relation] = {
    "left": r.place("left"),
    "right": r.place("right"),
    "top": r.place("top"),
    "bottom": r.place("bottom"),
    "top left": r.corner("top", "left"),
    "top right": r.corner("top", "right"),
    "bottom left": r.corner("bottom", "left"),
    "bottom right": r.corner("bottom", "right"),
    "center": r.center,
    "left of": r.side_of("left"),
    "right of": r.side_of("right"),
    "next to": r.next_to,
    "on": r.on,
    "above": r.above,
    "below": r.below,
    "in front of": r.in_front_of,
    "behind": r.behind,
    "between": r.between,
}

SELECTIONS: dict[str, s.Selection] = {
    "leftmost": s.from_side("left", 0),
    "rightmost": s.from_side("right", 0),
    "second from left": s.from_side("left", 1),
    "second from right": s.from_side("right", 1),
    "third from left": s.from_side("left", 2),
    "third from right": s.from_side("right", 2),
    "middle": s.middle,
    "largest": s.largest,
    "smallest": s.smallest,
    "closest to camera": s.closest_to_camera,
    "farthest from camera": s.farthest_from_camera,
    "highest": s.highest,
    "lowest": s.lowest,
    "nearest": s.nearest,
}

COUNTED = frozenset(name for name in SELECTIONS if "second" in name or "third" in name or name == "middle")
"""Selections that a doubtful candidate would change."""

MARKS: dict[str, int] = dict.fromkeys((*RELATIONS, *SELECTIONS), 0) | dict.fromkeys(
    ("left of", "right of", "next to", "on", "above", "below", "in front of", "behind", "nearest"), 1
)
MARKS["between"] = 2
"""How many landmarks each statement names."""


class Judge:
    """Evaluates queries on an image.

    Args:
        scene: Scene of the image.
    """

    def __init__(self, scene: PictureScene) -> None:
        self.scene = scene
        self._found: dict[Query, PictureObject | None] = {}

    def noun(self, query: Query, thing: PictureObject) -> r.Verdict:
        """Whether category and colour fit an object; clauses are ignored."""
        kind = fits(query.kind, thing.kind)
        if kind is False or query.color is None:
            return kind
        if not thing.certain or thing.looks is None:
            return None
        color = thing.looks.verdict(query.color)
        if color and query.color not in colors_of(thing.kind):
            color = None
        return False if color is False else None if kind is None else color

    def candidates(self, query: Query) -> list[PictureObject]:
        """Returns every object that category and colour fit or may fit."""
        return [thing for thing in self.scene.objects if self.noun(query, thing) is not False]

    def judge(self, clause: Clause, query: Query, candidates: Sequence[PictureObject]) -> list[r.Verdict]:
        """Whether a clause is true of each candidate of a query; None for all if a landmark is ambiguous."""
        marks = [self.find(mark) for mark in clause.marks]
        known = [mark for mark in marks if mark is not None]
        if len(known) < len(marks) or len({mark.index for mark in known}) < len(known):
            return [None] * len(candidates)
        if clause.statement in RELATIONS:
            judge = RELATIONS[clause.statement]
            chosen = {mark.index for mark in known}
            return [None if c.index in chosen else judge(self.scene, c, known) for c in candidates]
        if clause.statement in COUNTED and not all(self.noun(query, c) for c in candidates):
            return [None] * len(candidates)
        selected = SELECTIONS[clause.statement](self.scene, candidates, known)
        return [None if selected is None else c.index == selected for c in candidates]

    def verdicts(self, query: Query) -> list[tuple[PictureObject, r.Verdict]]:
        """Returns every object that category and colour fit or may fit, and whether the whole query fits it."""
        candidates = self.candidates(query)
        judged = [[self.noun(query, thing)] for thing in candidates]
        for clause in query.clauses:
            for verdicts, verdict in zip(judged, self.judge(clause, query, candidates), strict=True):
                verdicts.append(verdict)
        whole = [_all(verdicts) if c.certain else None for c, verdicts in zip(candidates, judged, strict=True)]
        return list(zip(candidates, whole, strict=True))

    def answers(self, query: Query) -> tuple[list[PictureObject], list[PictureObject]]:
        """Returns the objects that a query certainly means, and those that it may mean."""
        verdicts = self.verdicts(query)
        return [c for c, verdict in verdicts if verdict], [c for c, verdict in verdicts if verdict is None]

    def find(self, query: Query) -> PictureObject | None:
        """Returns the single object that a query means; None if there is none, or if it is ambiguous."""
        if query not in self._found:
            sure, unsure = self.answers(query) if self.scene.unique else ([], [])
            self._found[query] = sure[0] if len(sure) == 1 and not unsure else None
        return self._found[query]


def _all(verdicts: Sequence[r.Verdict]) -> r.Verdict:
    return False if False in verdicts else None if None in verdicts else True
