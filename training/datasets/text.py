"""Words of a sentence, and what can be counted in it without understanding it."""

from __future__ import annotations

import re

from mdsm_ros.language.expressions import count_expressions

__all__ = ["count_expressions", "words"]

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def words(text: str) -> list[str]:
    """Words of a sentence in lower case, without punctuation."""
    return _WORD.findall(text.lower())
