"""Sentences about several objects of an image: "both dogs", "all the cups", "the cup and the plate".

"All the cups" is used only for images in which every object of the category is labelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mdsm_ros.homes.speech.grammar import plural_name
from mdsm_ros.homes.speech.groups import SINGULAR_QUANTIFIERS, SINGULAR_SHARE, Group, quantified
from mdsm_ros.homes.words import sentences as home_sentences
from training.photos.speech.queries import Judge
from training.photos.speech.scene import PictureObject
from training.photos.speech.speaker import BARE_SHARE, ROOM_SHARE, Sentence, Speaker, pronoun_form
from training.photos.speech.words import verbs as v
from training.photos.speech.words.kinds import fits
from training.photos.speech.words.rooms import ROOMS

ALL_SHARE = 0.7  # fraction of the sentences, if both sorts are possible
MOST = 8  # objects in a group
TRIES = 6  # pairs to try


def members(judge: Judge, group: Group) -> list[PictureObject]:
    """Returns the objects of a group in an image; none if they are ambiguous."""
    if group.sort == "all":
        sure, unsure = judge.answers(group.queries[0])
        return [] if unsure or group.queries[0].kind not in judge.scene.exhaustive else sure
    found = [judge.find(query) for query in group.queries]
    clear = [thing for thing in found if thing is not None]
    return clear if len(clear) == len(found) else []


class SeveralSpeaker:
    """Makes sentences about several objects of one image.

    Args:
        speaker: Speaker for single objects of the image.
        rng: Random generator that chooses objects and words.
    """

    def __init__(self, speaker: Speaker, rng: np.random.Generator) -> None:
        self.speaker, self.rng = speaker, rng
        self.scene, self.judge, self.words = speaker.scene, speaker.judge, speaker.words

    def sentences(self, count: int) -> list[Sentence]:
        """Makes up to ``count`` sentences, each about different objects."""
        plurals, pairs = (list(self._usable(groups)) for groups in (self._plurals(), self._pairs()))
        found: list[Sentence] = []
        while len(found) < count and (plurals or pairs):
            options = plurals if plurals and (not pairs or self.rng.random() < ALL_SHARE) else pairs
            group, things = options.pop(int(self.rng.integers(len(options))))
            found.append(self._sentence(group, things))
        return found

    def _usable(self, groups: Iterator[Group]) -> Iterator[tuple[Group, list[PictureObject]]]:
        """Yields the groups of several valid targets, with these objects."""
        for group in dict.fromkeys(groups):
            things = members(self.judge, group)
            if 2 <= len(things) <= MOST and all(map(self.scene.is_target, things)):
                yield group, things

    def _plurals(self) -> Iterator[Group]:
        for thing in self.speaker.describer.targets():
            if self._plural_names(thing.kind):
                yield from (Group("all", (query,)) for query in self.speaker.describer.nouns(thing))

    def _pairs(self) -> Iterator[Group]:
        """Yields pairs, and sometimes triples, of objects that nouns alone distinguish."""
        describer = self.speaker.describer
        clear = [query for t in describer.targets() for query in describer.nouns(t)[:1] if self.judge.find(query) is t]
        for _ in range(TRIES):
            number = 3 if self.rng.random() < 0.2 else 2
            if len(clear) >= number:
                chosen = self.rng.choice(len(clear), size=number, replace=False)
                yield Group("each", tuple(clear[int(i)] for i in sorted(chosen)))

    def _sentence(self, group: Group, things: Sequence[PictureObject]) -> Sentence:
        first, *others = [thing.index for thing in things]
        text = self._text(self._phrase(group, len(things)), {thing.kind for thing in things})
        rivals = sum(
            fits(query.kind, o.kind) is True and o not in things for query in group.queries for o in self.scene.objects
        )
        return Sentence(text, first, group.queries[0], group.expressions, rivals, tuple(others), group)

    # -- words ---------------------------------------------------------------------------------------------------------

    def _phrase(self, group: Group, number: int) -> str:
        if group.sort == "each":
            *first, last = (self.words.phrase(query, several=False) for query in group.queries)
            return f"{', '.join(first)} and {last}"
        (query,) = group.queries
        name, looks = self.words.pick(self._plural_names(query.kind)), query.color or ""
        if self.rng.random() < SINGULAR_SHARE:
            return " ".join(self.words.pick(SINGULAR_QUANTIFIERS).format(f"{looks} {name}").split())
        return quantified(f"{looks} {plural_name(name)}".strip(), number, self.words.pick)

    def _plural_names(self, kind: str) -> list[str]:
        return [name for name in self.words.nouns(kind) if plural_name(name)]

    def _text(self, phrase: str, kinds: set[str]) -> str:
        if self.rng.random() < BARE_SHARE:
            return self.speaker.finish(phrase)
        verb = self.words.pick(v.VERBS.get(next(iter(kinds)), v.LOOK) if len(kinds) == 1 else v.LOOK)
        if verb.startswith(("find", "look for", "locate")) or " of {}" in verb:
            verb = "look at {}"
        act, room = verb.format(phrase), self.speaker.room
        frame = self.rng.random()
        if room is not None and self.rng.random() < ROOM_SHARE:
            name = f"the {self.words.pick(ROOMS[room])}"
            go = f"{self.words.pick(home_sentences.GO)} {name}"
            return self.speaker.finish(f"{go} and {act}" if frame < 0.6 else f"in {name}, {act}")
        if frame < 0.2:
            act = f"{self.words.pick(home_sentences.OPENINGS)} {act}"
        elif frame < 0.35:
            act = f"find {phrase} and {pronoun_form(verb, 'them')}"
        return self.speaker.finish(act)
