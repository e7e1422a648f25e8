"""Evaluates one instruction: whether a question is asked, and the masks before and after the reply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.errors import ReplyError
from mdsm_ros.geometry import locate
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.asking.decision import Decision, Find, decide
from mdsm_ros.inference.asking.finder import NounFinder
from mdsm_ros.language.referring.candidates import View
from mdsm_ros.language.referring.description import describe_target
from mdsm_ros.language.referring.replies import Special, match_reply
from mdsm_ros.language.several import asks_for_several
from mdsm_ros.segmenter import Segmenter
from training.evaluation.asking.instructions import Asked
from training.evaluation.asking.person import Person
from training.evaluation.asking.stand_in import TrueFinder, filled_box

FOUND = 0.5  # IoU from which an object counts as found


@dataclass(frozen=True)
class Conditions:
    """Settings of the evaluation.

    Attributes:
        segmenter: Model; None: the annotated objects replace a detector's.
        margin: Value of the parameter ``ask_margin``.
        depth: Whether the dataset's depth is used.
        steps: Refinement steps of the model's answer; None: the model's own number.
        boxes: Whether the stand-in detector finds boxes; all masks are filled boxes then, including the ground truth.
    """

    segmenter: Segmenter | None
    margin: float
    depth: bool
    boxes: bool = False
    steps: int | None = None


def judge(data: Dataset, asked: Asked, conditions: Conditions) -> dict[str, Any]:
    """Answers one instruction, lets a simulated person reply, and compares the masks with the ground truth.

    Returns:
        Whether the instruction is ambiguous, the lead of the most likely object over the next ("margin"), the question
        and the reply, and the IoU of three masks: of the model without a question ("own"; for a detector, its most
        certain object), of the object chosen by clauses and geometry ("picked"), and after the reply ("replied").
    """
    view, truth = _view(data, asked, conditions.depth), data.mask(asked.instruction)
    truth = filled_box(truth) if conditions.boxes else truth
    find, own, answer = _model(data, asked, view, conditions)
    decision = decide(view, asked.text, find, margin=conditions.margin, answer=answer)
    if asks_for_several(asked.text):
        decision = replace(decision, question=None)
    picked = decision.best.mask if decision.best is not None else own
    reply, replied = _reply(data, asked, decision, own if conditions.segmenter else picked)
    return {
        "id": asked.instruction.id,
        "text": asked.text,
        "ambiguous": asked.ambiguous,
        "rivals": asked.rivals,
        "scores": [round(candidate.score, 3) for candidate in decision.candidates],
        "areas": [round(candidate.area, 4) for candidate in decision.candidates],
        "found": any(iou(one.mask, truth) >= FOUND for one in decision.instances),
        "margin": None if decision.ranking is None else round(decision.ranking.margin, 4),
        "judged": decision.ranking is not None and decision.ranking.judged,
        "question": decision.question and decision.question.text,
        "reply": reply,
        "own": iou(own, truth),
        "picked": iou(picked, truth),
        "replied": iou(replied, truth),
    }


def _view(data: Dataset, asked: Asked, with_depth: bool) -> View:
    image_id = asked.instruction.image_id
    camera, depth = data.images[image_id].camera, data.depth(image_id) if with_depth else None
    if camera is None or depth is None:
        return View(data.image(image_id))
    return View(data.image(image_id), partial(locate, depth=depth, camera=camera))


def _model(
    data: Dataset, asked: Asked, view: View, conditions: Conditions
) -> tuple[Find, NDArray[np.bool_], Segmentation | None]:
    """Returns the finder of objects, the mask without questions, and the answer to the whole instruction."""
    if conditions.segmenter is None:
        find = TrueFinder(data, asked.instruction.image_id, boxes=conditions.boxes)
        return find, _surest(find, asked), None
    settings = conditions.segmenter.defaults.updated(num_inference_steps=conditions.steps, seed=asked.instruction.id)
    answer = conditions.segmenter.segment(view.image, asked.text, settings)
    reads_all = not conditions.segmenter.finds_objects
    return NounFinder(conditions.segmenter, view.image, settings), answer.mask, answer if reads_all else None


def _surest(find: Find, asked: Asked) -> NDArray[np.bool_]:
    """Returns the choice of a detector without relations: one of the equally certain objects, by a seed."""
    found = find(describe_target(asked.text).noun)
    if not found:
        return np.zeros((1, 1), dtype=bool)
    return found[int(np.random.default_rng(asked.instruction.id).integers(len(found)))].mask


def _reply(
    data: Dataset, asked: Asked, decision: Decision, without: NDArray[np.bool_]
) -> tuple[str | None, NDArray[np.bool_]]:
    """Returns the person's reply and the new mask; without a question or an understood reply, the mask is unchanged."""
    if decision.question is None:
        return None, without
    person = Person(data, np.random.default_rng((asked.instruction.id, 7)))
    reply = person.reply(asked.instruction, decision, decision.question)
    try:
        chosen = match_reply(decision.question, reply)
    except ReplyError:
        return f"{reply} (not understood)", without
    if isinstance(chosen, Special):
        return reply, without
    return reply, decision.instance_of(decision.question.options[chosen].candidate).mask
