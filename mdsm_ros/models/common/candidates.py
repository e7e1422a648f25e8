"""Which of the candidates of a detector an instruction asks for."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mdsm_ros.language.several import Wanted

MOST = 20  # objects of one noun phrase


def asks_for_several(wanted: Sequence[Wanted]) -> bool:
    """Whether noun phrases ask for more than one object."""
    return len(wanted) > 1 or wanted[0].several


def choose(scores: torch.Tensor, wanted: Sequence[Wanted], threshold: float) -> list[tuple[int, int]]:
    """The candidates that noun phrases ask for: the best one of a singular, all likely ones of a plural.

    Args:
        scores: (P, N) in [0, 1], of N candidates for each of P noun phrases.
        wanted: the noun phrases.
        threshold: score from which a candidate is likely.

    Returns:
        Places of noun phrase and candidate, at least one: the best of all, where none is likely.
    """
    if not asks_for_several(wanted):
        return [(0, int(scores[0].argmax()))]
    chosen = []
    for i, phrase in enumerate(wanted):
        order = scores[i].argsort(descending=True, stable=True)[: (phrase.number or MOST) if phrase.several else 1]
        chosen += [(i, int(j)) for j in order if scores[i, j] >= threshold]
    return chosen or [divmod(int(scores.argmax()), scores.shape[1])]
