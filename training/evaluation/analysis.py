"""Analysis of a model's answers to a dataset: metrics per stage and group, and comparison of the stages.

mIoU, oIoU and P@X are over the instructions whose target is in view; where the model answers "not in view", its mask
is empty and the IoU 0. gIoU counts all instructions: one with an absent target scores 1 if the model says "not in
view", else 0. The presence AUC is the area under the ROC curve of the score for "in view". "No-target accuracy at 0.9"
uses the threshold that nine of ten present targets reach. Instance recall is the fraction of the true objects that an
object of the answer covers with an IoU of 0.5 or more, over the instructions that ask for several objects in view.
Instance precision is the fraction of the answer's objects that cover a true one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import Instruction
from mdsm_ros.dataset.metrics import (
    Figures,
    area_under_roc,
    expected_calibration_error,
    figures_table,
    rejected_at,
    summarize,
    summarize_instances,
)
from mdsm_ros.inference.answer import STAGES
from training.evaluation.mistakes import OUTCOMES

KEPT = 0.9  # of the targets
WIN_MARGIN = 0.01  # IoU; smaller differences count as neither win nor loss


@dataclass(frozen=True)
class Answered:
    """The answers to one instruction.

    Attributes:
        in_view: Whether the target is in the image.
        counts: Intersection and union in pixels, by stage.
        present: Whether the model says that the target is in view.
        score: Score for that, 0 to 1.
        seconds: Seconds until the mask, by stage; for instructions that are answered together, divided by their number.
        id: Id of the instruction.
        traits: Groups of the instruction, label by grouping.
        calibration: Calibration counts by stage, see :func:`mdsm_ros.dataset.metrics.calibration_counts`.
        instances: Numbers of covered, true and found objects by stage, for instructions that ask for several in view.
        outcome: Content of the mask by stage, for targets in view, see :func:`training.evaluation.mistakes.outcome`.
    """

    in_view: bool
    counts: dict[str, tuple[int, int]]
    present: bool
    seconds: dict[str, float]
    id: int = 0
    score: float = 0.0
    traits: dict[str, str] = field(default_factory=dict)
    calibration: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    outcome: dict[str, str] = field(default_factory=dict)
    instances: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def iou(self, stage: str) -> float:
        """Intersection over union of a stage's mask; 0 if both masks are empty."""
        intersection, union = self.counts[stage]
        return intersection / union if union else 0.0

    @property
    def change(self) -> float:
        """The change of the IoU by refinement."""
        return self.iou("refined") - self.iou("initial")


def _bins(edges: Sequence[float], labels: Sequence[str]) -> Callable[[float], str]:
    return lambda value: labels[int(np.searchsorted(edges, value, side="right"))]


SOURCE = "source"  # of the instruction, a grouping whose labels are those of the data

GROUPINGS: dict[str, tuple[tuple[str, ...], Callable[[float], str]]] = {
    name: (labels, _bins(edges, labels))
    for name, edges, labels in (
        ("referring expressions", (2, 3), ("1", "2", "3 or more")),
        ("words", (11, 21, 31), ("up to 10", "11 to 20", "21 to 30", "more than 30")),
        ("distractors", (1, 2), ("none", "1", "2 or more")),
        ("mask area", (0.01, 0.05, 0.2), ("below 1 %", "1 to 5 %", "5 to 20 %", "20 % or more")),
    )
}
"""How samples are grouped: the labels in order, and the label of a value (of mask area: a share of the image)."""


def traits(instruction: Instruction, share: float) -> dict[str, str]:
    """The groups of a sample, from its instruction and the fraction of the image that its mask covers."""
    values = {
        "referring expressions": instruction.expressions,
        "words": instruction.words,
        "distractors": instruction.distractors,
        "mask area": share,
    }
    return {name: label(values[name]) for name, (_, label) in GROUPINGS.items()} | {SOURCE: instruction.source}


