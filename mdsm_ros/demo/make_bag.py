"""``mdsm-data demo-bag``: records the bag of the demo in a home that no training, validation or test seed used.

The robot drives from room to room, stops, receives an instruction, and looks at the target while it sways a little,
like a base with a lifted arm. So an instruction stays true as long as it applies.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, count, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mdsm_ros.arguments import image_size, positive_number
from mdsm_ros.demo.bag_writer import Shot, write_recording
from mdsm_ros.errors import DemoError
from mdsm_ros.homes.camera_effects import CAMERAS, IDEAL, Strengths, expose
from mdsm_ros.homes.furnishing import options
from mdsm_ros.homes.furnishing.stock import open_stock
from mdsm_ros.homes.generate import SPLIT_SEEDS, Sample, room_samples
from mdsm_ros.homes.home import Home
from mdsm_ros.homes.layout import build_home
from mdsm_ros.homes.speech.instructions import Sentence
from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer

INSTRUCTIONS = 11  # instructions per home; the middle one names an object that is not in view
HOLD = 5.0  # duration of an instruction in seconds
SWAY = 0.06  # metres to either side
VIEWS_PER_ROOM = 4
START = 1_700_000_000 * 10**9  # ns, stamp of the first frame


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the bag; must not exist")
    parser.add_argument("--seed", type=int, default=0, help="number of the first home (default: %(default)s)")
    parser.add_argument(
        "--seconds",
        type=positive_number,
        default=INSTRUCTIONS * HOLD,
        help="length of the recording in seconds; it continues in the next home after 55 (default: %(default)g)",
    )
    parser.add_argument("--rate", type=positive_number, default=4.0, help="images per second (default: %(default)g)")
    parser.add_argument(
        "--size", type=image_size, default=(640, 480), metavar="WxH", help="size of the images (default: 640x480)"
    )
    options.add_arguments(parser)
    parser.add_argument("--depth", action="store_true", help="also write depth images, 16UC1 in mm (REP-118)")
    parser.add_argument(
        "--camera",
        choices=CAMERAS,
        default="real",
        help="real: blur, noise, exposure, colours and JPEG of a camera; ideal: as rendered (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the bag; returns the exit status."""
    if args.out.exists():
        raise FileExistsError(f"{args.out} exists, expected a new folder")
    chosen = options.chosen_stock(args, "demo")
    stock = None if chosen is None else open_stock(chosen)
    homes = (build_home(SPLIT_SEEDS["demo"] + seed, stock) for seed in count(args.seed))
    stops = chain.from_iterable(choose_stops(home, args.size, np.random.default_rng(home.seed)) for home in homes)
    total = max(1, round(args.seconds * args.rate))
    shots = islice(film(stops, args.size, args.rate, depth=args.depth, camera=args.camera), total)
    write_recording(args.out, tqdm(shots, total=total, unit="frame"), rate=args.rate, start=START)
    return 0


def choose_stops(home: Home, size: tuple[int, int], rng: np.random.Generator) -> list[tuple[Sample, Sentence]]:
    """Views of all rooms in turn, with an instruction for each; the middle one is about an absent object.

    Raises:
        DemoError: The home has too few views that are suitable for an instruction.
    """
    samples = [list(room_samples(room, rng, VIEWS_PER_ROOM, size, depth=False)) for room in home.rooms]
    in_turn = [views[i] for i in range(VIEWS_PER_ROOM) for views in samples if i < len(views)]
    stops: list[tuple[Sample, Sentence]] = []
    for sample in in_turn:
        absent = len(stops) == INSTRUCTIONS // 2
        fitting = [s for s in sample.sentences if (s.target is None) == absent]
        if fitting:
            stops.append((sample, fitting[int(rng.integers(len(fitting)))]))
        if len(stops) == INSTRUCTIONS:
            return stops
    raise DemoError(f"home {home.seed} has only {len(stops)} views for an instruction, expected {INSTRUCTIONS}")


def film(
    stops: Iterable[tuple[Sample, Sentence]], size: tuple[int, int], rate: float, *, depth: bool, camera: str
) -> Iterator[Shot]:
    """The frames of all stops, each with its own camera settings."""
    for sample, sentence in stops:
        rng = np.random.default_rng((sample.room.seed, 4))
        strengths = Strengths.draw(rng) if camera == "real" else IDEAL
        with RoomRenderer(sample.room, *size) as renderer:
            for phase in np.linspace(0, 2 * np.pi, max(1, round(rate * HOLD)), endpoint=False):
                view = renderer.render(_sway(sample.view.pose, SWAY * np.sin(phase)), depth=depth)
                truth = np.zeros(view.items.shape, bool) if sentence.target is None else view.items == sentence.target
                yield Shot(expose(view.rgb, strengths, rng), truth, view.camera, sentence.text, view.depth)


def _sway(pose: CameraPose, metres: float) -> CameraPose:
    x, y, z = np.add(pose.position, metres * pose.axes()[:, 0])
    return replace(pose, position=(float(x), float(y), float(z)))
