"""Compares the old and the new model on the held-out frames, and on rehearsal data for forgetting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mdsm_ros.checkpoints.catalog import catalog
from mdsm_ros.checkpoints.pretrained import model_folder
from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.files import public_name, write_json, write_text
from mdsm_ros.hub.card import CARD_FILE, licence_of
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
    """Compares the models and writes the report, a JSON file beside it, and the new model's card.

    Returns the verdict and the differences.

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
    write_text(models[1] / CARD_FILE, card_text(models[0], rows, said, before))
    return {"verdict": said, "rows": rows}


def card_text(base: str, rows: Mapping[str, Figures], said: str, before: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the new model's card: where it comes from, and whether it is better.

    Args:
        base: Name, folder or hub id of the old model.
        rows: Differences by name.
        said: Verdict.
        before: Facts of the earlier steps.
    """
    labels, name = before.get("labels", {}), public_name(base)
    frames, instructions = labels.get("frames"), labels.get("instructions")
    held_out = before.get("data", {}).get("frames to measure on")
    licence = _licence(base)
    lines = [
        "---",
        *([] if licence is None else [f"license: {licence}"]),
        "library_name: mdsm_ros",
        "pipeline_tag: image-segmentation",
        "tags: [referring-segmentation, robotics, ros2]",
        "---",
        "",
        f"# {name}, better in one place",
        "",
        f"`mdsm learn` made it from {name} and {frames} labelled frames of one place, with {instructions} "
        f"instructions; {held_out} of the frames were held out to measure on.",
        "",
        f"Verdict on these: **{said}**. Positive differences mean that this model is better than {name}.",
        "",
        "| measured on | before | after | difference | 95 % interval | instructions |",
        "|---|---|---|---|---|---|",
        *(_card_row(place, figures) for place, figures in rows.items()),
        "",
        "It may be worse elsewhere than in that place. Use it with `model:=FOLDER` or its hub id.",
    ]
    return "\n".join(lines) + "\n"


def _card_row(place: str, figures: Figures) -> str:
    interval = f"{figures[LOW]:+.3f} to {figures[HIGH]:+.3f}" if LOW in figures else "none"
    values = f"{figures['first']:.3f} | {figures['second']:.3f} | {figures['difference']:+.3f}"
    return f"| {place} | {values} | {interval} | {figures['instructions']:.0f} |"


def _licence(base: str) -> str | None:
    """The licence of the old model, which the new one inherits; None if it is unknown."""
    if base in catalog() and catalog()[base].repositories:
        return catalog()[base].licence.lower()
    return licence_of(model_folder(base))


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
