"""Makes sentences in the style of REVERIE about an image: what to do, and with which object.

Each sentence contains its description as a query, which :class:`training.photos.speech.queries.Judge` can evaluate
again: it means exactly one object or, if the target is not in the image, no object and nothing similar.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mdsm_ros.homes.speech.groups import Group
from mdsm_ros.homes.speech.queries import Query
from mdsm_ros.homes.words import rooms as home_rooms
from mdsm_ros.homes.words import sentences as home_sentences
from training.photos.speech.absent import AbsentDescriber
from training.photos.speech.describe import Describer
from training.photos.speech.queries import Judge
from training.photos.speech.scene import PictureObject, PictureScene
from training.photos.speech.wording import Wording
from training.photos.speech.words import verbs as v
from training.photos.speech.words.kinds import fits, is_plural
from training.photos.speech.words.rooms import ROOMS, room_of
from training.photos.speech.words.strangers import STRANGERS

ABSENT_SHARE = 0.2  # fraction of the sentences, if absence can be proved
BARE_SHARE = 0.14  # fraction of phrases without a verb
ASK_SHARE = 0.08
ROOM_SHARE = 0.6  # fraction of sentences that name the room, if it is clear
TAIL_SHARE = 0.2
ROUTE_SHARE = 0.08
HYPERNYM_SHARE = 0.08
PER_TARGET = 4  # largest number of sentences about one object
RIVAL_WEIGHT = 2.5  # weight of objects with others of their category in the image
ATTEMPTS = 3  # attempts for each sentence


@dataclass(frozen=True)
class Sentence:
    """A sentence about an image.

    Attributes:
        text: The sentence.
        target: Index of the object in the scene; None if the target is not in the image.
        query: Description of the target in the sentence.
        expressions: Number of referring expressions.
        distractors: Number of other objects with the target's name.
        others: Indices of further targets of a sentence about several objects.
        group: Description of all objects of such a sentence; None for a sentence about one object.
    """

    text: str
    target: int | None
    query: Query
    expressions: int
    distractors: int
    others: tuple[int, ...] = ()
    group: Group | None = None

    @property
    def targets(self) -> tuple[int, ...]:
        """Indices of all targets; empty if the target is not in the image."""
        return () if self.target is None else (self.target, *self.others)


class Speaker:
    """Makes sentences about one image.

    Args:
        scene: Scene of the image.
        rng: Random generator that chooses objects and words.
        rooms: Whether sentences may name a room if the objects indicate one.
    """

    def __init__(self, scene: PictureScene, rng: np.random.Generator, *, rooms: bool = True) -> None:
        self.scene, self.rng = scene, rng
        self.judge = Judge(scene)
        self.describer = Describer(self.judge, rng)
        self.absent = AbsentDescriber(self.judge, self.describer, rng)
        self.words = Wording(rng, scene.broad)
        self.room = room_of(thing.kind for thing in scene.objects) if rooms else None

    def sentences(self, count: int, absent_share: float = ABSENT_SHARE) -> list[Sentence]:
        """Makes up to ``count`` different sentences; a fraction ``absent_share`` of them is about absent objects."""
        found: dict[str, Sentence] = {}
        asked: Counter[int] = Counter()
        said: Counter[Query] = Counter()
        room = int(np.ceil(1.25 * absent_share * count))  # largest number of absent targets
        for _ in range(count * ATTEMPTS):
            if len(found) == count:
                break
            absent = room > 0 and self.rng.random() < absent_share
            sentence = self._about_absent() if absent else self._about_any(asked)
            if sentence is None or sentence.text.lower().rstrip(".") in found or said[sentence.query] > 1:
                continue
            found[sentence.text.lower().rstrip(".")] = sentence
            said[sentence.query] += 1
            if sentence.target is not None:
                asked[sentence.target] += 1
            else:
                room -= 1
        return self._trimmed(list(found.values()), absent_share)

    def _trimmed(self, sentences: list[Sentence], absent_share: float) -> list[Sentence]:
        """Drops the last sentences about absent objects if there are few about present ones."""
        present = sum(sentence.target is not None for sentence in sentences)
        room = max(1, round(present * absent_share / (1 - absent_share))) if absent_share < 1 else len(sentences)
        kept = []
        for sentence in sentences:
            room -= sentence.target is None
            if sentence.target is not None or room >= 0:
                kept.append(sentence)
        return kept

    def _about_any(self, asked: Counter[int]) -> Sentence | None:
        targets = [thing for thing in self.describer.targets() if asked[thing.index] < PER_TARGET]
        if not targets:
            return None
        kinds = Counter(thing.kind for thing in self.scene.objects)
        weights = np.array([RIVAL_WEIGHT if kinds[thing.kind] > 1 else 1.0 for thing in targets])
        return self.about(targets[int(self.rng.choice(len(targets), p=weights / weights.sum()))])

    def about(self, target: PictureObject) -> Sentence | None:
        """Makes a sentence that clearly means only one object; None if none was found."""
        general = self.describer.hypernyms(target) if self.rng.random() < HYPERNYM_SHARE else []
        query = general[int(self.rng.integers(len(general)))] if general else self.describer.describe(target)
        if query is None:
            return None
        text, more = self._text(query, absent=False)
        others = sum(fits(query.kind, o.kind) is True for o in self.scene.objects if o.index != target.index)
        return Sentence(text, target.index, query, query.expressions + more, others)

    def _about_absent(self) -> Sentence | None:
        query = self.absent.describe()
        if query is None:
            return None
        text, more = self._text(query, absent=True)
        return Sentence(text, None, query, query.expressions + more, 0)

    # -- the sentence around the description ---------------------------------------------------------------------------

    def _text(self, query: Query, *, absent: bool) -> tuple[str, int]:
        """Returns a whole sentence with the query's phrase, and its number of further referring expressions."""
        number = len(self.judge.candidates(Query(query.kind)))
        phrase = self.words.phrase(query, absent=absent and number == 0, several=number > 1)
        roll = self.rng.random()
        if roll < BARE_SHARE:
            return self.finish(phrase if self.rng.random() < 0.7 else phrase.removeprefix("the ")), 0
        if roll < BARE_SHARE + ASK_SHARE:
            ask = self.words.pick(v.ASK)
            text = ask.format(phrase)
            return self._capital(text) + ("?" if ask.split()[0] in ("where", "can", "do", "which") else ""), 0
        verbs = (*v.LOOK, *v.FETCH) if query.kind in STRANGERS else v.VERBS.get(query.kind, v.LOOK)
        verb = self.words.pick(verbs)
        if self.room is not None and self.rng.random() < ROOM_SHARE:
            return self.finish(self._with_room(phrase, verb, query.kind)), 0
        route, more = self._route(query)
        return self.finish(self._without_room(phrase, verb, query.kind, route)), more

    def _with_room(self, phrase: str, verb: str, kind: str) -> str:
        assert self.room is not None
        room = f"the {self.words.pick(ROOMS[self.room])}"
        if self.rng.random() < 0.12:
            room = f"{room} {self.words.pick((*home_rooms.LEVELS[:6], *home_rooms.PLACES))}"
        act = verb.format(phrase) + self._tail(verb, phrase)
        go = f"{self.words.pick(home_sentences.GO)} {room}"
        frame = self.rng.random()
        if frame < 0.5:
            return f"{go} and {act}"
        if frame < 0.6:
            return f"in {room}, {act}"
        if frame < 0.7:
            return f"{self.words.pick(home_sentences.OPENINGS)} {go} and {act}"
        if frame < 0.78:
            return f"{go}. {self._capital(act)}"
        if frame < 0.84 and kind in v.CLEANABLE:
            return f"{phrase} in {room} {self.words.pick(home_sentences.NEEDS)}"
        if frame < 0.92:
            return f"{go}, find {phrase} and {self._again(verb, phrase, kind)}"
        return f"{verb.format(phrase)} in {room}"

    def _without_room(self, phrase: str, verb: str, kind: str, route: str) -> str:
        act = verb.format(phrase) + self._tail(verb, phrase)
        if route:
            return f"{route} and {act}"
        frame = self.rng.random()
        if frame < 0.55:
            return act
        if frame < 0.75:
            return f"{self.words.pick(home_sentences.OPENINGS)} {act}"
        if frame < 0.83:
            return f"find {phrase} and {self._again(verb, phrase, kind)}"
        if frame < 0.9 and kind in v.CLEANABLE and not is_plural(phrase):
            return f"{phrase} {self.words.pick(home_sentences.NEEDS)}"
        if frame < 0.95:
            return f"go over there and {act}"
        return f"{phrase} is the one I mean, {self._again(verb, phrase, kind)}"

    def _again(self, verb: str, phrase: str, kind: str) -> str:
        """Returns the verb with a pronoun, or another verb if it was "find" already or a pronoun does not fit."""
        if verb.startswith(("find", "look for", "locate")) or " of {}" in verb:
            verb = "look at {}"
        return pronoun_form(verb, "them" if is_plural(phrase) or kind == "person" else "it")

    def _tail(self, verb: str, phrase: str) -> str:
        if self.rng.random() > TAIL_SHARE or is_plural(phrase):
            return ""
        if verb in v.CLEANING:
            tail = self.words.pick(home_sentences.CLEAN_TAILS)
        elif verb in v.FETCHING and "me " not in verb:
            tail = self.words.pick(home_sentences.FETCH_TAILS)
        else:
            tail = self.words.pick(v.TAILS)
        person, place = self.words.pick(home_sentences.PERSONS), self.words.pick(home_sentences.DESTINATIONS)
        return f" {tail.format(person=person, place=place)}"

    def _route(self, query: Query) -> tuple[str, int]:
        """Returns a clause about the way, often "", and its number of referring expressions."""
        marks = [mark for _, mark in self.describer.landmarks if fits(query.kind, mark.kind) is False]
        named = {mark for clause in query.clauses for mark in clause.marks}
        marks = [mark for mark in marks if mark not in named]
        if not marks or self.rng.random() > ROUTE_SHARE:
            return "", 0
        mark = marks[int(self.rng.integers(len(marks)))]
        return self.words.pick(home_sentences.ROUTES).format(self.words.phrase(mark)), 1

    def finish(self, text: str) -> str:
        """Adds a capital and a full stop to a sentence, or not, as people write."""
        text = self._capital(text) if self.rng.random() < 0.85 else text
        return text + ("." if self.rng.random() < 0.3 else "")

    @staticmethod
    def _capital(text: str) -> str:
        return text[0].upper() + text[1:]


def pronoun_form(verb: str, pronoun: str) -> str:
    """Adds a pronoun to a verb: "wipe it off", not "wipe off it"; "bring it to me", not "bring me it"."""
    words = verb.split()
    if words[-1] == "{}" and len(words) == 3:
        if words[1] in {"off", "down", "up", "out", "on", "in", "away", "back", "aside"} and words[0] not in _ON:
            return f"{words[0]} {pronoun} {words[1]}"
        if words[1] == "me":
            return f"{words[0]} {pronoun} to me"
    return verb.format(pronoun)


_ON = frozenset({"sit", "rest", "check", "type", "wait", "walk", "lie"})
"""Verbs whose preposition stays before the pronoun."""
