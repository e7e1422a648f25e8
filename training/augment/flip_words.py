"""Converts a sentence for the mirrored image: swaps left and right, and keeps the rest.

Only certain sides are swapped. A sentence has no mirrored form if the flip may make a word false that cannot be
swapped: readable text, the hours of a clock, "left" as in "the scissors left on the table".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"(?:counter|anti)[ -]?clockwise|[a-z]+", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“”„«»‘]|(?:^|\s)'[^']+'(?=$|[\s.,;!?])")
_READABLE = _words(
    """says saying reads labeled labelled label lettering letter letters text texts word words written writing spelled
    spells logo slogan inscription inscribed title titled caption numbered number numbers digit digits o'clock clock's
    oclock initials"""
)
_ALWAYS = {
    a: b
    for left, right in (
        ("leftmost", "rightmost"),
        ("lefthand", "righthand"),
        ("leftward", "rightward"),
        ("leftwards", "rightwards"),
        ("clockwise", "counterclockwise"),
    )
    for a, b in ((left, right), (right, left))
}
_SWAPS = {"left": "right", "right": "left"}

_OWNERS = _words("the your my its his her their our s")
_INTO = _words("on to from at in")
_BEFORE = (
    _OWNERS
    | _INTO
    | _words(
        """a another first second third fourth middle center centre far further furthest farthest upper lower top bottom
        back front rear extreme immediate faces facing turn turns turning turned pointing points leaning leans bear
        veer"""
    )
)
"""Words after which left and right are sides."""
_MOVES = _words("go goes going walk move moves head look looks looking step keep stay slide push pull shift lean")
_TURNS = _words("turn turns turning bear veer")
_AFTER = _words(
    """of side sided hand handed most end corner edge half part third wall ward upper lower bottom rear front arm leg
    foot ear eye"""
)
"""Words before which left and right are sides."""
_LEFT_BEHIND = _words("over behind out alone open overs")
_JUST = _words(
    """away now here there next beside behind above below under underneath beneath in on at by across against after
    before between outside inside over up down near through into off along where around opposite adjacent alongside
    atop"""
)
"""Words before which "right" stresses what follows: "right next to"."""
_ANGLES = _words("angle angles angled")
_CORRECT = _words("size way kind time amount order temperature place spot moment height person tool thing answer one's")


class Sense(Enum):
    """The meaning of "left" or "right" in a sentence."""

    SIDE = "side"
    STRESS = "stress"
    UNKNOWN = "unknown"


def flip_sentence(text: str) -> str | None:
    """Returns the sentence for the mirrored image; None if it is not certain.

    Args:
        text: English sentence; case and punctuation are preserved.
    """
    matches = list(_WORD.finditer(text))
    words = [match.group().lower() for match in matches]
    if _QUOTED.search(text) or "o'clock" in text.lower() or not _READABLE.isdisjoint(words):
        return None
    pieces, end = [], 0
    for i, match in enumerate(matches):
        word = words[i]
        swapped = _ALWAYS.get(word) or ("clockwise" if word.endswith("clockwise") else None)
        if word in _SWAPS:
            sense = sense_of(words, i)
            if sense is Sense.UNKNOWN:
                return None
            swapped = _SWAPS[word] if sense is Sense.SIDE else None
        if swapped is not None:
            pieces += [text[end : match.start()], _in_case_of(match.group(), swapped)]
            end = match.end()
    return "".join([*pieces, text[end:]])


def sense_of(words: Sequence[str], i: int) -> Sense:
    """Returns the meaning of the "left" or "right" at an index.

    Args:
        words: Words of a sentence in lower case, without punctuation and split at hyphens.
        i: Index of the word.
    """
    earlier, before, after = (words[j] if 0 <= j < len(words) else "" for j in (i - 2, i - 1, i + 1))
    if _is_pair(words, i) or (before in _OWNERS and earlier in _INTO and after not in _ANGLES | {"angle"}):
        return Sense.SIDE
    return _sense_of_left(before, after) if words[i] == "left" else _sense_of_right(words, i)


def _is_pair(words: Sequence[str], i: int) -> bool:
    """Whether left and right form a pair: "left to right", "the left and the right lamp"."""
    ahead, behind = words[i + 1 : i + 4], words[max(0, i - 3) : i][::-1]
    for near in (ahead, behind):
        rest = [word for word in near if word not in _OWNERS]
        if len(rest) > 1 and rest[0] in ("to", "and", "or") and rest[1] in _SWAPS and rest[1] != words[i]:
            return True
    return False


def _sense_of_left(before: str, after: str) -> Sense:
    if after in _LEFT_BEHIND:
        return Sense.UNKNOWN
    return Sense.SIDE if before in _BEFORE | _MOVES or after in _AFTER else Sense.UNKNOWN


def _sense_of_right(words: Sequence[str], i: int) -> Sense:
    before, after, then = (words[j] if 0 <= j < len(words) else "" for j in (i - 1, i + 1, i + 2))
    if after in _ANGLES or before == "all" or after in ("away", "now") or (after, then) == ("side", "up"):
        return Sense.STRESS
    if after in _CORRECT:
        return Sense.UNKNOWN
    if before in _BEFORE:
        return Sense.SIDE
    if before in _MOVES:
        return Sense.UNKNOWN if after in _JUST or after == "to" else Sense.SIDE
    if after in _JUST:
        return Sense.STRESS
    return Sense.SIDE if after in _AFTER else Sense.UNKNOWN


def _in_case_of(word: str, other: str) -> str:
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other
