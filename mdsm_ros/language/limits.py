"""Warnings about instructions beyond the models' abilities, one line each."""

from __future__ import annotations

from collections.abc import Collection

from mdsm_ros.language.several import asks_for_several
from mdsm_ros.language.target_phrase import find_target
from mdsm_ros.language.vocabulary import WORD


def limits_of(
    instruction: str,
    *,
    understood: bool = True,
    vocabulary: Collection[str] | None = None,
    finds_several: bool = False,
) -> list[str]:
    """The warnings for an instruction, each as a line for people; empty if there are none.

    Args:
        instruction: Instruction to the model.
        understood: Whether the model supports the instruction's language.
        vocabulary: Words that the model knows, in lower case; None if unknown.
        finds_several: Whether the model separates several objects.
    """
    if not understood:
        return ["the model reads English only; this instruction was not understood, so nothing is in view"]
    target = find_target(instruction)
    lines = []
    if not finds_several and asks_for_several(instruction):
        lines.append(f"{target.phrase!r} may mean several objects; the model may mark only some of them: ask for each")
    unknown = [word for word in WORD.findall(target.short.lower()) if vocabulary and word not in vocabulary]
    if unknown:
        lines.append(f"the model does not know the word {unknown[0]!r}; the answer is a guess")
    return lines
