"""Two models on the same instructions: paired differences with confidence intervals, and what changed most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.files import public_name
from mdsm_ros.inference.answer import STAGES
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.pictures.page import Page, Picture, library_versions
from mdsm_ros.pictures.sheet import side_by_side
from mdsm_ros.replay.differences import Pair, difference
from mdsm_ros.segmenter import Segmenter
from training.evaluation.analysis import Answered

LOW, HIGH = "95 % from", "95 % to"
SHOWN = 24  # images that changed most


@dataclass(frozen=True)
class Both:
    """Both models' answers to one instruction."""

    instruction: Instruction
    first: Answered
    second: Answered

    @property
    def change(self) -> float:
        """IoU of the second model's final mask minus that of the first; of right denials, 1 and 0 stand for IoU."""
        return gain(self.second) - gain(self.first)


def gain(answered: Answered) -> float:
    """IoU of the final mask; 1 for a target that is not in view and denied, 0 where it is not."""
    if not answered.in_view:
        return float(not answered.present)
    return answered.iou(next(stage for stage in reversed(STAGES) if stage in answered.counts))


def pair_up(instructions: Sequence[Instruction], first: Sequence[Answered], second: Sequence[Answered]) -> list[Both]:
    """Both models' answers, instruction by instruction."""
    return [Both(i, a, b) for i, a, b in zip(instructions, first, second, strict=True)]


def scene_of(data: Dataset) -> Callable[[Instruction], str]:
    """What tells instructions apart that are drawn independently: the scene of their image, or the image."""

    def group(instruction: Instruction) -> str:
        return data.images[instruction.image_id].scene or f"image {instruction.image_id}"

    return group


def differences(pairs: Sequence[Both], group_of: Callable[[Instruction], str]) -> dict[str, Figures]:
    """Second minus first with a 95 % interval: "mIoU" of the targets in view, and "gIoU" of all instructions.

    Instructions about one scene resemble each other, so whole groups are drawn anew (cluster bootstrap). With a
    single group there is no interval.

    Args:
        pairs: Answers.
        group_of: Group of an instruction.
    """
    seen = [pair for pair in pairs if pair.first.in_view]
    rows = {"mIoU": seen, "gIoU": list(pairs)}
    return {name: _difference(chosen, group_of) for name, chosen in rows.items() if chosen}


def _difference(pairs: Sequence[Both], group_of: Callable[[Instruction], str]) -> Figures:
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        both = (gain(pair.first), gain(pair.second))
        groups[group_of(pair.instruction)].append(Pair(pair.instruction.id, pair.instruction.text, *both))
    figures = difference(list(groups.values()))
    number, instructions = figures.pop("instructions"), figures.pop("frames")
    return figures | {"groups": number, "instructions": instructions}


def verdict(figures: Figures) -> str:
    """What an interval allows to be said of the second model: "better", "worse" or "not shown to be better"."""
    low, high = figures.get(LOW), figures.get(HIGH)
    if low is not None and low > 0:
        return "better"
    return "worse" if high is not None and high < 0 else "not shown to be better"


@dataclass(frozen=True)
class Comparison:
    """Two models on the same instructions.

    Attributes:
        data: Dataset of the instructions.
        pairs: Answers of both.
        segmenters: The models, the first one first.
        settings: Settings of their answers.
    """

    data: Dataset
    pairs: Sequence[Both]
    segmenters: Sequence[Segmenter]
    settings: Sequence[InferenceSettings]

    @property
    def names(self) -> tuple[str, str]:
        """What results call the models."""
        first, second = (public_name(segmenter.name) for segmenter in self.segmenters)
        return first, second

    @property
    def title(self) -> str:
        """Which model is which."""
        return f"{self.names[0]} (first) and {self.names[1]} (second)"

    def changed_most(self) -> Iterator[Picture]:
        """The images that changed most, the first model's mask on the left, the second's on the right."""
        for pair in sorted(self.pairs, key=lambda pair: -abs(pair.change))[:SHOWN]:
            instruction = pair.instruction
            image, truth = self.data.image(instruction.image_id), self.data.mask(instruction)
            masks = [
                segmenter.segment(image, instruction.text, chosen, seed=instruction.id).mask
                for segmenter, chosen in zip(self.segmenters, self.settings, strict=True)
            ]
            words = f"{gain(pair.first):.2f} and {gain(pair.second):.2f}: {pair.change:+.2f}"
            caption = f"{instruction.text} ({'IoU' if pair.first.in_view else 'not in view,'} {words})"
            yield Picture(side_by_side(image, masks, truth), caption, gain(pair.second), pair.change, pair.second.score)


def comparison_text(comparison: Comparison, rows: Mapping[str, Figures]) -> str:
    """The differences as a table, and what they allow to be said of the second model."""
    figures = rows.get("mIoU", {})
    second = comparison.names[1]
    words = {"better": f"{second} is better by mIoU", "worse": f"{second} is worse by mIoU"}
    said = words.get(verdict(figures), f"{second} is not shown to be better by mIoU: its interval includes 0")
    if LOW not in figures:
        said = "there is no interval: expected targets in view in at least two scenes"
    return f"{figures_table(comparison.title, rows)}\n\n{said}"


def comparison_json(comparison: Comparison, rows: Mapping[str, Figures], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The differences and both models' results for each instruction, JSON-ready."""
    samples = [
        {
            "id": pair.instruction.id,
            "text": pair.instruction.text,
            "in view": pair.first.in_view,
            "first": gain(pair.first),
            "second": gain(pair.second),
        }
        for pair in comparison.pairs
    ]
    said = verdict(rows.get("mIoU", {}))
    return {"models": comparison.names, "verdict": said, "rows": rows, "facts": facts, "samples": samples}


def comparison_page(
    comparison: Comparison, tables: Mapping[str, Mapping[str, Figures]], facts: Mapping[str, Any]
) -> Page:
    """The page about two models: the differences, and the images that changed most."""
    first, second = comparison.names
    return Page(
        title=comparison.title,
        tables=tables,
        faults=None,  # a dataset that cannot be read ends the comparison
        latencies=[],
        timeline={},
        pictures=comparison.changed_most(),
        facts={"first": first, "second": second, **facts, **library_versions()},
        orders={"": "largest change first", "change,-1": "gains first", "change,1": "losses first"},
        legend=f"Left {first}, right {second}. Masks are pink, the truth is outlined in green.",
        across=2,
    )
