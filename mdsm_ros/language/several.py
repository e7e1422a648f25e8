"""Whether an instruction asks for several objects: "all the cups", "the cup and the plate", "everything on the table".

Built upon the target's noun phrase (:mod:`mdsm_ros.language.target_phrase`): what counts it, whether its noun is a
plural, and which noun phrases are joined to it. Tells nothing of what is in view.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mdsm_ros.language import target_words as w
from mdsm_ros.language.prompts import is_prompt
from mdsm_ros.language.several_words import (
    COLLECTIVES,
    COUNTS,
    EVERYTHING,
    HOLDS,
    LIES,
    NO_OBJECTS,
    ONE_OBJECT,
    ONE_OF,
    ONE_PLACE,
    PARTS,
    PLACES,
    PLURALS,
    QUANTIFIERS,
    SINGULAR_ENDINGS,
    SINGULAR_QUANTIFIERS,
    SINGULARS,
    SPREAD_OUT,
)
from mdsm_ros.language.target_noun import Noun, Words
from mdsm_ros.language.target_phrase import Orders, TargetPhrase, find_target, phrase_of, tokens


@dataclass(frozen=True)
class Wanted:
    """What one noun phrase asks for.

    Attributes:
        phrase: The noun phrase; of "everything on the table" it is "objects on the table", as detectors read it.
        several: It asks for more than one object: "all the cups", "both cups", "the cups".
        number: How many, where it says so: 2 for "both", 3 for "three".
    """

    phrase: TargetPhrase
    several: bool = False
    number: int | None = None


def asks_for_several(instruction: str) -> bool:
    """Whether an English instruction asks for more than one object.

    A plural without a quantifier does ("the cups"), unless its noun is often used for one object ("the scissors",
    "the curtains"). Nouns that are joined to landmarks do not: "the cup between the lamp and the vase".
    """
    found = find_wanted(instruction)
    return len(found) > 1 or found[0].several


def asks_for_one(instruction: str) -> bool:
    """Whether an English instruction asks for a single object that can be counted: "the cup", but not "the scissors".

    A plural that means one object ("the curtains", "the stairs") often looks like several, and so does what is not
    counted or is spread out ("the furniture", "the grass", "the floor"). A prompt for a picture ("a photograph of a
    cup") names a kind.
    """
    if is_prompt(instruction):
        return False
    found = find_wanted(instruction)
    head = found[0].phrase.head
    apart = is_plural(head) or head in NO_OBJECTS | COLLECTIVES | SPREAD_OUT
    return len(found) == 1 and not (found[0].several or apart)


@lru_cache(maxsize=64)  # each image of a stream asks about the same instruction several times
def find_wanted(instruction: str) -> tuple[Wanted, ...]:
    """What an English instruction asks for, one entry for each noun phrase: "the cup and the plate" has two.

    Never fails; where no noun is recognised it is what :func:`mdsm_ros.language.target_phrase.find_target` says.

    Args:
        instruction: One or several sentences of any length.
    """
    words = Words(list(tokens(instruction)))
    orders = Orders(words)
    noun = orders.target()
    if noun is None:
        return (Wanted(find_target(instruction)),)
    place = _place_of_everything(words, noun)
    if place is not None:
        where = phrase_of(words, noun, words.description_end(noun)).phrase
        return (Wanted(TargetPhrase(f"objects {place} {where}", "objects", "objects"), several=True),)
    return tuple(_wanted(words, one, end) for one, end in _joined(orders, noun))


def _place_of_everything(words: Words, noun: Noun) -> str | None:
    """The preposition in "everything that lies on the table"; None where the target is the table, or another one."""
    between: list[str] = []
    for i in range(noun.start - 1, max(-1, noun.start - 8), -1):
        word = words.at(i)
        if word in EVERYTHING:
            return next((place for place in between if place in PLACES), None)
        if word not in LIES and word not in PLACES:
            return None
        between.append(word)
    return None


# -- one noun phrase ---------------------------------------------------------------------------------------------------


def _wanted(words: Words, noun: Noun, end: int) -> Wanted:
    counts = list(_counts(words, noun))
    several = _is_several(words, noun, counts)
    number = next((COUNTS[word] for word in counts if word in COUNTS), None)
    digits = next((int(word) for word in counts if word.isdigit()), None)
    return Wanted(phrase_of(words, noun, end), several, (number or digits) if several else None)


def _counts(words: Words, noun: Noun) -> Iterator[str]:
    """The words that count a noun: before it ("all three cups") and before "of" ("two of the cups")."""
    i = noun.start
    while words.at(i - 1) == "of":
        yield words.at(i - 2)
        i -= 2
    yield from words.words[noun.start : noun.bare]
    if words.at(noun.bare).isdigit() and noun.bare < noun.head:
        yield words.at(noun.bare)


def _is_several(words: Words, noun: Noun, counts: list[str]) -> bool:
    head = words.at(noun.head)
    if not ONE_OF.isdisjoint(counts) or _means_one_of_them(words, noun):
        return False
    if head in NO_OBJECTS or (head in PARTS and words.at(noun.head + 1) == "of"):
        return False
    if not SINGULAR_QUANTIFIERS.isdisjoint(counts):
        return True
    counted = any(word in QUANTIFIERS or (word.isdigit() and int(word) > 1) for word in counts)
    if counted and head in COLLECTIVES:
        return True
    return is_plural(head) and (counted or head not in ONE_OBJECT)


def is_plural(noun: str) -> bool:
    """Whether an English noun has the form of a plural; lower case."""
    regular = noun.endswith("s") and not noun.endswith(SINGULAR_ENDINGS) and noun not in SINGULARS
    return regular or noun in PLURALS


def _means_one_of_them(words: Words, noun: Noun) -> bool:
    """A later "the left one" is one of those that were mentioned before: "there are two globes, dust the left one"."""
    later = range(noun.head + 1, len(words.words))
    return any(
        words.at(i) == "one" and words.at(i + 1) != "of" and words.at(i - 1) in w.DETERMINERS | w.SIDES for i in later
    )


# -- joined noun phrases -----------------------------------------------------------------------------------------------


def _joined(orders: Orders, noun: Noun) -> list[tuple[Noun, int]]:
    """The target and the noun phrases joined to it, each with the end of its description."""
    words = orders.words
    joined: list[tuple[Noun, int]] = []
    commas = 0
    while True:
        end = words.description_end(noun)
        joint = _joint(words, noun, end)
        following = None if joint is None else _following(orders, noun, joint)
        joined.append((noun, end if following is None else joint or end))
        if following is None:
            break
        commas = commas + 1 if words.at(following.start - 1) == "," else 0
        noun = following
    return joined[: len(joined) - commas]  # a list ends with "and"


def _joint(words: Words, noun: Noun, end: int) -> int | None:
    """The place of the "and" or comma behind a noun phrase that can join another one to it."""
    preposition = ""
    for i in range(noun.head + 1, end + 1):
        word = words.at(i)
        if word in ("and", ","):
            return i if not preposition or preposition in ONE_PLACE else None
        if word in HOLDS:
            return None
        if (word in w.PREPOSITIONS or word in w.SIDES) and not (word == "of" and words.is_content(i + 1)):
            preposition = word
    return None


def _following(orders: Orders, before: Noun, joint: int) -> Noun | None:
    """The noun phrase that a joint joins, None where an order, a clause or a further description begins there."""
    words = orders.words
    i = joint + 2 if words.at(joint) == "," and words.at(joint + 1) == "and" else joint + 1
    if orders.is_verb(i):
        return None
    stop = next(
        (j for j in range(i, len(words.words)) if words.at(j) in w.STOPS or orders.is_verb(j)), len(words.words)
    )
    noun = words.noun(i, stop)
    if noun is None or noun.start != i or words.at(noun.head) in w.VAGUE | w.WAYS | w.GLANCES:
        return None
    has_determiner = words.at(i) in w.DETERMINERS
    bare = words.at(before.start) not in w.DETERMINERS or is_plural(words.at(noun.head))
    bare = bare and not words.is_participle(noun.head) and words.at(noun.head) not in w.SIDES
    return noun if has_determiner or (bare and words.at(joint) == "and") else None
