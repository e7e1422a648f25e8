"""Views of homes with their instructions, in parallel, reproducible from the home's seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.annotation_writer import DatasetWriter
from mdsm_ros.homes.cameras import sample_pose
from mdsm_ros.homes.home import Room, build_home
from mdsm_ros.homes.instructions import Sentence, Speaker
from mdsm_ros.homes.relations import TARGET_AREA, Seen, look
from mdsm_ros.homes.scene import RoomRenderer, View

SPLIT_SEEDS = {"train": 0, "val": 1_000_000, "test": 2_000_000, "demo": 3_000_000}
"""First home seed of every split; a split has a million seeds to itself."""

POSES_PER_ROOM = 14
VIEWS_PER_ROOM = 6
SENTENCES_PER_VIEW = 6
MIN_OBJECTS = 3


@dataclass(frozen=True)
class Sample:
    """One view of a room, what is visible in it, and what is said about it."""

    room: Room
    view: View
    seen: list[Seen]
    sentences: list[Sentence]


def room_samples(
    room: Room, rng: np.random.Generator, views: int, size: tuple[int, int] = (320, 240), depth: bool = True
) -> Iterator[Sample]:
    """Renders up to ``views`` views of a room in which at least two instructions can be given."""
    with RoomRenderer(room, *size) as renderer:
        for _ in range(POSES_PER_ROOM):
            pose = sample_pose(room, rng)
            if pose is None or not _worth_a_look(room, renderer.items(pose)):
                continue
            view = renderer.render(pose, depth=depth)
            seen = look(room, view)
            sentences = Speaker(room, seen, rng).sentences(SENTENCES_PER_VIEW)
            if len(sentences) >= 2:
                yield Sample(room, view, seen, sentences)
                views -= 1
            if views == 0:
                return


def _worth_a_look(room: Room, items: NDArray[np.int16]) -> bool:
    """Several objects (furniture does not count) are large enough to be asked for."""
    indices, areas = np.unique(items, return_counts=True)
    large = [i for i, area in zip(indices, areas, strict=True) if i >= 0 and area >= TARGET_AREA * items.size]
    return sum(not room.items[i].furniture for i in large) >= MIN_OBJECTS


def home_samples(seed: int, size: tuple[int, int] = (320, 240), depth: bool = True) -> list[Sample]:
    """All samples of the home of one seed."""
    rng = np.random.default_rng((seed, 2))
    home = build_home(seed)
    return [sample for room in home.rooms for sample in room_samples(room, rng, VIEWS_PER_ROOM, size, depth)]


def generate(seeds: range, size: tuple[int, int], depth: bool, workers: int) -> Iterator[Sample]:
    """Samples of many homes in the order of their seeds, whatever the number of workers."""
    make = partial(home_samples, size=size, depth=depth)
    if workers <= 1:
        for seed in seeds:
            yield from make(seed)
        return
    # spawn: a GL context does not survive a fork
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        pending = [pool.submit(make, seed) for seed in seeds[: 2 * workers]]
        for seed in seeds[2 * workers :]:
            yield from pending.pop(0).result()
            pending.append(pool.submit(make, seed))
        for future in pending:
            yield from future.result()


def write_sample(writer: DatasetWriter, sample: Sample, split: str) -> None:
    """Adds a sample to a dataset: the image, every visible item, and the instructions."""
    view, room = sample.view, sample.room
    image_id = writer.add_image(view.rgb, depth=view.depth, camera=view.camera)
    ids = {}
    for seen in sample.seen:
        attributes = {"color": seen.color, "room": room.kind} | ({"size": seen.size} if seen.size else {})
        ids[seen.index] = writer.add_annotation(image_id, seen.kind, view.items == seen.index, attributes)
    for sentence in sample.sentences:
        writer.add_instruction(
            image_id,
            [] if sentence.target is None else [ids[sentence.target]],
            sentence.text,
            split=split,
            source="homes",
            expressions=sentence.expressions,
            distractors=sentence.distractors,
        )
