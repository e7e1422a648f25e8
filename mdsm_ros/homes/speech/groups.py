"""Descriptions of several items in a view: "all the cups on the table", "the cup and the plate", "everything on it".

As for a single item, a description has a logical form, so that :func:`members` can evaluate it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mdsm_ros.homes.speech.describe import Describer
from mdsm_ros.homes.speech.grammar import plural_name
from mdsm_ros.homes.speech.phrases import Wording
from mdsm_ros.homes.speech.queries import Clause, Query, Scene
from mdsm_ros.homes.views.seen import Seen
from mdsm_ros.homes.words import lexicon
from mdsm_ros.homes.words.sentences import NUMBERS
from mdsm_ros.language.referring.words import CLAUSES
from mdsm_ros.language.several import asks_for_several

Sort = Literal["all", "each", "on"]
SORT_WEIGHTS: dict[Sort, float] = {"all": 0.65, "each": 0.15, "on": 0.2}
MOST = 8  # largest number of members of a group
CLAUSE_WEIGHTS = (1.0, 0.6, 3.0)  # noun alone; with a redundant clause; with a necessary clause
MAX_MARKS = 7  # landmarks tried
STATEMENTS = ("on", "under", "on wall", "on floor", "left of", "right of", "next to", "in front of", "behind")

QUANTIFIERS: dict[int, tuple[str, ...]] = {
    2: ("both {}", "both the {}", "both of the {}", "the two {}", "all the {}", "the {}", "the {}"),
    **dict.fromkeys(
        (3, 4, 5),
        ("all the {}", "all the {}", "all of the {}", "all {number} {}", "the {number} {}", "the {}", "the {}"),
    ),
}
MANY = ("all the {}", "all the {}", "all of the {}", "all {}", "the {}")
SINGULAR_QUANTIFIERS = ("every {}", "each {}", "every single {}")
SINGULAR_SHARE = 0.15
EVERYTHING = (
    "everything",
    "everything that is",
    "all the things",
    "all the objects",
    "all objects",
    "everything lying",
)


@dataclass(frozen=True)
class Group:
    """A group of items.

    Attributes:
        sort: "all" items that the query means; "each": the single item of each query; all items "on" the item that the
            query means.
        queries: One query; two or more for "each".
    """

    sort: Sort
    queries: tuple[Query, ...]

    @property
    def expressions(self) -> int:
        """Number of referring expressions."""
        return sum(query.expressions for query in self.queries) + (self.sort == "on")


def quantified(noun: str, number: int, pick: Callable[[Sequence[str]], str]) -> str:
    """Adds a quantifier to a plural noun; never "the towels", which may mean one pile.

    Args:
        noun: Noun in the plural.
        number: Number of items.
        pick: Function that chooses among several forms.
    """
    ways = QUANTIFIERS.get(number, MANY)
    clear = ways if asks_for_several(f"get the {noun}") else [way for way in ways if way != "the {}"]
    return pick(clear).format(noun, number=NUMBERS.get(number))


def members(scene: Scene, group: Group) -> list[Seen]:
    """Returns the items of a group in a scene; none if they are ambiguous."""
    if group.sort == "all":
        return scene.find_all(group.queries[0])
    found = [scene.find(query) for query in group.queries]
    clear = [thing for thing in found if thing is not None]
    if len(clear) < len(found):
        return []
    return clear if group.sort == "each" else [thing for thing in scene.seen if _lies_on(scene, thing, clear[0])]


def _lies_on(scene: Scene, thing: Seen, holder: Seen) -> bool:
    """Whether an item lies on another, directly or indirectly: a vase on a book on the table."""
    support = scene.room.items[thing.index].support
    while support is not None and support != holder.index:
        support = scene.room.items[support].support
    return support is not None


class Grouper:
    """Finds groups in a scene, and words for them.

    Args:
        scene: Visible objects.
        words: Words for the noun phrases.
        describer: Describer with the landmarks.
        rng: Random generator of the choices.
    """

    def __init__(self, scene: Scene, words: Wording, describer: Describer, rng: np.random.Generator) -> None:
        self.scene, self.words, self.describer, self.rng = scene, words, describer, rng

    def draw(self) -> tuple[Group, list[Seen]] | None:
        """Draws a group of two or more clearly visible items, and returns both; None if the drawn sort has none.

        No other sort is tried then: nearly every view has two items for "each", but few have two of a category.
        """
        sorts: dict[Sort, Callable[[], Iterator[tuple[Group, float]]]]
        sorts = {"all": self._plurals, "each": self._pairs, "on": self._holders}
        position = self.rng.choice(len(SORT_WEIGHTS), p=list(SORT_WEIGHTS.values()))
        return self._pick(sorts[list(SORT_WEIGHTS)[int(position)]]())

    def _pick(self, groups: Iterable[tuple[Group, float]]) -> tuple[Group, list[Seen]] | None:
        options = [(group, things, weight) for group, weight in groups if (things := self._usable(group))]
        if not options:
            return None
        weights = np.array([weight for *_, weight in options])
        group, things, _ = options[int(self.rng.choice(len(options), p=weights / weights.sum()))]
        return group, things

    def _usable(self, group: Group) -> list[Seen]:
        """Returns the members, if there are several and all are valid targets."""
        found = members(self.scene, group)
        return found if 2 <= len(found) <= MOST and all(thing.target for thing in found) else []

    # -- the sorts -----------------------------------------------------------------------------------------------------

    def _plurals(self) -> Iterator[tuple[Group, float]]:
        looks = {(t.kind, c) for t in self.scene.seen if t.target for c in (None, t.color or None)}
        nouns = [Query(kind, color) for kind, color in sorted(looks, key=str) if not (color and kind in lexicon.FRAMED)]
        for noun in nouns:
            candidates = self.scene.candidates(noun)
            if len(candidates) >= 2 and self.plural_names(candidates, noun.kind):
                yield Group("all", (noun,)), CLAUSE_WEIGHTS[0]
                for clause in self._clauses(candidates):
                    verdicts = self.scene.judge(clause, candidates)
                    yield (
                        Group("all", (replace(noun, clauses=(clause,)),)),
                        CLAUSE_WEIGHTS[2 if False in verdicts else 1],
                    )

    def _clauses(self, candidates: Sequence[Seen]) -> Iterator[Clause]:
        alike = {thing.index for thing in candidates}
        marks = [(mark, query) for mark, query in self.describer.landmarks if mark.index not in alike]
        chosen = [marks[i][1] for i in self.rng.permutation(len(marks))[:MAX_MARKS]]
        for statement in STATEMENTS:
            if statement in ("on wall", "on floor"):
                yield Clause(statement)
            else:
                yield from (Clause(statement, (mark,)) for mark in chosen if not mark.clauses)

    def _pairs(self) -> Iterator[tuple[Group, float]]:
        """Yields pairs, and sometimes triples, of items that nouns alone distinguish."""
        clear = [q for t in self.scene.seen if t.target for q in self._clear_noun(t)]
        for _ in range(MAX_MARKS):
            number = 3 if self.rng.random() < 0.2 else 2
            if len(clear) >= number:
                chosen = self.rng.choice(len(clear), size=number, replace=False)
                yield Group("each", tuple(clear[int(i)] for i in chosen)), 1.0

    def _clear_noun(self, thing: Seen) -> list[Query]:
        options = [Query(thing.kind, color) for color in dict.fromkeys((None, thing.color or None))]
        clear = [q for q in options if self.scene.find(q) is thing and not (q.color and q.kind in lexicon.FRAMED)]
        return clear and [clear[int(self.rng.integers(len(clear)))]]

    def _holders(self) -> Iterator[tuple[Group, float]]:
        yield from ((Group("on", (query,)), 1.0) for _, query in self.describer.landmarks if not query.clauses)

    # -- words ---------------------------------------------------------------------------------------------------------

    def phrase(self, group: Group, things: Sequence[Seen]) -> str:
        """Returns a noun phrase for a group of these items."""
        if group.sort == "on":
            return f"{self.words.pick(EVERYTHING)} on {self.words.phrase(group.queries[0])}"
        if group.sort == "each":
            *first, last = map(self.words.phrase, group.queries)
            return f"{', '.join(first)} and {last}"
        return self.plural(group.queries[0], things)

    def plural(self, query: Query, things: Sequence[Seen]) -> str:
        """Returns a plural noun phrase for a query about these items."""
        names = self.plural_names(things, query.kind)
        name = names[0] if self.rng.random() < 0.45 else self.words.pick(names)
        looks = []
        if query.color is not None:
            looks.append(self.words.pick(lexicon.COLOR_NAMES.get(query.color, (query.color,))))
        if self.rng.random() < SINGULAR_SHARE:
            noun = self.words.pick(SINGULAR_QUANTIFIERS).format(" ".join([*looks, name]))
        else:
            noun = quantified(" ".join([*looks, plural_name(name) or name]), len(things), self.words.pick)
        after = [self._clause(clause) for clause in query.clauses]
        return " ".join([noun, *after])

    def plural_names(self, things: Sequence[Seen], kind: str) -> list[str]:
        """Returns the names of a category that have a plural, for procedural items or models, as given."""
        models = {bool(self.scene.room.items[thing.index].model) for thing in things}
        shared = [lexicon.spoken_names(kind, model) for model in sorted(models)]
        return [name for name in shared[0] if plural_name(name) and all(name in names for names in shared)]

    def _clause(self, clause: Clause) -> str:
        said = self.words.pick([text for text in CLAUSES[clause.statement] if not text.startswith("that ")])
        return said.format(*map(self.words.phrase, clause.marks))
