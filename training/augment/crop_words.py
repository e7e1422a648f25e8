"""Finds what a sentence needs in a cropped image to stay true.

The sentences are not parsed, so this is cautious: a sentence that names anything not annotated forbids crops.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mdsm_ros.homes.shapes.parts import COLORS
from mdsm_ros.homes.words import lexicon
from mdsm_ros.language import target_words as w
from training.augment.flip_words import Sense, sense_of


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


Names = Mapping[tuple[str, ...], Collection[str]]

_TOKEN = re.compile(r"[a-z]+|[.,;:!?()]")

_ORDER = _words(
    """first second third fourth fifth last middle center centre central other another only both all every each most
    least two three four five six seven eight bigger larger smaller taller shorter longer wider closer nearer further
    farther higher lower topmost bottommost uppermost lowermost leftmost rightmost innermost outermost"""
)
_NO_SUPERLATIVES = _words(
    "rest west chest nest test vest guest forest harvest best latest quest request crest interest digest honest"
)
_PLACE = _words(
    "left right lefthand righthand top bottom upper lower corner edge side end background foreground distance center "
    "centre middle back front"
)
"""Where in the picture something is, unless "of" and a thing follow."""
_PICTURE = _words("picture image photo photograph frame view screen scene shot") | w.ROOMS
_COLORS = frozenset(COLORS) | _words(
    """grey violet beige tan cream gold golden silver bronze copper turquoise teal navy maroon magenta cyan lime olive
    burgundy lavender aqua ivory peach rose crimson scarlet blond blonde colored coloured colorful colourful
    multicolored multicoloured rainbow transparent dark light bright pale reddish bluish greenish yellowish brownish
    whitish blackish grayish pinkish"""
).union(*(name.split() for names in lexicon.COLOR_NAMES.values() for name in names))
_NOT_THINGS = (
    w.ROOMS
    | w.ATTRIBUTES
    | w.QUANTITIES
    | w.INSTRUMENTS
    | w.WAYS
    | w.GLANCES
    | w.DIRT
    | w.UNITS
    | _words("wall walls floor ground ceiling air camera robot picture image photo view scene one ones hand side")
)
"""Nouns that need not be in the picture, or always are."""
_INTRODUCE = w.DETERMINERS | (w.PREPOSITIONS - w.PARTICLES) | _words("on in and or over near by")


@dataclass(frozen=True)
class Needs:
    """The requirements of a sentence.

    Attributes:
        categories: Categories in the image that the sentence names.
        whole: Whether no object of these or the target's category may be cut, because the sentence counts or compares.
        place: Whether the sentence contains a position in the image.
        unknown: Whether the sentence names anything that is not annotated.
    """

    categories: frozenset[str]
    whole: bool
    place: bool
    unknown: bool


def names_color(text: str) -> bool:
    """Whether a sentence names a colour or brightness."""
    return not _COLORS.isdisjoint(_TOKEN.findall(text.lower()))


def needs_of(text: str, categories: Iterable[str], targets: Iterable[str]) -> Needs:
    """Returns the requirements of a sentence.

    Args:
        text: Text of the sentence.
        categories: Categories of all annotated objects in the image.
        targets: Categories of the sentence's targets.
    """
    words = _TOKEN.findall(text.lower())
    names = _names(frozenset(categories))
    named, nouns = _named(words, names), list(_nouns(words))
    unknown = sum(not _is_known(noun, names) for noun in nouns)
    target_named = not named.isdisjoint(targets)
    return Needs(
        categories=named,
        whole=any(map(_compares, words)),
        place=any(_is_place(words, i) for i in range(len(words))),
        unknown=unknown > (0 if target_named else 1),  # one unknown noun may be another name of the target
    )


def _compares(word: str) -> bool:
    return word in _ORDER or (len(word) > 4 and word.endswith("est") and word not in _NO_SUPERLATIVES)


def _is_place(words: Sequence[str], i: int) -> bool:
    word = words[i]
    if word not in _PLACE or (word == "right" and sense_of(words, i) is Sense.STRESS):
        return False
    rest = [other for other in words[i + 1 : i + 4] if other not in ("hand", "side", *w.DETERMINERS)]
    return not (rest[:1] == ["of"] and rest[1:2] and rest[1] not in _PICTURE)


def _nouns(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yields the words of every noun phrase, from its introducing word to the next word that cannot belong to it."""
    i = 0
    while i < len(words):
        if words[i] in _INTRODUCE:
            end = i + 1
            while end < len(words) and words[end] not in w.FUNCTION | _INTRODUCE:
                end += 1
            phrase = tuple(words[i + 1 : end])
            if phrase and not (words[i] in ("and", "or", "to") and phrase[0] in w.VERBS):
                yield phrase
            i = max(end, i + 1)
        else:
            i += 1


def _is_known(noun: tuple[str, ...], names: Names) -> bool:
    """Whether a noun is annotated, or needs no annotation: "the kitchen", "the left side", "the red one"."""
    things = [word for word in noun if word not in w.SIDES]
    return not things or things[-1] in _NOT_THINGS or bool(_named(noun, names))


def _named(words: Sequence[str], names: Names) -> frozenset[str]:
    """Returns the categories whose name occurs in the words."""
    single = [_singular(word) for word in words]
    longest = max(map(len, names), default=0)
    return frozenset(
        category
        for length in range(1, longest + 1)
        for i in range(len(single) - length + 1)
        for category in names.get(tuple(single[i : i + length]), ())
    )


@lru_cache(maxsize=4096)
def _names(categories: frozenset[str]) -> Names:
    """Returns the words of each name, and the categories of that name."""
    names: dict[tuple[str, ...], set[str]] = {}
    for category in sorted(categories):
        for name in (category, *lexicon.NOUNS.get(category, ())):
            names.setdefault(tuple(map(_singular, _TOKEN.findall(name.lower()))), set()).add(category)
    return names


def _singular(word: str) -> str:
    """Removes the ending of a plural, so that both numbers are equal."""
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")) else word
