"""Which pictures are drawn: prompts and seeds that depend on a picture's number alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mdsm_ros.errors import DatasetError
from mdsm_ros.language.prompts import photograph_of

MASK_RCNN = "mask-rcnn"  # the oracle that knows COCO's categories
PROMPT_KINDS = {"one": (1,), "two": (2,), "mixture": (1, 2)}
"""How many things a prompt may name; of several numbers each is as likely."""


@dataclass(frozen=True)
class Sampling:
    """How pictures are drawn.

    Attributes:
        steps: Number of DDIM steps (the paper: 50).
        guidance: Weight of classifier-free guidance (the paper: 5), above 1, so that the UNet sees every picture
            without the text, too.

    Raises:
        DatasetError: A value is out of range.
    """

    steps: int = 50
    guidance: float = 5.0

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise DatasetError(f"steps is {self.steps}, expected 1 to 1000")
        if not self.guidance > 1:
            raise DatasetError(f"guidance is {self.guidance}, expected more than 1")


@dataclass(frozen=True)
class Prompt:
    """What shall be drawn, and the seed of the noise that it is drawn from."""

    kinds: tuple[str, ...]
    seed: int

    @property
    def text(self) -> str:
        """The sentence."""
        return photograph_of(self.kinds)


def plan_prompts(
    kinds: Sequence[str], prompts: str, numbers: Sequence[int], key: tuple[int, ...], also: Sequence[str] = ()
) -> list[Prompt]:
    """The prompts of some pictures.

    Args:
        kinds: Categories that may be drawn.
        prompts: "one" or "two" things a picture, or a "mixture".
        numbers: Numbers of the images.
        key: Key that distinguishes these images from those of another plan.
        also: Kinds, of which every picture shows one besides.

    Raises:
        DatasetError: There are fewer kinds than a picture shall show.
    """
    most = max(PROMPT_KINDS[prompts])
    if len(kinds) < most:
        raise DatasetError(f"there are {len(kinds)} kinds to draw, expected at least {most}")
    plan = []
    for number in numbers:
        rng = np.random.default_rng((*key, number))
        chosen = rng.choice(list(kinds), rng.choice(PROMPT_KINDS[prompts]), replace=False).tolist()
        chosen += rng.choice(list(also), 1).tolist() if also else []
        plan.append(Prompt(tuple(chosen), seed=int(rng.integers(2**63))))
    return plan