def summarize_answers(answers: Sequence[Answered]) -> dict[str, Figures]:
    """Metrics of every stage over all answers, and "refinement": how refined masks compare with initial ones."""
    result: dict[str, Figures] = {}
    seen = [a for a in answers if a.in_view]
    unseen = [a for a in answers if not a.in_view]
    for stage in _stages(answers):
        figures = summarize([a.counts[stage] for a in seen])
        rejected = [float(not a.present) for a in unseen]
        figures["gIoU"] = float(np.mean([a.iou(stage) for a in seen] + rejected))
        if unseen:
            figures["no-target accuracy"] = float(np.mean(rejected))
        figures |= summarize_instances([a.instances[stage] for a in seen if a.instances])
        if seen:
            figures["target accuracy"] = float(np.mean([a.present for a in seen]))
        if seen and unseen:
            scores = [a.score for a in seen], [a.score for a in unseen]
            figures["presence AUC"] = area_under_roc(*scores)
            figures["no-target accuracy at 0.9"] = rejected_at(*scores, KEPT)
        if all(stage in a.calibration for a in answers):
            figures["ECE"] = expected_calibration_error(np.sum([a.calibration[stage] for a in answers], axis=0))
        for name, percentile in (("p50 seconds", 50), ("p95 seconds", 95)):
            figures[name] = float(np.percentile([a.seconds[stage] for a in answers], percentile))
        result[stage] = figures
    if "refined" in result and seen:
        result["refinement"] = _refinement(seen)
    return result


def _stages(answers: Sequence[Answered]) -> list[str]:
    return [stage for stage in STAGES if all(stage in a.counts for a in answers)]


def _refinement(seen: Sequence[Answered]) -> Figures:
    change = np.array([a.change for a in seen])
    wins, losses = int((change > WIN_MARGIN).sum()), int((change < -WIN_MARGIN).sum())
    return {"mIoU gain": float(change.mean()), "wins": wins, "losses": losses}


def by_group(answers: Sequence[Answered]) -> dict[str, dict[str, Figures]]:
    """MIoU and P@0.5 of each stage, wins and losses, for every label of every grouping; of targets in view."""
    seen = [a for a in answers if a.in_view]
    result: dict[str, dict[str, Figures]] = {}
    sources = tuple(sorted({a.traits[SOURCE] for a in seen if SOURCE in a.traits}))
    groupings = {name: labels for name, (labels, _) in GROUPINGS.items()} | {SOURCE: sources}
    for name, labels in groupings.items():
        for label in labels:
            group = [a for a in seen if a.traits.get(name) == label]
            if group:
                figures: Figures = {"instructions": len(group)}
                for stage in _stages(group):
                    metrics = summarize([a.counts[stage] for a in group])
                    figures |= {f"{stage} {metric}": metrics[metric] for metric in ("mIoU", "P@0.5")}
                if len(_stages(group)) == len(STAGES):
                    figures |= _refinement(group)
                result.setdefault(name, {})[label] = figures
    return result


def by_outcome(answers: Sequence[Answered]) -> dict[str, Figures]:
    """The fraction of masks that show the target, another object or none, for each stage; targets in view only."""
    seen = [a for a in answers if a.in_view]
    if not seen:
        return {}
    return {
        outcome: {stage: float(np.mean([a.outcome[stage] == outcome for a in seen])) for stage in _stages(seen)}
        for outcome in OUTCOMES
    }


def worst_refinements(answers: Sequence[Answered], number: int) -> list[Answered]:
    """The answers that refinement made worse, the worst first."""
    lost = [a for a in answers if a.in_view and len(a.counts) == len(STAGES) and a.change < -WIN_MARGIN]
    return sorted(lost, key=lambda a: a.change)[:number]


def markdown_table(results: Mapping[str, Mapping[str, Figures]]) -> str:
    """Rows: model and stage; columns: metrics; and below, what refinement does to each model."""
    rows = {
        f"{model}, {stage}": f for model, result in results.items() for stage, f in result.items() if stage in STAGES
    }
    lines = [figures_table("model", rows)]
    for model, result in results.items():
        if "refinement" in result:
            change = result["refinement"]
            lines.append(
                f"\n{model}: refinement changes mIoU by {change['mIoU gain']:+.4f}, "
                f"{change['wins']:.0f} wins, {change['losses']:.0f} losses (|change| > {WIN_MARGIN})."
            )
    return "\n".join(lines)
