"""``mdsm-data stats``: figures of datasets side by side, and of REVERIE's own instructions and boxes beside them."""

from __future__ import annotations

import argparse
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.errors import CommandError, DatasetError
from mdsm_ros.files import write_json
from training.datasets.text import words

VISIBLE_SHARE = 0.0004  # fraction of the image: smaller objects do not count as visible
FIRST_WORDS = 8
DIFFICULTIES = ("easy", "medium", "hard")

Statistics = dict[str, "float | str"]


def statistics(data: Dataset) -> Statistics:
    """Computes statistics of a dataset, in display order; a few numbers for each record are in memory."""
    scenes, rooms, categories = set[str](), set[str](), set[int]()
    visible = array("d")
    for image in data.images.values():
        scenes.add(image.scene)
        objects = data.annotations_of(image.id)
        visible.append(sum(a.area >= VISIBLE_SHARE * image.height * image.width for a in objects))
        categories.update(a.category_id for a in objects)
        rooms.update(a.attributes["room"] for a in objects if "room" in a.attributes)
    asked: dict[str, array[float]] = {name: array("d") for name in ("expressions", "distractors", *DIFFICULTIES)}
    masks, boxes, hidden = array("d"), array("d"), array("d")
    for instruction in data.instructions:
        asked["expressions"].append(instruction.expressions)
        for label in DIFFICULTIES:
            asked[label].append(instruction.difficulty == label)
        for annotation_id in instruction.annotation_ids[:1]:
            target = data.annotations[annotation_id]
            image = data.images[target.image_id]
            asked["distractors"].append(instruction.distractors)
            masks.append(100 * target.area / (image.height * image.width))
            boxes.append(100 * target.bbox[2] * target.bbox[3] / (image.height * image.width))
            if target.occlusion is not None:
                hidden.append(target.occlusion)
    expressions, distractors = np.asarray(asked["expressions"]), np.asarray(asked["distractors"])
    figures: Statistics = {"images": len(data.images), "scenes": len(scenes)}
    figures |= _language(data.column("text"))
    figures |= {
        "target not in view, %": 100 * (1 - len(distractors) / len(expressions)) if len(expressions) else 0.0,
        "referring expressions, mean": _mean(expressions),
        "two or more of them, %": 100 * _mean(expressions > 1),
        "distractors, mean": _mean(distractors),
        "with a distractor, %": 100 * _mean(distractors > 0),
    }
    figures |= _percentiles("mask area, % of the image", masks)
    figures |= _percentiles("box area, % of the image", boxes)
    figures |= {
        "visible objects, median": float(np.median(visible)) if visible else 0.0,
        "categories": len(categories),
        "room kinds": len(rooms),
        "target hidden by 10 % or more, %": 100 * _mean(np.asarray(hidden) >= 0.1),
    }
    return figures | {f"{label}, %": 100 * _mean(asked[label]) for label in DIFFICULTIES}


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
    return figures | _percentiles("box area, % of the image", np.asarray(areas))


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


def _language(texts: Iterable[str]) -> Statistics:
    lengths, first, vocabulary = array("d"), Counter[str](), set[str]()
    for text in texts:
        sentence = words(text)
        lengths.append(len(text.split()))
        first.update(sentence[:1])
        vocabulary.update(sentence)
    return {
        "instructions": len(lengths),
        **_percentiles("words", lengths),
        "words, mean": _mean(lengths),
        "vocabulary": len(vocabulary),
        "first words": " ".join(word for word, _ in first.most_common(FIRST_WORDS)),
    }


def coverage(known: Collection[str], root: Path) -> float:
    """Returns the fraction of known words in REVERIE's training instructions, weighted by frequency."""
    from training.datasets.reverie import read_items

    spoken = [w for i in read_items(root)[0] if i.split == "train" for text in i.instructions for w in words(text)]
    return _mean(np.asarray([word in known for word in spoken]))


def _percentiles(name: str, values: array[float] | NDArray[Any]) -> Statistics:
    if not len(values):
        return {}
    return {f"{name}, {p} %": float(v) for p, v in zip((5, 50, 95), np.percentile(values, (5, 50, 95)), strict=True)}


def _mean(values: array[float] | NDArray[Any]) -> float:
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
    """Prints the table; returns the exit status.

    Raises:
        CommandError: The model is for a column that was not asked for.
    """
    if args.model is not None and args.reverie is None:
        raise CommandError(f"--model is {args.model!r}, expected it only with --reverie, whose words it is asked for")
    columns: dict[str, Statistics] = {}
    for path in args.datasets:
        data = Dataset(path)
        columns[str(path)] = statistics(data)
        if args.reverie is not None:
            known = {word for text in data.column("text") for word in words(text)}
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
