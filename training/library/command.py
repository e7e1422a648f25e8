"""``mdsm-data library``: makes the library of real models that homes are furnished with, and shows it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from mdsm_ros.arguments import count
from mdsm_ros.errors import CommandError, DatasetError, MissingPackageError
from mdsm_ros.extras import install_line
from mdsm_ros.library import store

DOWNLOADS_FOLDER = "downloads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--cache", type=Path, default=None, help=f"folder of the cache (default: {_shown_default()})")
    parser.add_argument(
        "--from",
        dest="sources",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="downloaded files to use instead of downloading: .deb, .sh3f, wheels, or folders that contain them",
    )
    parser.add_argument(
        "--workers",
        type=count,
        help="number of converting processes (default: one for each core)",
    )
    parser.add_argument("--check", action="store_true", help="read every file of the cache, and convert nothing")
    parser.add_argument(
        "--sheets", type=Path, metavar="FOLDER", help="draw contact sheets of the cache, and convert nothing"
    )
    parser.add_argument("--credits", type=Path, metavar="FILE", help="write the attribution page, and convert nothing")


def _shown_default() -> str:
    return "$XDG_CACHE_HOME/mdsm_ros/library"


def run(args: argparse.Namespace) -> int:
    """Does what the options ask for; returns the exit status, 1 where ``--check`` finds damage."""
    try:
        return _run(args, args.cache or store.default_folder())
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"mdsm-data library needs {error.name}, of the extras library and sim, which is not installed; install "
            f"with: {install_line('library', 'sim')} (meshoptimizer is compiled and needs a C++ compiler, g++)"
        ) from error


def _run(args: argparse.Namespace, folder: Path) -> int:
    for name, value in (("from", args.sources and args.sources[0]), ("workers", args.workers)):
        if value is not None and (args.check or args.sheets or args.credits):
            raise CommandError(f"--{name} is {value}, expected none with --check, --sheets or --credits")
    if args.sheets:
        from training.library.sheets import draw_sheets

        for path in draw_sheets(folder, args.sheets):
            print(path)
    if args.credits:
        from training.library.credits import credits_page, usable_table

        store.write_atomically(args.credits, credits_page(folder).encode())
        print(usable_table(folder))
    if args.check:
        from training.library.verify import check

        return check(folder)
    if not (args.sheets or args.credits):
        _build(folder, args.sources, args.workers or os.cpu_count() or 1)
    return 0


def _build(folder: Path, paths: list[Path] | None, workers: int) -> None:
    from training.library.catalogue import LEFT_OUT, find_items
    from training.library.convert import convert, write_index
    from training.library.fetch import fetch
    from training.library.sources import expand
    from training.library.textures import convert_textures

    began = time.monotonic()
    downloads = folder / DOWNLOADS_FOLDER
    sources = expand(fetch(downloads) if paths is None else paths, downloads)
    items, credits = find_items(sources)
    outcome = convert(items, folder, workers)
    if not outcome.records:
        raise DatasetError(f"none of {len(items)} models could be converted: {next(iter(outcome.failed.values()))}")
    textures, bad_textures = convert_textures(sources, folder)
    outcome.failed |= bad_textures
    write_index(folder, outcome, textures, credits, LEFT_OUT)
    for name, reason in outcome.failed.items():
        print(f"not converted: {name}: {reason}", file=sys.stderr)
    print(
        f"{folder}: {len(outcome.records)} models ({outcome.made} converted now), "
        f"{sum(map(len, textures.values()))} textures, {len(outcome.failed)} failed, "
        f"{time.monotonic() - began:.1f} s"
    )
