"""``mdsm-data demo-bag``: records the bag of the demo in a home that no training, validation or test seed used.

The robot goes from room to room, stops, is told what to look for, and looks at it while it sways a little, as a base
with a lifted arm does; so an instruction stays true as long as it is in force. With ``--motion turn`` it turns away
instead until the target has left the view, and back.
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

INSTRUCTIONS = 11  # in a home; the one in the middle names something that is not in view
HOLD = 5.0  # seconds that an instruction is in force
SWAY = 0.06  # metres to either side
TURN = np.deg2rad(75.0)  # away from the target and back: further than the lens is wide
MOTIONS = ("sway", "turn")
VIEWS_PER_ROOM = 4
START = 1_700_000_000 * 10**9  # ns, stamp of the first frame


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the bag; must not exist")
    parser.add_argument("--seed", type=int, default=0, help="the first of the demo's homes (default: %(default)s)")
    parser.add_argument(
        "--seconds",
        type=positive_number,
        default=INSTRUCTIONS * HOLD,
        help="of the recording; it goes on in the next home after 55 (default: %(default)g)",
    )
    parser.add_argument("--rate", type=positive_number, default=4.0, help="images a second (default: %(default)g)")
    parser.add_argument(
        "--size", type=image_size, default=(640, 480), metavar="WxH", help="of the images (default: 640x480)"
    )
    options.add_arguments(parser)
    parser.add_argument("--depth", action="store_true", help="depth images as well, 16UC1 in mm (REP-118)")
    parser.add_argument(
        "--motion",
        choices=MOTIONS,
        default="sway",
        help="sway: the target stays in view; turn: it leaves the view and comes back (default: %(default)s)",
    )
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
    frames = film(stops, args.size, args.rate, depth=args.depth, camera=args.camera, motion=args.motion)
    shots = islice(frames, total)
    write_recording(args.out, tqdm(shots, total=total, unit="frame"), rate=args.rate, start=START)
    return 0


def choose_stops(home: Home, size: tuple[int, int], rng: np.random.Generator) -> list[tuple[Sample, Sentence]]:
    """Views of all rooms in turn, and what is said in each; the one about something absent comes in the middle.

    Raises:
        DemoError: the home has too few views that are worth an instruction.
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
    stops: Iterable[tuple[Sample, Sentence]],
    size: tuple[int, int],
    rate: float,
    *,
    depth: bool,
    camera: str,
    motion: str = "sway",
) -> Iterator[Shot]:
    """The frames of all stops, each taken with a camera of its own."""
    for sample, sentence in stops:
        rng = np.random.default_rng((sample.room.seed, 4))
        strengths = Strengths.draw(rng) if camera == "real" else IDEAL
        with RoomRenderer(sample.room, *size) as renderer:
            for phase in np.linspace(0, 2 * np.pi, max(1, round(rate * HOLD)), endpoint=False):
                view = renderer.render(_moved(sample.view.pose, motion, phase), depth=depth)
                truth = np.zeros(view.items.shape, bool) if sentence.target is None else view.items == sentence.target
                yield Shot(expose(view.rgb, strengths, rng), truth, view.camera, sentence.text, view.depth)


def _moved(pose: CameraPose, motion: str, phase: float) -> CameraPose:
    """The pose at a phase of the motion, 0 to 2 pi; at 0 it is ``pose`` itself."""
    if motion == "turn":
        return _turn(pose, TURN * (1 - np.cos(phase)) / 2)
    return _sway(pose, SWAY * np.sin(phase))


def _turn(pose: CameraPose, angle: float) -> CameraPose:
    """Turned about the vertical through the camera, in radians."""
    x, y, z = np.subtract(pose.target, pose.position)
    turned = (np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, z)
    tx, ty, tz = np.add(pose.position, turned)
    return replace(pose, target=(float(tx), float(ty), float(tz)))


def _sway(pose: CameraPose, metres: float) -> CameraPose:
    x, y, z = np.add(pose.position, metres * pose.axes()[:, 0])
    return replace(pose, position=(float(x), float(y), float(z)))
