"""Descriptions of absent objects, if the annotation proves their absence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mdsm_ros.homes.speech.queries import Clause, Query
from training.photos.speech.colors import SAID, colors_of
from training.photos.speech.describe import Describer
from training.photos.speech.queries import MARKS, Judge
from training.photos.speech.relations import RESTING, SUPPORTS
from training.photos.speech.words.kinds import fits
from training.photos.speech.words.strangers import STRANGERS

SETTINGS: tuple[frozenset[str], ...] = (
    frozenset(["chair", "couch", "tv", "remote", "book", "clock", "vase", "cat", "dog", "laptop"])
    | {"potted plant", "dining table"},
    frozenset(
        [
            "oven",
            "microwave",
            "refrigerator",
            "toaster",
            "sink",
            "bowl",
            "cup",
            "bottle",
            "knife",
            "spoon",
            "fork",
            "chair",
        ]
    ),
    frozenset(["chair", "cup", "bottle", "bowl", "fork", "knife", "spoon", "pizza", "cake", "vase"])
    | {"dining table", "wine glass"},
    frozenset(["toilet", "sink", "toothbrush", "bottle", "cup", "clock"]) | {"hair drier", "potted plant"},
    frozenset(["bed", "chair", "book", "clock", "laptop", "couch", "tv", "cat", "dog"])
    | {"teddy bear", "potted plant"},
    frozenset(["laptop", "keyboard", "mouse", "tv", "chair", "book", "cup", "bottle", "clock"]) | {"cell phone"},
    frozenset(["car", "bus", "truck", "bicycle", "motorcycle", "person", "bench", "backpack", "dog"])
    | {"traffic light", "fire hydrant"},
    frozenset(["sheep", "cow", "horse", "dog", "bird", "person"]),
    frozenset(["person", "dog", "frisbee", "bicycle", "skateboard", "kite", "bench"]) | {"sports ball"},
    frozenset(["boat", "person", "airplane", "train", "bus"]),
)
"""Kinds that often stand together."""

CLUTTER = frozenset(["book", "bottle", "cup", "person", "chair", "bird"]) | {"cell phone", "handbag", "sports ball"}
"""Kinds that annotators overlook in the background: they are said to be absent only where few objects are labelled."""
CLUTTERED = 8
OVERLOOKED = frozenset({"chair", "potted plant"})
"""Kinds that annotators overlook everywhere: they are never said to be absent."""
PET_FURNITURE = frozenset({"bed", "bench", "couch", "dining table"})
"""Kinds on which pets lie, so that close pictures of them show a part that nobody labels."""
PETS = frozenset({"cat", "dog"})

KIND_SHARE = 0.6  # fraction of absent categories, against hard negatives of present categories
STRANGER_SHARE = 0.15  # fraction of absent objects that are in no photograph
CLAUSE_SHARE = 0.5  # fraction of absent categories that get a position
PLACES = ("left", "right", "center", "on", "next to", "left of", "right of", "in front of")
HARD_PLACES = frozenset({"on", "next to", "left of", "right of"})
"""What is said of kinds that are there. Not the sides of the picture: a listener would take the one that is there. Not
"in front of": that is also said of what is before an animal's face."""


class AbsentDescriber:
    """Finds queries for objects that are not in an image.

    Args:
        judge: Judge of the image.
        describer: Describer of the same image.
        rng: Random generator.
    """

    def __init__(self, judge: Judge, describer: Describer, rng: np.random.Generator) -> None:
        self.judge, self.scene, self.describer, self.rng = judge, judge.scene, describer, rng
        self.missing = self._missing_kinds()

    def _missing_kinds(self) -> list[str]:
        """Returns exhaustively labelled categories that no object in the image could have."""
        present = {thing.kind for thing in self.scene.objects}
        known = self.scene.exhaustive - OVERLOOKED - (PET_FURNITURE if present & PETS else frozenset())
        missing = [k for k in sorted(known) if all(fits(k, p, absent=True) is False for p in present)]
        if len(self.scene.objects) > CLUTTERED:
            missing = [kind for kind in missing if kind not in CLUTTER]
        return missing

    def describe(self) -> Query | None:
        """Returns a query that fits no object in the image; None if that cannot be proved."""
        if not self.scene.unique:
            return None
        if self.rng.random() < STRANGER_SHARE:
            return Query(STRANGERS[int(self.rng.integers(len(STRANGERS)))])
        if not self.scene.exhaustive:
            return None
        hard = self.rng.random() > KIND_SHARE
        query = (self._hard() or self._missing()) if hard else self._missing()
        return query if query is not None and self.is_absent(query) else None

    def is_absent(self, query: Query) -> bool:
        """Whether a query certainly fits no object in the image."""
        if query.kind not in self.scene.exhaustive - OVERLOOKED:
            return False
        alike = [o for o in self.scene.objects if fits(query.kind, o.kind, absent=True) is not False]
        if any(not o.certain for o in alike):
            return False
        if any(fits(query.kind, o.kind, absent=True) is None for o in alike):
            return False
        return all(verdict is False for _, verdict in self.judge.verdicts(query))

    def _missing(self) -> Query | None:
        """Draws an absent category, preferably one that often appears with the present ones."""
        if not self.missing:
            return None
        present = {thing.kind for thing in self.scene.objects}
        weights = np.array([0.3 + 4.0 * sum(k in s and bool(s & present) for s in SETTINGS) for k in self.missing])
        kind = self.missing[int(self.rng.choice(len(self.missing), p=weights / weights.sum()))]
        color = None
        colors = sorted(colors_of(kind))
        if colors and self.rng.random() < 0.3:
            color = colors[int(self.rng.integers(len(colors)))]
        query = Query(kind, color)
        return replace(query, clauses=self._some_clause(kind)) if self.rng.random() < CLAUSE_SHARE else query

    def _some_clause(self, kind: str) -> tuple[Clause, ...]:
        statement = PLACES[int(self.rng.integers(len(PLACES)))]
        marks = [query for _, query in self.describer.landmarks]
        if statement == "on":
            marks = [query for query in marks if query.kind in SUPPORTS and kind in RESTING]
        if len(marks) < MARKS[statement]:
            return ()
        chosen = self.rng.permutation(len(marks))[: MARKS[statement]]
        return (Clause(statement, tuple(marks[i] for i in chosen)),)

    def _hard(self) -> Query | None:
        """Draws a present category with a colour or position that no object has."""
        present = sorted({o.kind for o in self.scene.objects if o.kind in self.scene.exhaustive})
        options: list[Query] = []
        for kind in present:
            options += [Query(kind, color) for color in sorted(colors_of(kind) & SAID)]
            own = {o.index for o in self.scene.objects if fits(kind, o.kind) is not False}
            options += [Query(kind, clauses=(c,)) for c in self.describer.clauses(own) if c.statement in HARD_PLACES]
        options = [options[i] for i in self.rng.permutation(len(options))]
        return next((query for query in options if self.is_absent(query)), None)
