"""``mdsm-data stats``: figures of datasets side by side, and of REVERIE's own instructions and boxes beside them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import DatasetError
from mdsm_ros.files import write_json
from training.datasets.text import words

VISIBLE_SHARE = 0.0004  # fraction of the image: smaller objects do not count as visible
FIRST_WORDS = 8

Statistics = dict[str, "float | str"]


def statistics(data: Dataset) -> Statistics:
    """Computes statistics of a dataset, in display order."""
    sizes = {image.id: image.height * image.width for image in data.images.values()}
    targets = [data.annotations[annotation_id] for i in data.instructions for annotation_id in i.annotation_ids[:1]]
    visible = [
        sum(a.area >= VISIBLE_SHARE * size for a in data.annotations_of(image_id)) for image_id, size in sizes.items()
    ]
    rooms = {a.attributes["room"] for a in data.annotations.values() if "room" in a.attributes}
    hidden = [target.occlusion for target in targets if target.occlusion is not None]
    instructions = data.instructions
    figures: Statistics = {"images": len(data.images), "scenes": len({i.scene for i in data.images.values()})}
    figures |= _language([i.text for i in instructions])
    figures |= {
        "target not in view, %": 100 * _mean([not i.annotation_ids for i in instructions]),
        "referring expressions, mean": _mean([i.expressions for i in instructions]),
        "two or more of them, %": 100 * _mean([i.expressions > 1 for i in instructions]),
        "distractors, mean": _mean([i.distractors for i in instructions if i.annotation_ids]),
        "with a distractor, %": 100 * _mean([i.distractors > 0 for i in instructions if i.annotation_ids]),
    }
    figures |= _percentiles("mask area, % of the image", [100 * t.area / sizes[t.image_id] for t in targets])
    figures |= _percentiles(
        "box area, % of the image", [100 * t.bbox[2] * t.bbox[3] / sizes[t.image_id] for t in targets]
    )
    figures |= {
        "visible objects, median": float(np.median(visible)) if visible else 0.0,
        "categories": len({a.category_id for a in data.annotations.values()}),
        "room kinds": len(rooms),
        "target hidden by 10 % or more, %": 100 * _mean([share >= 0.1 for share in hidden]),
    }
    for label in ("easy", "medium", "hard"):
        figures[f"{label}, %"] = 100 * _mean([i.difficulty == label for i in instructions])
    return figures


def reverie_statistics(root: Path) -> Statistics:
    """Computes statistics of REVERIE's training instructions and of all its boxes.

    Raises:
        DatasetError: A file is missing or has another form.
    """
    from training.datasets.reverie import all_boxes, read_items

    items, _ = read_items(root)
    train = [item for item in items if item.split == "train"]
    areas = [100 * w * h / (640 * 480) for _, _, w, h in all_boxes(root)]
    figures = _language([text for item in train for text in item.instructions])
    return figures | _percentiles("box area, % of the image", areas)


def table(columns: Mapping[str, Statistics]) -> str:
    """Formats statistics as a Markdown table, one column per dataset."""
    rows = list(dict.fromkeys(name for figures in columns.values() for name in figures))
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for row in rows:
        lines.append(f"| {row} | " + " | ".join(_cell(figures.get(row)) for figures in columns.values()) + " |")
    return "\n".join(lines)


def _cell(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def _language(texts: Sequence[str]) -> Statistics:
    split = [words(text) for text in texts]
    first = Counter(sentence[0] for sentence in split if sentence)
    lengths = [len(text.split()) for text in texts]
    return {
        "instructions": len(texts),
        **_percentiles("words", lengths),
        "words, mean": _mean(lengths),
        "vocabulary": len({word for sentence in split for word in sentence}),
        "first words": " ".join(word for word, _ in first.most_common(FIRST_WORDS)),
    }


def coverage(known: Collection[str], root: Path) -> float:
    """Returns the fraction of known words in REVERIE's training instructions, weighted by frequency."""
    from training.datasets.reverie import read_items

    spoken = [w for i in read_items(root)[0] if i.split == "train" for text in i.instructions for w in words(text)]
    return _mean([word in known for word in spoken])


def _percentiles(name: str, values: Sequence[float]) -> Statistics:
    if not len(values):
        return {}
    return {f"{name}, {p} %": float(v) for p, v in zip((5, 50, 95), np.percentile(values, (5, 50, 95)), strict=True)}


def _mean(values: Sequence[Any]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def _vocabulary(model: str) -> set[str]:
    from transformers import BertTokenizerFast

    from mdsm_ros.hub.folder import TOKENIZER_FILE  # imports PyTorch

    if not (Path(model) / TOKENIZER_FILE).is_file():  # transformers would create an empty one
        raise DatasetError(f"--model is {model!r}, expected a folder with {TOKENIZER_FILE}")
    return set(BertTokenizerFast.from_pretrained(model, local_files_only=True).get_vocab())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("datasets", type=Path, nargs="+", help="dataset folders")
    parser.add_argument("--reverie", type=Path, help="folder of REVERIE's files, to add a column for REVERIE")
    parser.add_argument("--model", help="folder of a model, to count the words of REVERIE that are whole tokens")
    parser.add_argument("--json", type=Path, help="also write the statistics to this file")


def run(args: argparse.Namespace) -> int:
    """Prints the table; returns the exit status."""
    columns: dict[str, Statistics] = {}
    for path in args.datasets:
        data = Dataset(path)
        columns[str(path)] = statistics(data)
        if args.reverie is not None:
            known = {word for instruction in data.instructions for word in words(instruction.text)}
            columns[str(path)]["REVERIE's words covered, %"] = 100 * coverage(known, args.reverie)
    if args.reverie is not None:
        columns["REVERIE"] = reverie_statistics(args.reverie)
        if args.model is not None:
            covered = 100 * coverage(_vocabulary(args.model), args.reverie)
            columns[args.model] = {"REVERIE's words covered, %": covered}
    print(table(columns))
    if args.json is not None:
        write_json(args.json, columns, indent=2)
    return 0
