"""Reads noun phrases in a list of words, by the words that can and cannot be part of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mdsm_ros.language import target_words as w


@dataclass(frozen=True)
class Noun:
    """A noun phrase as places in the list of words.

    Attributes:
        start: Its first word.
        bare: Its first word that is not a determiner.
        head: Its noun; of a compound, the last.
        end: Behind the last word that may belong to it.
    """

    start: int
    bare: int
    head: int
    end: int


class Words:
    """The words and punctuation marks of a text, lower case."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def at(self, i: int) -> str:
        """A word; a full stop outside the text."""
        return self.words[i] if 0 <= i < len(self.words) else "."

    def is_content(self, i: int) -> bool:
        """Noun, adjective or a verb in their place."""
        return self.at(i) not in w.FUNCTION and self.at(i) not in w.DETERMINERS

    def is_auxiliary(self, i: int) -> bool:
        """The "can" for trash is none."""
        return self.at(i) in w.AUXILIARIES or (self.at(i) == "can" and self.at(i + 1) in ("be", "you", "i"))

    # -- noun and what stands before it --------------------------------------------------------------------------------

    def noun(self, i: int, end: int) -> Noun | None:
        """The noun phrase that begins at a word, None where something else comes before a noun."""
        start = bare = i
        head: int | None = None
        while i < end:
            word = self.at(i)
            if self._only_counts(i, head) and i + 2 < end:
                i = start = bare = i + 2
                head = None
                continue
            if head is None and (word in w.DETERMINERS or (word == "one" and self.is_content(i + 1))):
                bare = i + 1
            elif head is None and word.isdigit() and self.at(i + 1) in w.UNITS:
                return None
            elif head is None and word in w.VAGUE:
                return Noun(start, i, i, end)
            elif head is None and word in w.FUNCTION:  # "the in wall heater", "the very large table"
                if i == start or word not in w.WITHIN_NOUN or not self.is_content(i + 1):
                    return None
            elif head is not None and self._ends_noun(i):
                if not self._joins_adjectives(i):
                    break
            else:
                head = i
            i += 1
        return None if head is None else Noun(start, bare, head, end)

    def _only_counts(self, i: int, head: int | None) -> bool:
        """In "pair of shoes" and "inside of the cabinet", not in "the lamp inside of the cabinet"."""
        word = self.at(i)
        if self.at(i + 1) != "of" or (head is not None and word in w.FUNCTION):
            return False
        return word in w.QUANTITIES or word in w.ATTRIBUTES

    def _ends_noun(self, i: int) -> bool:
        word = self.at(i)
        if word.isdigit() and self.at(i + 1) in w.UNITS:
            return True
        return not self.is_content(i) or self.stands_behind(i) or self.is_participle(i)

    def stands_behind(self, i: int) -> bool:
        """Whether a word describes what comes before: in "chair closest to you", not in "the closest chair"."""
        word = self.at(i)
        if word in w.SIDES:  # perhaps with others: "furthest left"
            i = next((j for j in (i, i + 1, i + 2) if self.at(j + 1) not in w.SIDES), i)
            return not self.is_content(i + 1)
        return word.endswith("ly") and word not in w.NO_ADVERBS and not self.is_content(i + 1)

    def is_participle(self, i: int) -> bool:
        """A participle that describes what comes before: in "towel hanging on the rack", not in "hanging towel"."""
        word = self.at(i)
        if word in w.NO_PARTICIPLES or not (word.endswith(("ing", "ed")) or word in w.PARTICIPLES):
            return False
        return not self.is_content(i + 1) or self.at(i + 1) in w.SIDES

    def _joins_adjectives(self, i: int) -> bool:
        """In "the black and white towel" and "the big, red chair"."""
        return self.at(i) in ("and", "or", ",") and self.at(i - 1) in w.ADJECTIVES and self.is_content(i + 1)

    # -- what stands behind it -----------------------------------------------------------------------------------------

    def description_end(self, noun: Noun) -> int:
        """Place behind the last word that tells a thing apart: not the room, a destination, a tool or a reason."""
        i = noun.head + 1
        relative = False
        if self.at(i) not in w.CONJUNCTIONS and not self._is_particle(i):
            while i < noun.end and not self._ends_description(i, noun.end, relative):
                relative = self.at(i) in w.RELATIVES or (relative and self.at(i) not in w.AUXILIARIES)
                i += 1
        while i > noun.head + 1 and self._dangles(i - 1):
            i -= 1
        return i

    def _ends_description(self, i: int, end: int, relative: bool) -> bool:
        word = self.at(i)
        if word in w.BREAKS or word in w.ENDINGS or (self.is_auxiliary(i) and not relative):
            return True
        return self._leads_away(i, end)

    def _is_particle(self, i: int) -> bool:
        """Part of the verb behind its object: in "turn the lamp on", not in "the lamp on top"."""
        word, after = self.at(i), self.at(i + 1)
        if word in ("in", "on"):
            return after in w.PREPOSITIONS
        return word in w.PARTICLES and after not in w.ARTICLES and after != "of"

    def _leads_away(self, i: int, end: int) -> bool:
        word, before = self.at(i), self.at(i - 1)
        if word == "to":
            return before not in w.RELATIONAL and self.at(i + 2) not in w.SIDES
        if word in ("into", "onto", "toward", "towards"):
            return before not in w.SIDES
        if word not in ("in", "inside", "within", "from", "at", "on", "with"):
            return False
        noun = self.noun(i + 1, end)
        if noun is None or "of" in self.words[i + 1 : noun.start]:  # "in the middle of the room"
            return False
        head = self.at(noun.head)
        if word == "with":
            return head in w.INSTRUMENTS and self.at(noun.start) not in ("the", "its")
        if word == "on":
            core = self.words[noun.start : noun.head + 1]
            return not w.LEVELS.isdisjoint(core) or (head == "floor" and len(core) > 2)
        return head in w.ROOMS or head.isdigit()

    def _dangles(self, i: int) -> bool:
        """Whether a description cannot end with a word."""
        word = self.at(i)
        if word in ("it", "them", "you", "me"):
            return False
        return not self.is_content(i) or word.endswith("ly") or self.is_participle(i)
