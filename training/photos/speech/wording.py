"""Words queries as noun phrases with clauses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mdsm_ros.homes.speech.queries import Clause, Query
from training.photos.speech.words.kinds import ABSENT, HYPERNYMS, is_plural, nouns
from training.photos.speech.words.strangers import STRANGERS

CLAUSES: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "on the left side", "on the left hand side", "to the left", "on your left"),
    "right": ("on the right", "on the right side", "on the right hand side", "to the right", "on your right"),
    "top": ("at the top of the picture", "in the upper part of the picture", "at the top of the image"),
    "bottom": ("at the bottom of the picture", "in the lower part of the picture", "at the bottom of the image"),
    "top left": ("in the top left corner", "at the upper left", "in the upper left corner"),
    "top right": ("in the top right corner", "at the upper right", "in the upper right corner"),
    "bottom left": ("in the bottom left corner", "at the lower left", "in the lower left corner"),
    "bottom right": ("in the bottom right corner", "at the lower right", "in the lower right corner"),
    "center": ("in the middle of the picture", "in the center of the picture", "in the center of the view"),
    "left of": ("to the left of {}", "left of {}", "on the left side of {}", "on the left of {}"),
    "right of": ("to the right of {}", "right of {}", "on the right side of {}", "on the right of {}"),
    "next to": ("next to {}", "beside {}", "near {}", "by {}", "close to {}", "right next to {}"),
    "on": ("on {}", "on {}", "on top of {}", "lying on {}"),
    "above": ("above {}", "over {}", "directly above {}"),
    "below": ("below {}", "directly below {}", "underneath {}"),
    "in front of": ("in front of {}", "just in front of {}", "that is in front of {}"),
    "behind": ("behind {}", "just behind {}", "that is behind {}"),
    "between": ("between {} and {}", "in between {} and {}", "that is between {} and {}"),
    "nearest": ("nearest to {}", "closest to {}", "nearest {}", "that is closest to {}"),
    "leftmost": ("on the far left", "farthest to the left", "that is furthest left", "all the way to the left"),
    "rightmost": ("on the far right", "farthest to the right", "that is furthest right", "all the way to the right"),
    "second from left": ("second from the left", "that is second from the left"),
    "second from right": ("second from the right", "that is second from the right"),
    "third from left": ("third from the left", "that is third from the left"),
    "third from right": ("third from the right", "that is third from the right"),
    "middle": ("in the middle", "in the center", "that is in the middle of the three"),
    "closest to camera": ("closest to you", "nearest to you", "closest to the camera", "in the foreground"),
    "farthest from camera": ("farthest away from you", "farthest from you", "farthest from the camera"),
    "highest": ("highest up in the picture", "that is highest in the picture"),
    "lowest": ("that is lowest in the picture", "at the very bottom of the picture"),
    "largest": ("that is the largest", "that is the biggest"),
    "smallest": ("that is the smallest",),
}
"""Statements after the noun."""

PREFIXES: dict[str, tuple[str, ...]] = {
    "left": ("left",),
    "right": ("right",),
    "leftmost": ("leftmost", "leftmost"),
    "rightmost": ("rightmost", "rightmost"),
    "middle": ("middle",),
    "closest to camera": ("closest", "nearest"),
    "farthest from camera": ("farthest", "furthest"),
    "largest": ("largest", "biggest", "big", "large"),
    "smallest": ("smallest", "small", "little"),
}
"""Statements before the noun."""

ORDINALS = {"second": "second", "third": "third"}
ORDINAL_SHARE = 0.6  # fraction of "the second chair from the left" among equivalent wordings
PREFIX_SHARE = 0.4  # fraction of prefixes among statements that can be before or after the noun
SIZE_PREFIX_SHARE = 0.95
SIZES = frozenset({"largest", "smallest"})
JOINT_SHARE = 0.1
STANDING_OR_LYING = frozenset({"lying on {}"})
LYING = frozenset(["fork", "knife", "spoon", "remote", "scissors", "book", "cat", "dog", "mouse", "toothbrush"]) | {
    "cell phone"
}


class Wording:
    """Chooses among equivalent wordings.

    Args:
        rng: Random generator.
        broad: Whether broad names ("table", "plant") may be used.
    """

    def __init__(self, rng: np.random.Generator, broad: bool = False) -> None:
        self.rng, self.broad = rng, broad

    def pick(self, words: Sequence[str]) -> str:
        """Chooses one of several words."""
        return str(words[int(self.rng.integers(len(words)))])

    def nouns(self, kind: str) -> tuple[str, ...]:
        """Returns all names of a present category."""
        return nouns(kind, self.broad)

    def noun(self, kind: str, *, absent: bool = False) -> str:
        """Returns a name of a category; for an absent one, a name that fits no other category."""
        if kind in HYPERNYMS or kind in STRANGERS:
            return kind
        if absent and kind in ABSENT:
            return self.pick(ABSENT[kind])
        return self.pick(nouns(kind, self.broad and not absent))

    def phrase(self, query: Query, *, absent: bool = False, several: bool = True) -> str:
        """Returns a noun phrase with its article.

        Args:
            query: Query to describe.
            absent: Whether the category is not in the image.
            several: Whether there are others of the category: "the left bed" is unnatural for the only bed.
        """
        before: list[str] = []
        after: list[str] = []
        ordinal = ""
        for clause in query.clauses:
            first = PREFIXES.get(clause.statement, ()) if several else ()
            share = SIZE_PREFIX_SHARE if clause.statement in SIZES else PREFIX_SHARE
            if " from " in clause.statement and "camera" not in clause.statement and self.rng.random() < ORDINAL_SHARE:
                word, _, side = clause.statement.partition(" from ")
                before.insert(0, ORDINALS[word])
                ordinal = f"from the {side}"
            elif first and not before and self.rng.random() < share:
                before.append(self.pick(first))
            else:
                after.append(self._clause(clause, query.kind))
        if query.color is not None:
            before.append(query.color)
        noun = self.noun(query.kind, absent=absent)
        text = " ".join(("the", *before, noun, *([ordinal] if ordinal else [])))
        if not after:
            return text
        if self.rng.random() < JOINT_SHARE and not after[0].startswith("that") and not ordinal:
            after[0] = f"{self.pick(('that', 'which'))} {'are' if is_plural(noun) else 'is'} {after[0]}"
        text = f"{text} " + " and ".join(after)
        return text.replace("that is", "that are") if is_plural(noun) else text

    def _clause(self, clause: Clause, kind: str) -> str:
        marks = [self.phrase(mark) for mark in clause.marks]
        ways = [w for w in CLAUSES[clause.statement] if w not in STANDING_OR_LYING or kind in LYING]
        return self.pick(ways).format(*marks)
