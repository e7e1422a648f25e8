"""``mdsm-data time-homes``: what a view of a home costs, procedural and furnished from the library, in one run."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from mdsm_ros.arguments import count
from mdsm_ros.homes.furnishing import options
from mdsm_ros.homes.furnishing.stock import StockOptions
from mdsm_ros.homes.generate import SPLIT_SEEDS, home_samples

WARM_UP_SEED = SPLIT_SEEDS["test"] + 1


@dataclass
class Cost:
    """CPU seconds of all threads, and views that were made."""

    seconds: float = 0.0
    views: int = 0

    @property
    def per_view(self) -> float:
        """CPU seconds of one view."""
        return self.seconds / max(self.views, 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--homes", type=count, default=12, help="number of homes of each type (default: %(default)s)")
    options.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Renders homes of both sorts in turns and prints what a view costs; returns the exit status."""
    stock = options.chosen_stock(args, "test")
    costs = {"procedural": Cost()} | ({"library": Cost()} if stock is not None else {})
    home_samples(WARM_UP_SEED, depth=False)
    for seed in range(SPLIT_SEEDS["test"] + 10, SPLIT_SEEDS["test"] + 10 + args.homes):
        for name, cost in costs.items():
            _add(cost, seed, stock if name == "library" else None)
    for name, cost in costs.items():
        print(f"{name}: {cost.views} views of 320x240, {cost.per_view:.3f} CPU s each")
    if stock is not None:
        ratio = costs["library"].per_view / costs["procedural"].per_view
        print(f"ratio: {ratio:.2f}, reading the models for the first time included")
    return 0


def _add(cost: Cost, seed: int, stock: StockOptions | None) -> None:
    began = time.process_time()
    cost.views += len(home_samples(seed, depth=False, stock=stock))
    cost.seconds += time.process_time() - began
