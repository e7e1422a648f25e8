"""The objects in a frame that an instruction may mean, their probabilities, and a question if it is ambiguous."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.asking.finder import parts_of
from mdsm_ros.inference.instances import Instance, distinct
from mdsm_ros.language.referring.candidates import Box, Candidate, View, candidate_of_mask
from mdsm_ros.language.referring.description import Description, describe_target, parse
from mdsm_ros.language.referring.questions import Question, make_question
from mdsm_ros.language.referring.ranking import Ranking, rank

Find = Callable[[str], Sequence[Instance]]
"""Finds all objects of a noun in the view: a detector, a segmenter, the truth of a simulation."""

SAME_PLACE = 0.2  # IoU of the boxes of an object in consecutive frames
MOST_CANDIDATES = 12
DETECTOR_TRUST = 0.5  # exponent of a detector's scores: they rate the noun only, not the rest of the instruction
SHARED = 0.5  # fraction of the smaller of two masks
LEAST_AREA = 0.0015  # fraction of the image: no questions are asked about smaller objects
LEAST_OF_BEST = 0.35  # fraction of the best candidate's score: objects below it do not count as the noun


@dataclass(frozen=True)
class Choice:
    """The object chosen by a reply, described so that it is recognized in later frames.

    Attributes:
        words: Words that distinguish it: "the blue one".
        box: Last known box of the object.
    """

    words: str
    box: Box


@dataclass(frozen=True)
class Decision:
    """The meaning of an instruction in a frame.

    Attributes:
        instances: The objects that match its noun.
        candidates: The same objects with the properties that are compared.
        ranking: Probability of each object; None if there are no objects.
        question: Question to ask; None if the instruction is clear, or if no object was found.
    """

    instances: tuple[Instance, ...]
    candidates: tuple[Candidate, ...]
    ranking: Ranking | None
    question: Question | None

    @property
    def best(self) -> Instance | None:
        """The most likely object."""
        return None if self.ranking is None else self.instances[self.ranking.best]

    def instance_of(self, candidate: Candidate) -> Instance:
        """Returns the instance behind an option of the question."""
        return self.instances[next(i for i, one in enumerate(self.candidates) if one is candidate)]


def decide(
    view: View,
    instruction: str,
    find: Find,
    *,
    margin: float,
    answer: Segmentation | None = None,
    choice: Choice | None = None,
) -> Decision:
    """Finds the objects that an instruction may mean, and ranks them by its clauses.

    Args:
        view: The image, with depth if available.
        instruction: Instruction of the user.
        find: Finds objects by their noun.
        margin: Smallest lead of the most likely object over the next, 0 to 1; with a smaller lead, a question is asked.
        answer: Answer to the whole instruction, from a model that reads whole instructions: its objects become
            candidates too, and its probabilities are used; None: only the finder's objects and scores are used.
        choice: Object chosen by an earlier reply; no question is asked then.
    """
    description = describe_target(instruction)
    instances = _found(find, description.noun, () if answer is None else parts_of(answer))
    candidates = tuple(_judged(view, instance, answer) for instance in instances)
    if not candidates:
        return Decision((), (), None, None)
    if choice is not None:
        return Decision(instances, candidates, _as_chosen(choice, candidates), None)

    def landmarks(mark: Description) -> list[Candidate]:
        return [candidate_of_mask(view, one.mask, one.score) for one in _found(find, mark.noun)]

    ranking = rank(description, candidates, landmarks, trust=DETECTOR_TRUST if answer is None else 1.0)
    contenders = ranking.contenders(margin)
    question = None
    if len(contenders) > 1:
        question = make_question(description.noun, [candidates[i] for i in contenders])
    return Decision(instances, candidates, ranking, question)


def _found(find: Find, noun: str, others: Sequence[Instance] = ()) -> tuple[Instance, ...]:
    """Returns the objects of a noun, the most certain first, without small and unlikely ones.

    Args:
        find: Function that finds objects by noun.
        noun: The noun.
        others: Further objects; those that overlap an object of the noun are omitted.
    """
    found = list(find(noun))
    found += [other for other in others if not any(_is_part(other, one) for one in found)]
    found = [one for one in distinct(found) if one.area >= LEAST_AREA * one.mask.size]
    least = LEAST_OF_BEST * max((one.score for one in found), default=0.0)
    return tuple(one for one in found if one.score >= least)[:MOST_CANDIDATES]


def _is_part(one: Instance, other: Instance) -> bool:
    """Whether two masks overlap by at least half of the smaller one."""
    return int(np.count_nonzero(one.mask & other.mask)) >= SHARED * min(one.area, other.area)


def _judged(view: View, instance: Instance, answer: Segmentation | None) -> Candidate:
    found = candidate_of_mask(view, instance.mask, instance.score)
    if answer is None:
        return found
    of_answer = float(answer.probability[instance.mask].mean())
    return replace(found, score=float(np.sqrt(instance.score * of_answer)))


def _as_chosen(choice: Choice, candidates: Sequence[Candidate]) -> Ranking:
    """Picks the object at the place of the chosen one; if it moved too far, the one that its words describe."""
    overlaps = np.array([overlap(choice.box, one.box) for one in candidates])
    if overlaps.max() > SAME_PLACE:
        return Ranking(overlaps / overlaps.sum(), overlaps, True)
    return rank(parse(choice.words), candidates, trust=0.5)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, across) * max(0.0, down)
    return shared / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared, 1e-9)
