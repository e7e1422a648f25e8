"""Decides which option of a question a reply means."""

from __future__ import annotations

import re
from enum import Enum

from mdsm_ros.errors import ReplyError
from mdsm_ros.language.referring import words
from mdsm_ros.language.referring.description import Description, parse
from mdsm_ros.language.referring.questions import Question
from mdsm_ros.language.referring.ranking import rank

CLEAR = 0.25  # margin from which a reply fits one option
LEAST_FIT = 0.4  # smallest fit of an option: with a red and a blue one, "the green one" is not understood
MOST_CHARACTERS = 200
POLITE = re.compile(
    r"^(?:(?:i (?:mean|meant|want|need)|it is|it's|its|take|get|yes|no|well|um|please|that would be|just)[\s,]+)+"
)
THANKS = re.compile(r"[\s,]+(?:please|thanks|thank you|of course)$")
NUMBER = re.compile(r"(?:the |number |option |no |#)?\s*(?P<number>\w+)(?: (?:one|ones|option))?$")
NEITHER = re.compile(r"(?:neither|none|no|nothing|not? (?:any|one))(?: of (?:them|these|those|both))?$")
NOT = re.compile(r"(?:not|no not|but not|anything but) (?P<rest>.+)$")


class Special(Enum):
    """Replies that mean no option."""

    NEITHER = "neither"


def match_reply(question: Question, reply: str) -> int | Special:
    """Returns the index of the option that a reply means: "the blue one", "the second", "left", "not the red one".

    Raises:
        ReplyError: The reply matches no option, or several.
    """
    text = " ".join(re.sub(r"[.!?,;]+", " ", reply[:MOST_CHARACTERS].lower().replace("’", "'")).split())
    text = THANKS.sub("", text)
    if NEITHER.match(text):
        return Special.NEITHER
    text = POLITE.sub("", text)
    excluded = NOT.match(text)
    if excluded is not None:
        if len(question.options) != 2:
            raise _unclear(question, reply)
        return 1 - _option(question, excluded["rest"], reply)
    return _option(question, text, reply)


def _option(question: Question, text: str, reply: str) -> int:
    same = [i for i, option in enumerate(question.options) if option.words.removeprefix("the ") in (text, text[4:])]
    if len(same) == 1:
        return same[0]
    number = _number(text, len(question.options))
    if number is not None:
        return number
    description = _described(text)
    if description is None:
        raise _unclear(question, reply)
    ranking = rank(description, [option.candidate for option in question.options], trust=0.0)
    if not ranking.judged or ranking.margin < CLEAR or ranking.fits[ranking.best] < LEAST_FIT:
        raise _unclear(question, reply)
    return ranking.best


def _number(text: str, count: int) -> int | None:
    """Returns the option that a number names, counted from 0."""
    found = NUMBER.match(text)
    if found is None:
        return None
    said = found["number"]
    if said in ("last", "latter"):
        return count - 1
    if said == "former":
        return 0
    number = words.ORDINALS.get(said) or words.ORDINALS_OF_NUMBERS.get(said) or words.NUMBERS.get(said)
    return number - 1 if number is not None and number <= count else None


def _described(text: str) -> Description | None:
    """Parses the description in a reply; None if it contains nothing that distinguishes objects."""
    for phrase in (text, f"{text} one", f"one {text}", f"one on the {text}"):
        description = parse(phrase)
        if description.decides:
            return description
    return None


def _unclear(question: Question, reply: str) -> ReplyError:
    return ReplyError(f"reply is {reply[:MOST_CHARACTERS]!r}, expected one of {question.expected}")
