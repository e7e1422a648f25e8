"""``mdsm-data homes``: renders procedural homes into a dataset."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from mdsm_ros.annotation_writer import DatasetWriter
from mdsm_ros.homes import CATEGORIES
from mdsm_ros.homes.generate import SPLIT_SEEDS, generate, write_sample

SEEDS_PER_SPLIT = 1_000_000


def image_size(text: str) -> tuple[int, int]:
    """Parses WIDTHxHEIGHT."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT") from error
    if not (32 <= width <= 4096 and 32 <= height <= 4096):
        raise argparse.ArgumentTypeError(f"{text!r} is out of range, expected 32 to 4096 pixels a side")
    return width, height


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument(
        "--split", choices=sorted(SPLIT_SEEDS), default="train", help="which seeds, and the split's name"
    )
    parser.add_argument("--images", type=int, default=1000, help="number of views")
    parser.add_argument("--seed-offset", type=int, default=0, help="first home within the split's seeds")
    parser.add_argument("--size", type=image_size, default=(320, 240), help="WIDTHxHEIGHT of the views, pixels")
    parser.add_argument("--workers", type=int, default=1, help="rendering processes")
    parser.add_argument("--no-depth", action="store_true", help="do not store depth")


def run(args: argparse.Namespace) -> int:
    """Writes the dataset; returns the exit status."""
    first = SPLIT_SEEDS[args.split] + args.seed_offset
    seeds = range(first, SPLIT_SEEDS[args.split] + SEEDS_PER_SPLIT)
    samples = generate(seeds, args.size, not args.no_depth, args.workers)
    with DatasetWriter(args.out, CATEGORIES) as writer, tqdm(total=args.images, unit="image") as progress:
        for _, sample in zip(range(args.images), samples, strict=False):
            write_sample(writer, sample, args.split)
            progress.update()
    return 0


def main() -> int:
    """Entry point of ``python -m training.generate_homes``."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
