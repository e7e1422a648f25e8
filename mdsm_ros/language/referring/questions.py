"""A question about several objects, which describes each of them in the words of the homes' instructions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mdsm_ros.language.referring.candidates import Candidate
from mdsm_ros.language.referring.colors import color_degree, main_color

MOST_OPTIONS = 4
LONGEST_NOUN = 60  # characters: a longer or empty noun comes from a text without a known noun
APART = 0.04  # smallest distance between the centres of neighbours, fraction of the image, for left or right
APART_DOWN = 0.08
DEPTH_RATIO = 1.3
SIZE_RATIO = 2.0
PAIR_WORDS = {"leftmost": "left", "rightmost": "right", "highest": "upper", "lowest": "lower"}
"""Of two objects nobody says "the leftmost one"."""


@dataclass(frozen=True)
class Option:
    """One possible answer to a question.

    Attributes:
        words: Words that distinguish the object from those of the other options: "the blue one".
        candidate: The object.
    """

    words: str
    candidate: Candidate


@dataclass(frozen=True)
class Question:
    """A question with two to four options.

    Attributes:
        noun: Category of the requested object.
        options: The candidate objects, the most likely first.
    """

    noun: str
    options: tuple[Option, ...]

    @property
    def text(self) -> str:
        """The text of the question: "Which cup: the left one or the blue one?"."""
        *first, last = (option.words for option in self.options)
        noun = self.noun if 0 < len(self.noun) <= LONGEST_NOUN else "object"
        return f"Which {noun}: {', '.join(first)} or {last}?"

    @property
    def expected(self) -> str:
        """Description of the expected reply."""
        return ", ".join(repr(option.words) for option in self.options) + ", a number, or 'neither'"


def make_question(noun: str, candidates: Sequence[Candidate]) -> Question:
    """Makes a question about which of several objects is meant.

    Args:
        noun: Category of the objects.
        candidates: At least two objects, the most likely first; only the first four are used.
    """
    asked = list(candidates[:MOST_OPTIONS])
    ones = "ones" if noun.endswith("s") and not noun.endswith(("ss", "us")) else "one"
    return Question(noun, tuple(Option(_words(i, asked, ones), thing) for i, thing in enumerate(asked)))


def _words(i: int, asked: Sequence[Candidate], ones: str) -> str:
    """Returns words that fit only one of the objects; its number if nothing distinguishes it."""
    number = ("first", "second", "third", "fourth")[i]
    return next(_attributes(i, asked, ones), f"the {number} {ones}")


def _attributes(i: int, asked: Sequence[Candidate], ones: str) -> Iterator[str]:
    color = _own_color(i, asked)
    if color is not None:
        yield f"the {color} {ones}"
    place = _place(i, [thing.x for thing in asked], APART)
    if place is not None:
        yield _from_left(place, len(asked), ones)
    depths = [float(thing.center[2]) for thing in asked if thing.center is not None]
    if len(depths) == len(asked):
        yield from _extreme(i, depths, DEPTH_RATIO, "closest", "farthest", ones)
    place = _place(i, [thing.y for thing in asked], APART_DOWN)
    if place in (0, len(asked) - 1):
        name = "highest" if place == 0 else "lowest"
        yield f"the {PAIR_WORDS[name] if len(asked) == 2 else name} {ones}"
    yield from _extreme(i, [thing.area for thing in asked], SIZE_RATIO, "smallest", "largest", ones)


def _own_color(i: int, asked: Sequence[Candidate]) -> str | None:
    """Returns the colour of one object if it fits no other object."""
    color = main_color(asked[i].colors)
    others = [thing for j, thing in enumerate(asked) if j != i]
    if color is None or any(not thing.colors or color_degree(thing.colors, color) > 0.3 for thing in others):
        return None
    return color


def _place(i: int, values: Sequence[float], apart: float) -> int | None:
    """Counts the values clearly below one of them; None if another is too close to it."""
    if any(abs(value - values[i]) < apart for j, value in enumerate(values) if j != i):
        return None
    return sum(value < values[i] for value in values)


def _from_left(place: int, count: int, ones: str) -> str:
    if place in (0, count - 1):
        name = "leftmost" if place == 0 else "rightmost"
        return f"the {PAIR_WORDS[name] if count == 2 else name} {ones}"
    if count == 3:
        return f"the middle {ones}"
    return f"the {ones} second from the {'left' if place == 1 else 'right'}"


def _extreme(i: int, values: Sequence[float], ratio: float, least: str, most: str, ones: str) -> Iterator[str]:
    """Yields words for the smallest or the largest value, if it differs from the next by a ratio."""
    others = [value for j, value in enumerate(values) if j != i]
    if values[i] * ratio < min(others):
        yield f"the {least} {ones}"
    elif values[i] > ratio * max(others):
        yield f"the {most} {ones}"
