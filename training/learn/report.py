"""Old against new on the frames that were held out, and what the new model has forgotten."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import Figures, figures_table
from mdsm_ros.files import public_name, write_json
from mdsm_ros.pictures.page import Page, library_versions, write_page
from mdsm_ros.segmenter import Segmenter
from training.evaluation.evaluate import evaluate
from training.evaluation.paired import Both, changed_most, differences, pair_rows, pair_up, scene_of, verdict
from training.learn.data import LAB, REHEARSAL
from training.learn.pick import Frame

HERE, ELSEWHERE = "here", "elsewhere"  # held-out frames; what was rehearsed, other images of it
BETTER = "better"


def write_report(
    path: Path, data: Path, frames: Sequence[Frame], models: tuple[str, Path], device: str, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Compares the models, writes the page and a JSON file beside it; returns the verdict and the differences.

    Args:
        path: Page to write.
        data: Folder of the datasets.
        frames: Frames that were picked.
        models: The old model's name and the new one's folder.
        device: Where they run.
        before: Facts of the steps before.

    Raises:
        WeightsError: A model cannot be loaded.
        OSError: The page cannot be written.
    """
    segmenters = [Segmenter.from_pretrained(model, device=device) for model in models]
    settings = [segmenter.defaults for segmenter in segmenters]
    here = Dataset(data / LAB)
    pairs = _ask(here, segmenters)
    stops = {frame.name: frame.stop for frame in frames}
    rows = _rows(HERE, pairs, lambda i: f"stop {stops[here.images[i.image_id].scene]}")
    elsewhere = Dataset(data / REHEARSAL)
    other = _ask(elsewhere, segmenters)
    rows |= _rows(ELSEWHERE, other, scene_of(elsewhere)) if other else {}
    said = verdict(rows[f"{HERE}, mIoU"])
    names = [public_name(models[0]), public_name(models[1])]
    title = f"{names[0]} (first) and {names[1]} (second)"
    content = {"verdict": said, "models": names, "rows": rows, "steps": dict(before)}
    write_json(path.with_suffix(".json"), content | {"here": pair_rows(pairs), "elsewhere": pair_rows(other)}, indent=1)
    facts = {"verdict": said, "first": names[0], "second": names[1], **_flat(before), **library_versions()}
    page = Page(
        title=title,
        tables={title: rows},
        faults=None,
        latencies=[],
        timeline={},
        pictures=changed_most(pairs, here, segmenters, settings),
        facts=facts,
        orders={"": "what changed most first", "change,-1": "gains first", "change,1": "losses first"},
        legend=f"Left {names[0]}, right {names[1]}. Masks are pink, the truth is outlined in green.",
        across=2,
    )
    write_page(path, page)
    return {"verdict": said, "rows": rows}


def report_text(rows: Mapping[str, Figures], said: str, old: str, new: Path) -> str:
    """What the command prints."""
    figures = rows[f"{HERE}, mIoU"]
    interval = "no interval: the held-out frames are of one stop"
    if "95 % from" in figures:
        interval = f"95 % interval {figures['95 % from']:+.3f} to {figures['95 % to']:+.3f}"
    change = f"mIoU {figures['first']:.3f} to {figures['second']:.3f}, {figures['difference']:+.3f} ({interval})"
    advice = {
        BETTER: f"The new model is better here: {change}. Use it with model:={new}",
        "worse": f"The new model is worse here: {change}. Keep {old}.",
    }
    unsure = f"The new model is not shown to be better: {change}. Keep {old}, or label more frames."
    return f"{figures_table('second minus first', dict(rows))}\n\n{advice.get(said, unsure)}"


def _ask(data: Dataset, segmenters: Sequence[Segmenter]) -> list[Both]:
    chosen = [instruction for instruction in data.instructions if instruction.split == "test"]
    first, second = (
        evaluate(segmenter, data, chosen, segmenter.defaults, name)
        for segmenter, name in zip(segmenters, ("old model", "new model"), strict=True)
    )
    return pair_up(chosen, first, second)


def _rows(place: str, pairs: Sequence[Both], group_of: Callable[[Instruction], str]) -> dict[str, Figures]:
    return {f"{place}, {name}": figures for name, figures in differences(pairs, group_of).items()}


def _flat(steps: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{step}: {name}": value for step, facts in steps.items() for name, value in facts.items()}
