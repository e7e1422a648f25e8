"""``mdsm-data zero-shot``: a standard segmentation model, trained on images of any origin, on unseen categories.

Zero-shot segmentation of Grounded Diffusion (arXiv 2301.05221, section 4.3): real images show the seen categories,
synthetic ones all, and the model is measured on real images with both. mIoU is the mean of the categories' IoU over all
pixels of all images, the harmonic mean that of seen and unseen categories. Every variant is trained from each seed;
finished parts are kept, so that the command resumes after a kill or after --max-seconds. It writes table.md and
results.json to --out, and below it the IoU of each category.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mdsm_ros.arguments import count, natural
from mdsm_ros.errors import CommandError

WHICH = ("all", "seen", "unseen")
SPECIFICATION = "NAME=FOLDER[:WHICH][,FOLDER[:WHICH] ...]"


def read_variant(text: str) -> tuple[str, list[tuple[Path, str]]]:
    """The name of a variant, and its datasets with the images to take of each.

    Raises:
        CommandError: The text has another form.
    """
    name, equals, places = text.partition("=")
    if not (name and equals and places):
        raise CommandError(f"--train is {text!r}, expected {SPECIFICATION}")
    origins = []
    for place in places.split(","):
        folder, colon, which = place.rpartition(":")
        folder, which = (folder, which) if colon else (place, "all")
        if which not in WHICH:
            raise CommandError(f"--train takes {which!r} of {folder!r}, expected one of {', '.join(WHICH)}")
        origins.append((Path(folder), which))
    return name, origins


def read_variants(texts: Sequence[str]) -> dict[str, list[tuple[Path, str]]]:
    """Several variants, each with a name of its own.

    Raises:
        CommandError: A text has another form, or a name occurs twice.
    """
    variants: dict[str, list[tuple[Path, str]]] = {}
    for name, origins in map(read_variant, texts):
        if name in variants:
            raise CommandError(f"--train names {name!r} twice, expected another name for each variant")
        variants[name] = origins
    return variants


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    from training.drawn.category_splits import SPLITS

    parser.add_argument("--config", type=Path, required=True, help="configuration, such as config/train/semantic.yaml")
    parser.add_argument("--categories", required=True, help=f"categories: {', '.join(SPLITS)}, or a YAML file")
    parser.add_argument(
        "--train",
        nargs="+",
        required=True,
        metavar="NAME=FOLDER",
        help=f"variants, as {SPECIFICATION}; WHICH is all, or seen or unseen for images without the others",
    )
    parser.add_argument("--limit", type=count, help="use N images of each folder (default: all)")
    parser.add_argument("--test-data", type=Path, required=True, help="dataset folder to measure on")
    parser.add_argument("--test-split", default="test", help="split of the test data (default: %(default)s)")
    parser.add_argument(
        "--seen-categories", type=count, metavar="N", help="only the first N seen categories (default: all)"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and results")
    parser.add_argument("--seeds", type=natural, nargs="+", default=[0, 1, 2])
    parser.add_argument("--max-seconds", type=float, help="time limit in seconds; run again to resume")
    parser.add_argument("--device", choices=("auto", "cpu"), default="auto")


def run(args: argparse.Namespace) -> None:
    """Trains and measures all unfinished variants; writes and prints a table."""
    from mdsm_ros.extras import require
    from training.drawn.category_splits import read_split
    from training.drawn.semantic.config import read_semantic_config

    variants = read_variants(args.train)
    config = read_semantic_config(args.config)
    split = read_split(args.categories).first_seen(args.seen_categories)
    require("accelerate", purpose="mdsm-data zero-shot")
    from training.drawn.semantic.run import Origin, Study, StudyOptions

    origins = {name: [Origin(root, which) for root, which in places] for name, places in variants.items()}
    options = StudyOptions(
        origins,
        args.test_data,
        args.out,
        split,
        args.seeds,
        args.test_split,
        args.limit,
        args.max_seconds,
        args.device,
    )
    Study(config, options).run()
