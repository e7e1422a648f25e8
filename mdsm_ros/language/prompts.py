"""Prompts for latent diffusion models, and conversion of instructions to that form."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mdsm_ros.language.target_phrase import find_target

_PHOTOGRAPH = re.compile(r"\s*a photograph of (?:an? )?(?P<kind>.*\S)\s*", re.IGNORECASE | re.DOTALL)


def photograph_of(kinds: Sequence[str], place: str | None = None) -> str:
    """The prompt for an image of objects of some categories: "a photograph of a sofa and an armchair".

    With one or two categories it is the prompt of Grounded Diffusion (arXiv 2301.05221).

    Args:
        kinds: Names of categories, at least one.
        place: Place of the objects, such as a type of room.
    """
    *first, last = map(_named, kinds)
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"a photograph of {listed}" if place is None else f"{photograph_of([place])} with {listed}"


def _named(kind: str) -> str:
    """A category with its article; plurals (boots, but not a stack of books) have none."""
    head = kind.split(" of ", maxsplit=1)[0]
    if head.endswith("s") and not head.endswith(("ss", "us")):
        return kind
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"


def is_prompt(text: str) -> bool:
    """Whether a text is a prompt for an image; as an instruction it asks for all that is of the kind."""
    return _PHOTOGRAPH.fullmatch(text) is not None


def kind_asked_for(instruction: str) -> str:
    """The category of object that an instruction names.

    For a prompt, the text after "a photograph of a". For any other instruction, the target's noun with the words before
    it: "Get the red mug next to the radio" gives "red mug". The noun alone would make a can of a trash can.
    """
    photograph = _PHOTOGRAPH.fullmatch(instruction)
    return photograph["kind"] if photograph else find_target(instruction).short
