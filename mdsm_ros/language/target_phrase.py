"""The target of a long instruction as a noun phrase, for models that expect phrases: CLIPSeg, Grounding DINO, SAM 3.

"Go to the living room and get the pillow nearest to the radio" is about "the pillow nearest to the radio". A shallow
parser by function words and verbs (:mod:`mdsm_ros.language.target_words`): no model, no download, no state, linear
time. Libraries that parse English need weights that are not in their packages.

1. Orders are found: verbs at the start of an order, and other phrases that name an object ("there is a", "the lamp ...
should"). 2. Each order's object is read as a noun phrase; a pronoun stands for an earlier object.
3. The last object of the most telling orders is the target: what is handled before what is looked for, what is merely
   mentioned, and where the robot goes.
4. What follows the noun is kept as far as it describes the target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from mdsm_ros.language import target_words as w
from mdsm_ros.language.target_noun import Noun, Words

TOKEN = re.compile(r"\w+(?:['’-]\w+)*|[.,;:!?()]")


@dataclass(frozen=True)
class TargetPhrase:
    """The target of an instruction, in lower case with single spaces.

    Attributes:
        phrase: Noun phrase with the words that distinguish the target: "the white pillow nearest to the radio".
        short: Noun with the words before it, without an article: "white pillow".
        head: Noun alone, for a compound its last word: "pillow".
    """

    phrase: str
    short: str
    head: str


def find_target(instruction: str) -> TargetPhrase:
    """Extracts the target's noun phrase from an English instruction.

    Never fails: if no noun is recognised (another script, pronouns alone, an empty text), ``phrase`` and ``short``
    are the whole text without outer white space, and ``head`` is its last word, or the whole text if it has no words.
    Other languages in Latin letters are treated as a noun phrase. Takes a few microseconds per word.

    Args:
        instruction: One or more sentences of any length.
    """
    words = Words(list(tokens(instruction)))
    noun = Orders(words).target()
    if noun is None:
        text = instruction.strip()
        return TargetPhrase(text, text, next((t for t in reversed(words.words) if t not in w.BREAKS), text))
    return phrase_of(words, noun, words.description_end(noun))


def phrase_of(words: Words, noun: Noun, end: int) -> TargetPhrase:
    """A noun phrase in words, with its description up to ``end``."""

    def text_of(start: int, end: int) -> str:
        return " ".join(t for t in words.words[start:end] if t not in w.BREAKS)

    return TargetPhrase(text_of(noun.start, end), text_of(noun.bare, noun.head + 1), words.at(noun.head))


def tokens(text: str) -> Iterator[str]:
    """Lower-case words and punctuation; a capital within a sentence that begins an order ends the sentence before."""
    previous = "."
    for match in TOKEN.finditer(text):
        word = match.group().replace("’", "'")
        lower = word.lower()
        if word.istitle() and lower in w.ORDER_BEGINS and previous not in w.BREAKS:
            yield "."
        yield lower
        previous = lower


class _Rank(IntEnum):
    """How telling an object is, by what the sentence says of it."""

    LEFT = 0
    GONE_TO = 1
    MENTIONED = 2
    PERCEIVED = 3
    HANDLED = 4


@dataclass(frozen=True)
class _Order:
    """An order from its verb, if it has one, to where the next begins.

    Attributes:
        rank: Rank of its object.
        start: Place of its first word.
        object_from: First place where its object can be.
        end: Behind its last word.
    """

    rank: _Rank
    start: int
    object_from: int
    end: int


class Orders:
    """Finds the orders in a text, and which of their objects is the target.

    Args:
        words: of the text, from :func:`tokens`.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        self.at = words.at
        self.fronted = list(self._fronted())

    def target(self) -> Noun | None:
        """None where nothing is recognised. A robot goes nowhere for nothing: then a second, more lenient look."""
        if not any(word.isascii() for word in self.words.words if word not in w.BREAKS):
            return None
        best = self._most_telling(lenient=False)
        if best is None or best[0] <= _Rank.GONE_TO:
            best = self._most_telling(lenient=True)
        return best[1] if best else None

    def _most_telling(self, lenient: bool) -> tuple[_Rank, Noun] | None:
        best: tuple[_Rank, Noun] | None = None
        antecedent: tuple[_Rank, Noun] | None = None
        for order in self._orders(lenient):
            noun = self._object(order, antecedent[1] if antecedent else None)
            if noun is None:
                continue
            rank = order.rank
            if rank == _Rank.PERCEIVED and self.at(noun.head) in w.ROOMS:  # "find the lounge"
                rank = _Rank.GONE_TO
            if antecedent is None or rank > _Rank.GONE_TO or antecedent[0] <= _Rank.GONE_TO:
                antecedent = rank, noun
            if best is None or rank >= best[0]:
                best = rank, noun
        return best

    # -- orders --------------------------------------------------------------------------------------------------------

    def _orders(self, lenient: bool) -> list[_Order]:
        """In reverse, since each ends where the next begins or its sentence ends."""
        orders = []
        end = len(self.words.words)
        for i in reversed(range(end)):
            if self.at(i) in w.STOPS:
                end = i
            elif self.is_verb(i, lenient):
                orders.append(_Order(self._rank_of_verb(i), i, i + 1, end))
                end = i
            elif self._is_mention(i):
                orders.append(_Order(_Rank.MENTIONED, i, i, end))
                end = i
            elif self._is_subject(i):
                orders.append(_Order(_Rank.HANDLED if self._is_passive(i, end) else _Rank.MENTIONED, i, i, end))
                end = i
        return orders[::-1]

    def _fronted(self) -> Iterator[bool]:
        """For each word whether its sentence began with a preposition: "On the desk by the door the lamp is on"."""
        inside = False
        for i, word in enumerate(self.words.words):
            if self.at(i - 1) in w.BREAKS:
                inside = word in w.PREPOSITIONS
            yield inside

    def _is_mention(self, i: int) -> bool:
        """In "there is a", "is there a", "where is the", "the room has a"."""
        word, before = self.at(i), self.at(i - 1)
        if (word == "there" and before in w.AUXILIARIES) or (before == "there" and word in w.AUXILIARIES):
            return True
        if word in ("has", "have") and self.at(i + 1) in w.DETERMINERS and self.words.is_content(i - 1):
            return True
        begins = self.words.is_auxiliary(i) or word in w.QUESTIONS
        return before in w.BREAKS and begins and self.at(i + 1) not in w.PRONOUNS

    def _is_subject(self, i: int) -> bool:
        """Whether a sentence's first noun phrase begins at a word."""
        word = self.at(i)
        if self.at(i - 1) == "," and self.at(i - 2) in w.ADJECTIVES:  # "the big, red chair"
            return False
        if self.at(i - 1) in w.BREAKS:
            return word in w.DEMONSTRATIVES or (word not in w.FUNCTION and word != "can")
        return self.fronted[i] and word in w.DETERMINERS and self.words.is_content(i - 1)

    def _is_passive(self, start: int, end: int) -> bool:
        """Whether a sentence says what must be done to its subject."""
        for i in range(start, end):
            word = self.at(i)
            if word in w.PASSIVES or (word in ("has", "have") and self.at(i + 1) == "to"):
                return self.at(i - 1) not in w.SUBJECTS
            if word in ("can", "could", "may") and self.at(i + 1) == "be":
                return True
        return False

    def is_verb(self, i: int, lenient: bool = False) -> bool:
        """Whether a word is the verb of an order, by the word before it and by whether an object follows."""
        word, before, earlier = self.at(i), self.at(i - 1), self.at(i - 2)
        if word in w.SIDES and self.at(i + 1) == "to":  # "close to"
            return False
        if word == "like":
            return before in ("would", "i'd")
        if word not in w.VERBS:
            begins = before in w.BREAKS or before in ("and", "then", "please")
            return begins and word not in w.NO_UNKNOWN_VERB and self.at(i + 1) in w.OBJECT_BEGINS
        clear = word not in w.NOUN_VERBS
        if before in w.BREAKS or before in ("then", "please", "robot") or before.endswith("ly"):
            return clear or before != "," or self._object_begins(i + 1)
        if before == "you":
            return earlier in w.AUXILIARIES or earlier in ("can", "to")
        if before in w.LEADS:
            if before == "to" and earlier in w.RELATIONAL:
                return False
            asks = word in w.PERCEPTIONS and self.at(i + 1) in w.QUESTION_BEGINS
            return clear or asks or self._object_begins(i + 1, lenient)
        if before in w.NO_ORDER_AFTER and not (before == "it" and earlier in w.PREPOSITIONS):
            return False
        if word in w.AUXILIARIES:
            return False
        return self.at(i + 1) in w.OBJECT_BEGINS or ((clear or lenient) and self._object_begins(i + 1))

    def _object_begins(self, i: int, bare: bool = False) -> bool:
        """Determiner or pronoun, a noun where ``bare``, after a few words that can stand behind a verb."""
        for j in range(i, i + 4):
            if self.at(j) == "one" and self.at(j + 1) == "of":
                return True
            if self.at(j) not in w.BEFORE_OBJECT:
                return self.at(j) in w.OBJECT_BEGINS or (bare and self.words.is_content(j))
        return False

    def _rank_of_verb(self, i: int) -> _Rank:
        word, after = self.at(i), self.at(i + 1)
        if after in w.WAYS or self.at(i + 2) in w.WAYS:
            return _Rank.GONE_TO
        if word in w.DEPARTURES:
            return _Rank.HANDLED if after in w.PRONOUNS else _Rank.LEFT
        if word in w.MOTION_OR_TASK:
            way = after in w.PREPOSITIONS and (after not in w.PARTICLES or self.at(i + 2) in ("to", "into"))
            return _Rank.GONE_TO if way else _Rank.HANDLED
        if word in w.PERCEPTIONS and not (word in w.TASKS and self._object_begins(i + 1)):
            return _Rank.PERCEIVED
        return _Rank.GONE_TO if word in w.MOTIONS else _Rank.HANDLED

    # -- objects -------------------------------------------------------------------------------------------------------

    def _object(self, order: _Order, antecedent: Noun | None) -> Noun | None:
        """The noun phrase that an order is about; ``antecedent`` where a pronoun stands for it."""
        i = order.object_from
        if self._lacks_object(order.start):
            return antecedent
        while i < order.end:
            word = self.at(i)
            if word in ("what", "which") and self.words.is_content(i + 1) and self.at(i + 1) not in w.ATTRIBUTES:
                i += 1
                break
            if word in w.QUESTIONS:  # "tell me how bright the lamp is"
                i = next((j for j in range(i, order.end) if self.at(j) in w.DETERMINERS), order.end)
            elif word in w.CONJUNCTIONS and self.at(i + 1) not in w.PARTICLES:
                return None
            elif word in ("it", "them") or (word in w.DEMONSTRATIVES and self.at(i + 1) in w.FUNCTION):
                return antecedent
            elif word in ("one", "ones"):
                if self.at(i + 1) != "of" and not self.words.is_content(i + 1):
                    return antecedent
                break
            elif self.words.is_content(i) and self.words.stands_behind(i):
                i += 1
            elif self.words.is_content(i) or word in w.DETERMINERS or word in w.VAGUE:
                break
            else:
                i += 1
        noun = self.words.noun(i, order.end)
        if noun is not None and self.at(noun.head + 1) in ("one", "ones"):
            return antecedent
        return noun and self._meant(order, noun)

    def _lacks_object(self, verb: int) -> bool:
        """In "a board which I want you to put in the kitchen"."""
        after = self.at(verb + 1)
        moved = self.at(verb) in w.PLACEMENTS or self.at(verb) in ("bring", "take", "carry")
        return moved and (after in ("to", "into") and self.at(verb + 2) not in w.PRONOUNS)

    def _meant(self, order: _Order, noun: Noun) -> Noun | None:
        """The noun phrase itself, or the one behind its preposition where the order is about that."""
        head, first = self.at(noun.head), self.at(noun.start)
        i = noun.head + 1
        if self.at(i) in w.PARTICLES and self.at(i + 1) in w.PREPOSITIONS:  # "turn the volume up on the radio"
            i += 1
        inner = self.words.noun(i + 1, order.end) if self.at(i) in w.PREPOSITIONS else None
        if head in w.DIRT and inner is None:  # "everything that is on the table"
            begins = w.DETERMINERS - w.RELATIVES
            i = next((j for j in range(noun.head + 1, noun.head + 6) if self.at(j) in begins), order.end)
            return self.words.noun(i, order.end)
        if head in w.DIRT or head in w.WAYS or (head in w.GLANCES and first in ("a", "an")):
            return inner
        about_inner = (
            head in w.SETTINGS
            or (head in w.PICTURES and first in ("a", "an"))
            or (self.at(order.start) in w.PLACEMENTS and (first in w.INDEFINITE or first == "this"))
        )
        return inner if about_inner and inner is not None else noun
