"""Sentences contained in a file: expressions of its annotations, and captions about one object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mdsm_ros.homes.speech.queries import Query
from training.datasets.text import words
from training.photos.speech.queries import Judge
from training.photos.speech.words.kinds import nouns

SOURCES = {"template": "template", "written": "eye", "human": "human"}
"""The source of an instruction by how its ``instruction_source`` begins."""

UNTOLD = "annotation"  # the source if the file does not name the writer of the sentences

PEOPLE = frozenset({"man", "woman", "boy", "girl", "lady", "guy", "child", "kid", "surfer", "skateboarder", "skier"})
ADJECTIVES_AT_MOST = 4  # largest number of words between a caption's article and its noun
_JOINED = frozenset({"and", "or", "with", "of"})
_BROKEN = re.compile(r"[,;:]")
_ING = re.compile(r"\w+ing$")
_AFTER = frozenset(
    [
        "is",
        "on",
        "in",
        "at",
        "by",
        "that",
        "which",
        "next",
        "sits",
        "stands",
        "lies",
        "laying",
        "sat",
        "standing",
        "sitting",
        "parked",
        "under",
        "near",
    ]
)
_NO_ADJECTIVES = frozenset(
    [
        "of",
        "and",
        "or",
        "with",
        "picture",
        "photo",
        "image",
        "view",
        "group",
        "couple",
        "pair",
        "bunch",
        "close",
        "up",
        "man",
        "woman",
    ]
)


@dataclass(frozen=True)
class Said:
    """A sentence about one object.

    Attributes:
        text: The sentence.
        source: Name of the writer or model.
    """

    text: str
    source: str


def expressions(record: Mapping[str, Any]) -> Iterator[Said]:
    """Yields the sentences in an annotation's fields ``instruction``, ``phrase``, ``caption`` and ``sentences``."""
    told = record.get("instruction_source")
    source = UNTOLD
    if isinstance(told, str):
        source = next((name for start, name in SOURCES.items() if told.lower().startswith(start)), told.strip())
    for field in ("instruction", "phrase", "caption"):
        if isinstance(record.get(field), str):
            yield from _said(record[field], source)
    sentences = record.get("sentences")
    for sentence in sentences if isinstance(sentences, list) else []:
        text = (sentence.get("raw") or sentence.get("sent")) if isinstance(sentence, dict) else sentence
        if isinstance(text, str):
            yield from _said(text, source)


def _said(text: str, source: str) -> Iterator[Said]:
    text = " ".join(text.split())
    if words(text):
        yield Said(text, source or UNTOLD)


def caption_target(caption: str, judge: Judge) -> int | None:
    """Returns the index of the object that is a caption's head ("A cat lying on a couch"); None if unclear.

    The caption must begin with an article and the object's name in the singular, it must contain a statement about the
    object, and no other object in the image may have the name.
    """
    first = _BROKEN.split(caption)[0].lower()
    spoken = re.findall(r"[a-z]+", first)
    if len(spoken) < 3 or spoken[0] not in ("a", "an", "the", "one"):
        return None
    for thing in judge.scene.objects:
        if not judge.scene.is_target(thing) or judge.find(Query(thing.kind)) is not thing:
            continue
        names = [name.split() for name in nouns(thing.kind, broad=True)]
        if thing.kind == "person":
            names += [[name] for name in sorted(PEOPLE)]
        if any(_heads(spoken, name) for name in names):
            return thing.index
    return None


def _heads(spoken: list[str], name: list[str]) -> bool:
    """Whether a caption's first noun phrase ends with a name, and a statement about it follows."""
    for start in range(1, ADJECTIVES_AT_MOST + 2):
        if spoken[start : start + len(name)] != name:
            continue
        between, after = spoken[1:start], spoken[start + len(name) : start + len(name) + 1]
        plain = not _NO_ADJECTIVES & set(between) and not any(_ING.match(word) for word in between)
        return plain and bool(after) and (after[0] in _AFTER or bool(_ING.match(after[0])))
    return False
