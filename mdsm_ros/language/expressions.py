"""What can be counted in a sentence without understanding it."""

from __future__ import annotations

import re

_DETERMINERS = re.compile(
    r"\b(the|a|an|this|that|these|those|his|her|my|your|its|their)\s+(?!is\b|are\b|was\b)[a-z0-9]"
)


def count_expressions(text: str) -> int:
    """About how many objects a sentence mentions: its noun phrases with a determiner, at least one."""
    return max(1, len(_DETERMINERS.findall(text.lower())))
