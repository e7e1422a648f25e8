"""What can be counted in a sentence without understanding it."""

from __future__ import annotations

import re

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
