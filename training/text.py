"""What can be counted in a sentence without understanding it, and the sentences that describe a picture."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DETERMINERS = re.compile(
    r"\b(the|a|an|this|that|these|those|his|her|my|your|its|their)\s+(?!is\b|are\b|was\b)[a-z0-9]"
)
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def words(text: str) -> list[str]:
    """Words of a sentence in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def count_expressions(text: str) -> int:
    """About how many things a sentence speaks of: its noun phrases with a determiner, at least one."""
    return max(1, len(_DETERMINERS.findall(text.lower())))


def photograph_of(kinds: Sequence[str], place: str | None = None) -> str:
    """What a picture of things of these kinds is called: "a photograph of a sofa and an armchair".

    With one kind or two it is the prompt of Grounded Diffusion (arXiv 2301.05221).

    Args:
        kinds: names of categories, at least one.
        place: what the things are in, such as a kind of room.
    """
    *first, last = map(_named, kinds)
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"a photograph of {listed}" if place is None else f"{photograph_of([place])} with {listed}"


def _named(kind: str) -> str:
    """A kind with its article; plurals (boots, but not a stack of books) have none."""
    head = kind.split(" of ", maxsplit=1)[0]
    if head.endswith("s") and not head.endswith(("ss", "us")):
        return kind
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
