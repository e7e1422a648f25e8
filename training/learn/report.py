"""Compares the old and the new model on the held-out frames, and on rehearsal data for forgetting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.files import write_json
from mdsm_ros.pictures.page import write_page
from mdsm_ros.segmenter import Segmenter
from training.evaluation.evaluate import evaluate
from training.evaluation.paired import (
    HIGH,
    LOW,
    Both,
    Comparison,
    comparison_json,
    comparison_page,
    differences,
    pair_up,
    scene_of,
    verdict,
)
from training.learn.data import LAB, REHEARSAL
from training.learn.pick import Frame
from training.learn.tune import some

HERE, ELSEWHERE = "here", "elsewhere"  # held-out frames; other images of the rehearsal data
BETTER = "better"


def write_report(
    path: Path, data: Path, frames: Sequence[Frame], models: tuple[str, Path], device: str, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Compares the models and writes the report and a JSON file beside it; returns the verdict and the differences.

    Args:
        path: Path of the report.
        data: Folder of the datasets.
        frames: Selected frames.
        models: Name of the old model and folder of the new one.
        device: Device of the models.
        before: Facts of the earlier steps.

    Raises:
        WeightsError: A model cannot be loaded.
        OSError: The report cannot be written.
    """
    segmenters = [Segmenter.from_pretrained(model, device=device) for model in models]
    here, elsewhere = (_ask(Dataset(data / name), segmenters) for name in (LAB, REHEARSAL))
    stops = {frame.name: frame.stop for frame in frames}
    rows = _rows(HERE, here.pairs, lambda i: f"stop {stops[here.data.images[i.image_id].scene]}")
    if elsewhere.pairs:
        rows |= _rows(ELSEWHERE, elsewhere.pairs, scene_of(elsewhere.data))
    said = verdict(rows[f"{HERE}, mIoU"])
    facts = {"verdict": said, **_flat(before)}
    page = comparison_page(here, {here.title: rows}, facts)
    write_page(path, page)
    write_json(path.with_suffix(".json"), comparison_json(here, rows, before) | {"verdict": said}, indent=1)
    return {"verdict": said, "rows": rows}


def report_text(rows: Mapping[str, Figures], said: str, old: str, new: Path) -> str:
    """Returns the text that the command prints."""
    figures = rows[f"{HERE}, mIoU"]
    interval = "no interval: the held-out frames are of one stop"
    if LOW in figures:
        interval = f"95 % interval {figures[LOW]:+.3f} to {figures[HIGH]:+.3f}"
    change = f"mIoU {figures['first']:.3f} to {figures['second']:.3f}, {figures['difference']:+.3f} ({interval})"
    advice = {
        BETTER: f"The new model is better here: {change}. Use it with model:={new}",
        "worse": f"The new model is worse here: {change}. Keep {old}.",
    }
    unsure = f"The new model is not shown to be better: {change}. Keep {old}, or label more frames."
    return f"{figures_table('second minus first', dict(rows))}\n\n{advice.get(said, unsure)}"


def _ask(data: Dataset, segmenters: Sequence[Segmenter]) -> Comparison:
    chosen = some([instruction for instruction in data.instructions if instruction.split == "test"])
    first, second = (
        evaluate(segmenter, data, chosen, segmenter.defaults, name)
        for segmenter, name in zip(segmenters, ("old model", "new model"), strict=True)
    )
    return Comparison(data, pair_up(chosen, first, second), segmenters, [s.defaults for s in segmenters])


def _rows(place: str, pairs: Sequence[Both], group_of: Callable[[Instruction], str]) -> dict[str, Figures]:
    return {f"{place}, {name}": figures for name, figures in differences(pairs, group_of).items()}


def _flat(steps: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{step}: {name}": value for step, facts in steps.items() for name, value in facts.items()}
