"""The sentences that latent diffusion models draw things from, and instructions brought into their form."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mdsm_ros.language.target_phrase import find_target

_PHOTOGRAPH = re.compile(r"\s*a photograph of (?:an? )?(?P<kind>.*\S)\s*", re.IGNORECASE | re.DOTALL)


def photograph_of(kinds: Sequence[str], place: str | None = None) -> str:
    """What a picture of things of these kinds is called: "a photograph of a sofa and an armchair".

    With one kind or two it is the prompt of Grounded Diffusion (arXiv 2301.05221).

    Args:
        kinds: Names of categories, at least one.
        place: What the things are in, such as a kind of room.
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


def kind_asked_for(instruction: str) -> str:
    """The kind of thing that an instruction is about.

    What follows "a photograph of a"; of any other instruction the target's noun with what stands before it: "Get the
    red mug next to the radio" asks for a "red mug". The noun alone would make a can of a trash can.
    """
    photograph = _PHOTOGRAPH.fullmatch(instruction)
    return photograph["kind"] if photograph else find_target(instruction).short
