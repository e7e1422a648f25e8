"""``mdsm-data demo-bag``: records the bag of the demo in a home that no training, validation or test seed used.

The robot drives from room to room, stops, receives an instruction, and looks at the target while it sways a little,
like a base with a lifted arm. So an instruction stays true as long as it applies. ``--labels`` writes the ground-truth
masks of every image for more instructions than the current one, like a person who labels the recording. With
``--motion turn``, the robot turns away instead until the target has left the view, and back.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mdsm_ros.arguments import count as positive_count
from mdsm_ros.arguments import image_size, natural, positive_number
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.demo.bag_writer import Shot, stamp_of, write_recording
from mdsm_ros.errors import DemoError
from mdsm_ros.homes import CATEGORIES
from mdsm_ros.homes.camera_effects import CAMERAS, IDEAL, Strengths, expose
from mdsm_ros.homes.furnishing import options
from mdsm_ros.homes.furnishing.stock import open_stock
from mdsm_ros.homes.generate import POSES_PER_ROOM, SPLIT_SEEDS, Sample, room_samples, write_sample
from mdsm_ros.homes.home import Home
from mdsm_ros.homes.layout import build_home
from mdsm_ros.homes.speech.instructions import Sentence
from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer
from mdsm_ros.homes.views.seen import look

STOPS = 11  # stops per home, each with an instruction; the middle one names an object that is not in view
HOLD = 5.0  # duration of an instruction in seconds
SWAY = 0.06  # metres to either side
TURN = np.deg2rad(75.0)  # away from the target and back: further than the lens is wide
MOTIONS = ("sway", "turn")
VIEWS_PER_ROOM = 4
POSES_PER_VIEW = 3  # not every pose sees enough
SPARE = 2  # views searched per stop: not every room has that many, and not every view has an instruction
START = 1_700_000_000 * 10**9  # ns, stamp of the first frame


@dataclass(frozen=True)
class Pace:
    """How fast a recording is: images a second, and seconds at each stop."""

    rate: float
    hold: float

    @property
    def frames(self) -> int:
        """Number of images at each stop."""
        return max(1, round(self.rate * self.hold))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the bag; must not exist")
    parser.add_argument(
        "--split", choices=SPLIT_SEEDS, default="demo", help="split of the homes (default: %(default)s)"
    )
    parser.add_argument("--seed", type=natural, default=0, help="number of the first home (default: %(default)s)")
    parser.add_argument(
        "--stops",
        type=positive_count,
        default=STOPS,
        help="number of views per home, each with an instruction (default: %(default)s)",
    )
    parser.add_argument(
        "--hold", type=positive_number, default=HOLD, help="seconds at each stop (default: %(default)g)"
    )
    parser.add_argument(
        "--seconds",
        type=positive_number,
        help="length of the recording in seconds; it continues in the next home after the last stop (default: one "
        "home)",
    )
    parser.add_argument("--rate", type=positive_number, default=4.0, help="images per second (default: %(default)g)")
    parser.add_argument(
        "--size", type=image_size, default=(640, 480), metavar="WxH", help="size of the images (default: 640x480)"
    )
    options.add_arguments(parser)
    parser.add_argument(
        "--labels",
        type=Path,
        help="folder of a dataset to write: the images with several instructions and ground-truth masks",
    )
    parser.add_argument("--depth", action="store_true", help="also write depth images, 16UC1 in mm (REP-118)")
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
    """Writes the bag, and the labels where asked to; returns the exit status."""
    for folder in (args.out, args.labels):
        if folder is not None and folder.exists():
            raise FileExistsError(f"{folder} exists, expected a new folder")
    chosen = options.chosen_stock(args, args.split)
    stock = None if chosen is None else open_stock(chosen)
    homes = (build_home(SPLIT_SEEDS[args.split] + seed, stock) for seed in count(args.seed))
    stops = chain.from_iterable(
        choose_stops(home, args.size, np.random.default_rng(home.seed), args.stops) for home in homes
    )
    total = max(1, round((args.seconds or args.stops * args.hold) * args.rate))
    pace = Pace(args.rate, args.hold)
    labels = None if args.labels is None else DatasetWriter(args.labels, CATEGORIES, info={"source": "demo-bag"})
    about = {"depth": args.depth, "camera": args.camera, "motion": args.motion}
    shots = islice(film(stops, args.size, pace, **about, labels=labels), total)
    write_recording(args.out, tqdm(shots, total=total, unit="frame"), rate=args.rate, start=START)
    if labels is not None:
        labels.close()
    return 0


def choose_stops(
    home: Home, size: tuple[int, int], rng: np.random.Generator, number: int = STOPS
) -> list[tuple[Sample, Sentence]]:
    """Views of all rooms in turn, with an instruction for each; the middle one is about an absent object.

    Raises:
        DemoError: The home has too few views that are suitable for an instruction.
    """
    views_per_room = VIEWS_PER_ROOM if number == STOPS else -(-SPARE * number // len(home.rooms))
    poses = max(POSES_PER_ROOM, POSES_PER_VIEW * views_per_room)
    samples = [list(room_samples(room, rng, views_per_room, size, depth=False, poses=poses)) for room in home.rooms]
    in_turn = [views[i] for i in range(views_per_room) for views in samples if i < len(views)]
    stops: list[tuple[Sample, Sentence]] = []
    for sample in in_turn:
        absent = len(stops) == number // 2
        fitting = [s for s in sample.sentences if (s.target is None) == absent]
        if fitting:
            stops.append((sample, fitting[int(rng.integers(len(fitting)))]))
        if len(stops) == number:
            return stops
    raise DemoError(f"home {home.seed} has only {len(stops)} views for an instruction, expected {number}")


def film(
    stops: Iterable[tuple[Sample, Sentence]],
    size: tuple[int, int],
    pace: Pace,
    *,
    depth: bool,
    camera: str,
    motion: str = "sway",
    labels: DatasetWriter | None = None,
) -> Iterator[Shot]:
    """The frames of all stops, each with its own camera settings; possible instructions go to ``labels``."""
    stamps = (stamp_of(i, pace.rate, START) for i in count())
    for sample, sentence in stops:
        rng = np.random.default_rng((sample.room.seed, 4))
        strengths = Strengths.draw(rng) if camera == "real" else IDEAL
        with RoomRenderer(sample.room, *size) as renderer:
            for phase in np.linspace(0, 2 * np.pi, pace.frames, endpoint=False):
                view = renderer.render(_moved(sample.view.pose, motion, phase), depth=depth)
                truth = np.zeros(view.items.shape, bool) if sentence.target is None else view.items == sentence.target
                rgb = expose(view.rgb, strengths, rng)
                if labels is not None:
                    _label(labels, replace(sample, view=replace(view, rgb=rgb, depth=None)), str(next(stamps)))
                yield Shot(rgb, truth, view.camera, sentence.text, view.depth)


def _label(labels: DatasetWriter, sample: Sample, name: str) -> None:
    """Adds a view with all that was said about its stop, except for what the sway has moved out of sight."""
    seen = look(sample.room, sample.view)
    in_sight = {item.index for item in seen}
    sentences = [s for s in sample.sentences if s.target is None or s.target in in_sight]
    scene = f"home {sample.room.seed}"
    write_sample(labels, replace(sample, seen=seen, sentences=sentences), "test", scene, name)


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
