"""Makes instructions in the style of REVERIE about a view: where to go, what to do, and with which item.

Each instruction contains its description as a query, which :class:`mdsm_ros.homes.speech.queries.Scene` can evaluate
again: it must mean exactly one visible item or, if the target is not in view, no item and nothing similar.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mdsm_ros.homes.home import Item, Room
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.homes.kinds.rooms import ROOMS
from mdsm_ros.homes.shapes.parts import COLORS
from mdsm_ros.homes.speech.describe import Describer
from mdsm_ros.homes.speech.grammar import article, in_plural, plural, with_pronoun
from mdsm_ros.homes.speech.groups import Group, Grouper
from mdsm_ros.homes.speech.phrases import Wording, is_plural
from mdsm_ros.homes.speech.queries import Query, Scene
from mdsm_ros.homes.views.seen import Seen
from mdsm_ros.homes.words import lexicon, rooms, sentences, verbs

NOT_IN_VIEW_SHARE = 0.16  # fraction of the attempts; some find no plausible absent item
TAIL_SHARE = 0.26
PER_TARGET = 2
AREA_MISS = 0.7  # largest difference of log areas: a target is at most twice as large or small as drawn
RIVAL_WEIGHT = 4.0  # weight of items with others of their category in view

AREA_QUANTILES = (
    (0.0, 0.03, 0.1, 0.23, 0.38, 0.55, 0.82, 1.0),
    (0.002, 0.002, 0.0025, 0.0222, 0.0686, 0.168, 0.4544, 0.75),
)
"""Shares of the image that are drawn for targets. The values are quantiles of REVERIE's boxes: 1, 5, 25, 50, 75 and
95 % (`mdsm-data stats --reverie`), the smallest raised to what can be recognised. Small and large ones are drawn more
often, since fewer views have them to offer."""


@dataclass(frozen=True)
class Sentence:
    """An instruction about a view.

    Attributes:
        text: The sentence.
        target: Index of the item in the room, or the first of several; None if it is not in view.
        query: Description of the target in the sentence.
        expressions: Number of referring expressions, including those about the room and the way.
        distractors: Number of other visible items of the target's category.
        by_looks: Whether category and colour alone identify the target.
        others: Further targets of a sentence about several objects.
        group: Description of all objects of such a sentence; None for a sentence about one object.
    """

    text: str
    target: int | None
    query: Query
    expressions: int
    distractors: int
    by_looks: bool
    others: tuple[int, ...] = ()
    group: Group | None = None

    @property
    def targets(self) -> tuple[int, ...]:
        """Indices of all targets; empty if the target is not in view."""
        return () if self.target is None else (self.target, *self.others)


class Speaker:
    """Makes sentences about one view.

    Args:
        room: The room.
        seen: All visible items, from :func:`mdsm_ros.homes.views.seen.look`.
        pixels: Number of pixels of the image.
        rng: Random generator that chooses the words.
    """

    def __init__(self, room: Room, seen: Sequence[Seen], pixels: int, rng: np.random.Generator) -> None:
        self.room, self.rng = room, rng
        self.scene = Scene(room, seen, pixels)
        self.words = Wording(self.scene, rng)
        self.describer = Describer(self.scene, rng)
        self.grouper = Grouper(self.scene, self.words, self.describer, rng)

    def sentences(
        self, count: int, not_in_view_share: float = NOT_IN_VIEW_SHARE, several: float = 0.0
    ) -> list[Sentence]:
        """Makes up to ``count`` sentences; the targets' areas follow REVERIE's, and some targets get two sentences.

        Args:
            count: Number of attempts.
            not_in_view_share: Fraction of the attempts about objects that are not in view.
            several: Fraction of the attempts about several objects; with 0, all other sentences are unchanged.
        """
        left = PER_TARGET * [s for s in self.scene.seen if s.target]
        result: list[Sentence] = []
        for _ in range(count):
            if several and self.rng.random() < several:
                sentence = self._about_several(absent=self.rng.random() < not_in_view_share)
                if sentence is not None and sentence.group not in {other.group for other in result}:
                    result.append(sentence)
                continue
            target = self._draw_target(left)
            if target is None:
                continue
            absent = self.rng.random() < not_in_view_share
            if not absent:  # the model for an absent target can still be a target itself
                left.remove(target)
            sentence = self._about_absent(target) if absent else self._about(target)
            if sentence is not None:
                result.append(sentence)
        return result

    def about(self, index: int) -> Sentence | None:
        """Makes a sentence about one item; None if it is not in view or nothing distinguishes it from others."""
        target = next((thing for thing in self.scene.seen if thing.index == index), None)
        return None if target is None else self._about(target)

    def _draw_target(self, things: Sequence[Seen]) -> Seen | None:
        """Draws an item with about the drawn area; None if there is none."""
        wanted = float(np.interp(self.rng.random(), *AREA_QUANTILES))
        miss = np.array([abs(np.log(thing.area / self.scene.pixels / wanted)) for thing in things])
        rivals = np.array([sum(other.kind == thing.kind for other in self.scene.seen) > 1 for thing in things])
        weights = (miss < AREA_MISS) * np.where(rivals, RIVAL_WEIGHT, 1.0)
        if not weights.any():
            return None
        return things[int(self.rng.choice(len(things), p=weights / weights.sum()))]

    def _about(self, target: Seen) -> Sentence | None:
        query = self.describer.describe(target)
        if query is None:
            return None
        item = self.room.items[target.index]
        by_looks = len(self.scene.candidates(Query(target.kind, target.color or None))) == 1
        text, more = self._text(item, self.words.phrase(query))
        rivals = sum(other.kind == target.kind for other in self.scene.seen) - 1
        return Sentence(text, target.index, query, query.expressions + more, rivals, by_looks)

    def _about_absent(self, model: Seen) -> Sentence | None:
        """Makes a sentence as about ``model``, but with a category or colour that is not in view."""
        query = self.describer.describe(model)
        if query is None:
            return None
        item = self.room.items[model.index]
        kinds = _exchangeable(item.kind, self.room)
        others = [replace(query, kind=kind, color=self._another(query.color, kind)) for kind in kinds]
        options = self._other_colors(query, item) if self.rng.random() < 0.5 else others
        options = [o for o in options or others if not self.scene.candidates(o)]
        if not options:
            return None
        query = options[int(self.rng.integers(len(options)))]
        item = replace(item, kind=query.kind)
        text, more = self._text(item, self.words.describe(query, item))
        return Sentence(text, None, query, query.expressions + more, 0, False)

    def _about_several(self, *, absent: bool) -> Sentence | None:
        drawn = self.grouper.draw()
        if drawn is None:
            return None
        group, things = drawn
        items = [self.room.items[thing.index] for thing in things]
        if absent:
            return self._about_several_absent(group, things, items[0])
        text, more = self._text(items[0], self.grouper.phrase(group, things), [item.kind for item in items])
        indices = [thing.index for thing in things]
        kinds = {thing.kind for thing in things}
        rivals = sum(other.kind in kinds and other.index not in indices for other in self.scene.seen)
        first, *others = indices
        return Sentence(
            text, first, group.queries[0], group.expressions + more, rivals, False, others=tuple(others), group=group
        )

    def _about_several_absent(self, group: Group, models: Sequence[Seen], item: Item) -> Sentence | None:
        """Makes a sentence as about the models, but with a category that is not in view."""
        query = group.queries[0]
        if group.sort != "all":
            return None
        kinds = [kind for kind in _exchangeable(item.kind, self.room) if self.grouper.plural_names(models, kind)]
        options = [replace(query, kind=kind, color=self._another(query.color, kind)) for kind in kinds]
        options = [option for option in options if not self.scene.candidates(option)]
        if not options:
            return None
        query = options[int(self.rng.integers(len(options)))]
        phrase = self.grouper.plural(query, models)
        text, more = self._text(replace(item, kind=query.kind), phrase, [query.kind])
        return Sentence(text, None, query, query.expressions + more, 0, False, group=Group("all", (query,)))

    def _other_colors(self, query: Query, item: Item) -> list[Query]:
        """Returns the query in every colour of the category; none if an item in view has no clear colour."""
        alike = self.scene.candidates(Query(query.kind))
        if not all(thing.color for thing in alike):
            return []
        return [replace(query, color=color) for color in _colors(item.kind, bool(item.model))]

    def _another(self, color: str | None, kind: str) -> str | None:
        """Draws another colour of the category, so that the items in view do not fit the rest of the description."""
        colors = [other for other in _colors(kind, self.room.look is not None) if other != color]
        return self.words.pick(colors) if color is not None and colors else None

    # -- the sentence around the description ---------------------------------------------------------------------------

    def _text(self, item: Item, phrase: str, kinds: Sequence[str] = ()) -> tuple[str, int]:
        """Returns a whole instruction about the item in ``phrase``, and its number of further referring expressions.

        ``kinds`` are the categories of the items if the phrase describes several; ``item`` is the first of these.
        """
        plural = bool(kinds) or is_plural(phrase)
        verb, tail = self._verb(item, kinds or (item.kind,))
        if kinds:
            verb, tail = in_plural(verb), in_plural(tail)
        room, more = self._place(item)
        act = verb.format(phrase)
        frame = self.rng.random()
        if frame < 0.42:
            text = f"{self._go(room)} and {act}"
        elif frame < 0.48:
            way, seen = self._way(item)
            text, more = f"{self._go(room)}, {way}and {act}", more + seen
        elif frame < 0.60:
            text = f"in {room}, {act}" if not room.startswith("upstairs") else f"{room}, {act}"
        elif frame < 0.70:
            text = f"{act} in {room}"
        elif frame < 0.80:
            text = f"{self.words.pick(sentences.OPENINGS)} {self._go(room)} and {act}"
        elif frame < 0.86:
            text = f"{self._go(room)}, find {phrase} and {with_pronoun(verb, 'them' if plural else 'it')}"
        elif frame < 0.92:
            text = f"{self._go(room)}. {act.capitalize()}"
        elif frame < 0.96 and not plural:
            return self._finish(f"{phrase} in {room} {self.words.pick(sentences.NEEDS)}"), more
        else:
            text = f"{self.words.pick(sentences.OPENINGS)} {act} in {room}"
        return self._finish(f"{text} {tail}" if tail else text), more

    def _finish(self, text: str) -> str:
        if self.rng.random() < 0.85:
            text = text[0].upper() + text[1:]
        return text + ("." if self.rng.random() < 0.3 else "")

    def _verb(self, item: Item, kinds: Collection[str]) -> tuple[str, str]:
        """Returns a verb for these categories, with a placeholder for its object, and a sentence end, often ""."""
        choices = [(verbs.CLEAN, sentences.CLEAN_TAILS), (verbs.APPROACH, sentences.TAILS)]
        weights = [0.6, 0.4]
        if all(map(_is_portable, kinds)):
            choices.append((verbs.FETCH, sentences.FETCH_TAILS))
            weights = [0.15, 0.1, 0.75]
        of_one_kind = len(set(kinds)) == 1
        if of_one_kind and item.kind in verbs.VERBS:
            choices.append((verbs.VERBS[item.kind], sentences.TAILS))
            weights.append(1.0)
        if of_one_kind and item.kind in verbs.LIBRARY_VERBS:
            choices, weights = [(verbs.LIBRARY_VERBS[item.kind], sentences.TAILS)], [1.0]
        sayings, tails = choices[int(self.rng.choice(len(choices), p=np.divide(weights, sum(weights))))]
        verb = self.words.pick(sayings)
        if self.rng.random() > TAIL_SHARE or (sayings is verbs.FETCH and "me " in verb):
            return verb, ""
        tail = self.words.pick(tails)
        others = sentences.PERSONS if tail.endswith("{person}") else sentences.PERSONS[1:]  # not "before me comes home"
        return verb, tail.format(person=self.words.pick(others), place=self.words.pick(sentences.DESTINATIONS))

    def _go(self, room: str) -> str:
        return f"{self.words.pick(sentences.GO)} {room}"

    def _place(self, item: Item) -> tuple[str, int]:
        """Returns a phrase for the room with a distinguishing feature, and its number of referring expressions."""
        text = f"the {self.words.pick(rooms.ROOM_NAMES.get(self.room.kind, (self.room.kind,)))}"
        if self.rng.random() < 0.25:
            text = f"{text} {self.words.pick(rooms.LEVELS)}"
        roll = self.rng.random()
        if roll < 0.15:
            return f"{text} {self.words.pick(rooms.PLACES)}", 0
        if roll < 0.32:
            fact = self._fact(item)
            if fact is not None:
                return f"{text} {fact}", 1
        if roll < 0.42:
            return f"{text} {self._surroundings()}".rstrip(), 0
        return text, 0

    def _surroundings(self) -> str:
        """Returns a description of walls or floor."""
        wall = self.words.pick(lexicon.COLOR_NAMES.get(self.room.wall, (self.room.wall,)))
        floor = self.room.floor_material if self.room.look is None else self.room.look.floor_said
        sayings = (*(rooms.WALLS if self.room.wall else ()), *rooms.FLOORS.get(floor, ()))
        return self.words.pick(sayings).format(wall=wall) if sayings else ""

    def _fact(self, item: Item) -> str | None:
        """Returns a phrase about another item in the room, in view or not."""
        alike = lexicon.PROCEDURAL_ALIKE if self.room.look is None else lexicon.ALIKE
        avoid = {item.kind, *alike.get(item.kind, ())}
        others = [other for other in self.room.items if other.kind not in avoid]
        if not others:
            return None
        other = others[int(self.rng.integers(len(others)))]
        number = sum(o.kind == other.kind for o in self.room.items)
        noun = self.words.noun(other, (other.color or None) if self.rng.random() < 0.6 else None, None)
        if is_plural(noun) or " with " in noun:
            return f"with the {noun}" if number == 1 else None
        if number == 1:
            return f"{self.words.pick(('with the', 'that has the', 'containing the', 'where the'))} {noun}".replace(
                "where the " + noun, f"where the {noun} is"
            )
        if other.color and other.color in noun.split():
            return f"with {article(noun)}"
        if number in sentences.NUMBERS and other.size not in noun.split() and " " not in noun:
            return f"with {self.words.pick(('the ', ''))}{sentences.NUMBERS[number]} {plural(noun)}"
        return f"that has {article(noun)}"

    def _way(self, item: Item) -> tuple[str, int]:
        """Returns a clause about an item on the way, with its comma, and its number of referring expressions."""
        marks = [query for seen, query in self.describer.landmarks if seen.kind != item.kind and not query.clauses]
        if not marks:
            return "", 0
        mark = self.words.phrase(marks[int(self.rng.integers(len(marks)))])
        return f"{self.words.pick(sentences.ROUTES).format(mark)} ", 1


def _is_portable(kind: str) -> bool:
    if kind in OBJECTS:
        return OBJECTS[kind].portable
    return kind in LIBRARY_KINDS and LIBRARY_KINDS[kind].portable


def _colors(kind: str, of_library: bool = False) -> tuple[str, ...]:
    """Returns the colour names of a category; none for items with a frame, where they would mean the frame."""
    if of_library and kind in lexicon.FRAMED:
        return ()
    if kind in OBJECTS:
        return OBJECTS[kind].colors
    if kind in FURNITURE:
        return FURNITURE[kind][1]
    return FIXTURES[kind].colors if kind in FIXTURES else tuple(COLORS)


def _exchangeable(kind: str, room: Room) -> list[str]:
    """Returns categories of such a room that could be at the same place."""
    if room.look is not None:
        places = room.look.kinds.get(kind, frozenset())
        return [other for other, of in room.look.kinds.items() if of & places]
    if kind in OBJECTS:
        return [other for other in ROOMS[room.kind].objects if OBJECTS[other].places & OBJECTS[kind].places]
    return list(dict.fromkeys(ROOMS[room.kind].furniture if kind in FURNITURE else ROOMS[room.kind].fixtures))
