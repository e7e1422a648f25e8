"""Warnings about instructions beyond the models' abilities, one line each."""

from __future__ import annotations

import re
from collections.abc import Collection

from mdsm_ros.language.target_phrase import find_target

SEVERAL = re.compile(
    r"\b(all|both|every|each|several|many|some|few|two|three|four|five|six|seven|eight|nine|ten|\d+)\b"
    r"(?!\s+of\s+the\s+way)"
)
PAIRS = {"clothes", "curtains", "glasses", "goggles", "headphones", "jeans", "pants", "pliers", "scissors", "shorts"}
PAIRS |= {"stairs", "tongs", "trousers"}
"""Plurals that can name one object."""
SINGULAR_ENDINGS = ("ss", "us", "is")
JOINED = re.compile(r"\b(?:the|a|an|my|your)\s+(?:[\w-]+\s+){1,3}and\s+(?:the|a|an|my|your)\s+[\w-]+")
BEFORE_TWO_LANDMARKS = re.compile(r"\b(between|beside|behind|near|under|above|below|to|of|from|by|with|in|on|at)\s*$")
WORD = re.compile(r"[^\W\d_]+")


def limits_of(instruction: str, *, understood: bool = True, vocabulary: Collection[str] | None = None) -> list[str]:
    """The warnings for an instruction, each as a line for people; empty if there are none.

    Args:
        instruction: Instruction to the model.
        understood: Whether the model supports the instruction's language.
        vocabulary: Words that the model knows, in lower case; None if unknown.
    """
    if not understood:
        return ["the model reads English only; this instruction was not understood, so nothing is in view"]
    target = find_target(instruction)
    lines = []
    if _means_several(instruction, target.phrase, target.head):
        lines.append(f"one object is marked for an instruction; {target.phrase!r} may mean several: ask for each")
    unknown = [word for word in WORD.findall(target.short.lower()) if vocabulary and word not in vocabulary]
    if unknown:
        lines.append(f"the model does not know the word {unknown[0]!r}; the answer is a guess")
    return lines


def _means_several(instruction: str, phrase: str, head: str) -> bool:
    if SEVERAL.match(phrase):
        return True
    if (
        head.endswith("s")
        and not head.endswith(SINGULAR_ENDINGS)
        and head not in PAIRS
        and "pair of" not in instruction
    ):
        return True
    joined = JOINED.search(instruction.lower())
    return joined is not None and not BEFORE_TWO_LANDMARKS.search(instruction.lower()[: joined.start()])
