"""Ranks several objects by a description: every object gets a probability.

The ranking does not depend on a model: objects and landmarks are boxes or masks of any detector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.language.referring.candidates import Candidate
from mdsm_ros.language.referring.colors import color_degree
from mdsm_ros.language.referring.description import Description, Statement
from mdsm_ros.language.referring.relations import MARKS, RELATIONS, SELECTIONS

Finder = Callable[[Description], Sequence[Candidate]]
"""Finds the objects that the noun of a landmark names; none where it finds none."""

FLOOR = 0.05  # smallest degree, so that one misjudged statement does not exclude an object
SAME = 0.7  # IoU of boxes from which a landmark counts as the object itself
FEWEST = 1e-6  # smallest score


@dataclass(frozen=True)
class Ranking:
    """The ranking of several objects by a description.

    Attributes:
        probabilities: Probabilities of the objects (N,), which sum to 1.
        fits: Agreement of each object with all judged statements, 0 to 1, (N,); 1 if none was judged.
        judged: Whether any part of the description could be judged: a colour, or a statement whose landmarks were
            found.
    """

    probabilities: NDArray[np.float64]
    fits: NDArray[np.float64]
    judged: bool

    @property
    def best(self) -> int:
        """Index of the most likely object."""
        return int(np.argmax(self.probabilities))

    @property
    def margin(self) -> float:
        """Lead of the most likely object over the next, 0 to 1; 1 if there is no other."""
        if len(self.probabilities) < 2:
            return 1.0
        second, first = np.sort(self.probabilities)[-2:]
        return float(first - second)

    def contenders(self, margin: float) -> list[int]:
        """Returns the indices of the objects within a margin of the most likely one, which comes first."""
        behind = self.probabilities.max() - self.probabilities
        order = np.argsort(behind, kind="stable")
        return [int(i) for i in order if behind[i] < margin or i == order[0]]


def no_landmarks(description: Description) -> Sequence[Candidate]:
    """Finds no landmarks; a finder for callers without one."""
    return ()


def rank(
    description: Description, things: Sequence[Candidate], find: Finder = no_landmarks, *, trust: float = 1.0
) -> Ranking:
    """Computes the probability that each of several objects is the described one.

    Args:
        description: Description of the object; its noun fits all objects.
        things: At least one object.
        find: Function that finds landmarks.
        trust: Exponent of the objects' scores; 0 ignores the scores.
    """
    weights = np.maximum([thing.score for thing in things], FEWEST) ** trust
    fits, judged = np.ones(len(things)), False
    if description.color is not None and all(thing.colors for thing in things):
        degrees = np.array([color_degree(thing.colors, description.color) for thing in things])
        fits, judged = fits * _softened(degrees), True
    for statement in description.statements:
        of_statement = _degrees(statement, things, find)
        if of_statement is not None:
            fits, judged = fits * _softened(of_statement), True
    weights = weights * fits
    return Ranking(weights / weights.sum(), fits, judged)


def _softened(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = FLOOR + (1.0 - FLOOR) * degrees
    return result


def _degrees(statement: Statement, things: Sequence[Candidate], find: Finder) -> NDArray[np.float64] | None:
    """Returns how well a statement fits each object; None if a landmark is not found."""
    if len(statement.marks) < MARKS[statement.name]:
        return None
    found = [_landmarks(mark, find) for mark in statement.marks[: MARKS[statement.name]]]
    if not all(found):
        return None
    if len(found) == 2:  # each landmark is its most likely object
        return np.array([RELATIONS[statement.name](thing, [_likeliest(first) for first in found]) for thing in things])
    if not found:
        return SELECTIONS[statement.name](things, ())
    total = np.zeros(len(things))
    for mark, probability in found[0]:
        apart = np.array([float(_overlap(thing, mark) < SAME) for thing in things])
        if statement.name in SELECTIONS:
            total += probability * apart * SELECTIONS[statement.name](things, [mark])
        else:
            total += probability * apart * [RELATIONS[statement.name](thing, [mark]) for thing in things]
    return total


def _landmarks(mark: Description, find: Finder) -> list[tuple[Candidate, float]]:
    """Returns the candidate objects of a landmark, with probabilities that sum to 1."""
    things = list(find(mark))
    if not things:
        return []
    return list(zip(things, map(float, rank(mark, things, find).probabilities), strict=True))


def _likeliest(found: Sequence[tuple[Candidate, float]]) -> Candidate:
    """Returns the most likely of several objects."""
    return max(found, key=lambda pair: pair[1])[0]


def _overlap(a: Candidate, b: Candidate) -> float:
    """Returns the intersection over union of two boxes."""
    across = max(0.0, min(a.box[2], b.box[2]) - max(a.box[0], b.box[0]))
    down = max(0.0, min(a.box[3], b.box[3]) - max(a.box[1], b.box[1]))
    shared = across * down
    return shared / max(a.width * a.height + b.width * b.height - shared, 1e-9)
