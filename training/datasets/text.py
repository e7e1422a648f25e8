"""Words of a sentence, and counts that need no parser."""

from __future__ import annotations

import re

from mdsm_ros.language.expressions import count_expressions

__all__ = ["count_expressions", "words"]

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def words(text: str) -> list[str]:
    """Returns the words of a sentence in lower case, without punctuation."""
    return _WORD.findall(text.lower())
