"""Command line options for the furnishing of homes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mdsm_ros.errors import CommandError
from mdsm_ros.homes.furnishing.stock import MODELS, StockOptions, choose_stock
from mdsm_ros.library import LibraryMissing

NONE = "none"
SPLIT_MODELS = {"train": "seen", "val": "seen"}
"""Models of the splits; "all" for the others."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--library",
        metavar="FOLDER",
        help="library of 3D models for homes, made by `mdsm-data library`; "
        f"{NONE!r} for procedural objects only (default: the library in the cache, if there is one)",
    )
    parser.add_argument(
        "--models",
        choices=MODELS,
        help="models of the library. seen: those for training; held-out: those reserved for evaluation, in categories "
        "that have some; all: both (default: seen for the splits train and val, else all)",
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="photographs to hang on the walls, JPEG, PNG or WebP"
    )


def chosen_stock(args: argparse.Namespace, split: str) -> StockOptions | None:
    """Returns the stock chosen by the options; None for procedural homes.

    Raises:
        CommandError: Models or pictures are chosen for procedural homes, which have neither.
        LibraryMissing: The given folder contains no library.
        DatasetError: The folder contains no photographs.
    """
    if args.library == NONE:
        _expect_no_choice(args, f"--library {NONE} shows procedural objects only")
        return None
    models = args.models or SPLIT_MODELS.get(split, "all")
    if args.library is not None:
        return choose_stock(Path(args.library), models, args.pictures)
    stock = stock_of_cache(models, args.pictures)
    if stock is None:
        _expect_no_choice(args, "there is no library, and homes are procedural")
    return stock


def _expect_no_choice(args: argparse.Namespace, reason: str) -> None:
    for name, value in (("--models", args.models), ("--pictures", args.pictures)):
        if value is not None:
            raise CommandError(f"{name} is {value}, expected none: {reason}")


def stock_of_cache(models: str, pictures: Path | None = None) -> StockOptions | None:
    """Returns the library in the cache; without one, returns None and prints on stderr how to get it.

    Args:
        models: One of :data:`MODELS`.
        pictures: Folder of photographs to hang on the walls.

    Raises:
        DatasetError: The folder contains no photographs.
    """
    try:
        return choose_stock(None, models, pictures)
    except LibraryMissing as missing:
        print(f"homes are procedural: {missing}", file=sys.stderr)
        return None
