"""``mdsm-data homes``: renders homes into a dataset, furnished from the library of models where there is one."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

from mdsm_ros.arguments import count, image_size, natural, share
from mdsm_ros.errors import DatasetError
from mdsm_ros.homes import CATEGORIES
from mdsm_ros.homes.camera_effects import CAMERAS
from mdsm_ros.homes.furnishing import options
from mdsm_ros.homes.furnishing.stock import StockChanged
from mdsm_ros.homes.generate import DEFAULT_TALK, SEEDS_PER_SPLIT, SPLIT_SEEDS, Talk, write_home
from training.cluster import add_worker_arguments
from training.datasets.build import Plan, build


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the dataset")
    parser.add_argument(
        "--split", choices=sorted(SPLIT_SEEDS), default="train", help="name of the split, which determines the seeds"
    )
    parser.add_argument("--images", type=count, default=1000, help="number of views")
    parser.add_argument("--seed-offset", type=natural, default=0, help="first home within the split's seeds")
    parser.add_argument("--size", type=image_size, default=(320, 240), help="size of the views in pixels, WIDTHxHEIGHT")
    add_worker_arguments(parser)
    parser.add_argument("--no-depth", action="store_true", help="do not store depth")
    parser.add_argument(
        "--sentences",
        type=count,
        default=DEFAULT_TALK.sentences,
        help="number of attempts at an instruction per view (default: %(default)s)",
    )
    parser.add_argument(
        "--absent-share",
        type=share,
        default=DEFAULT_TALK.not_in_view_share,
        help="fraction of the attempts that name an absent object (default: %(default)s)",
    )
    parser.add_argument(
        "--several",
        type=share,
        default=DEFAULT_TALK.several,
        help="fraction of the attempts that ask for several objects: 'both cups', 'the cup and the plate', "
        "'everything on the table' (default: %(default)s)",
    )
    options.add_arguments(parser)
    parser.add_argument(
        "--camera",
        choices=CAMERAS,
        default="real",
        help="real: blur, noise, exposure, colours and JPEG of a camera; ideal: as rendered (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or goes on with one that was interrupted; returns the exit status."""
    first = SPLIT_SEEDS[args.split] + args.seed_offset
    depth = not args.no_depth
    talk = Talk(args.sentences, args.absent_share, args.several)
    recipe = {"split": args.split, "first_seed": first, "images": args.images, "size": list(args.size), "depth": depth}
    recipe |= talk.recipe | {"camera": args.camera}
    stock = options.chosen_stock(args, args.split)
    if stock is not None:
        recipe |= stock.recipe
    make = partial(
        write_home, split=args.split, size=args.size, depth=depth, talk=talk, camera=args.camera, stock=stock
    )
    plan = Plan(
        root=args.out,
        units=range(first, SPLIT_SEEDS[args.split] + SEEDS_PER_SPLIT),
        name="{:08d}".format,
        make=make,
        categories=CATEGORIES,
        info={"source": "homes", "recipe": recipe},
        limit=args.images,
    )
    began = time.monotonic()
    try:
        outcome = build(plan, args.workers, args.cluster)
    except StockChanged as error:
        raise DatasetError(str(error)) from error
    seconds = time.monotonic() - began
    print(f"{args.out}: {outcome.images} images, {outcome.instructions} instructions in {seconds:.1f} s")
    return 0
