"""Generates views of homes with instructions, reproducible from the home's seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import difficulty
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.homes import camera_effects
from mdsm_ros.homes.furnishing.stock import StockOptions, open_stock
from mdsm_ros.homes.home import Room
from mdsm_ros.homes.layout import build_home
from mdsm_ros.homes.speech.instructions import NOT_IN_VIEW_SHARE, Sentence, Speaker
from mdsm_ros.homes.views.cameras import sample_pose
from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer, View
from mdsm_ros.homes.views.seen import TARGET_AREA, Seen, look

SEEDS_PER_SPLIT = 1_000_000
SPLIT_SEEDS = {name: i * SEEDS_PER_SPLIT for i, name in enumerate(("train", "val", "test", "demo"))}
"""First home seed of every split."""

POSES_PER_ROOM = 16
VIEWS_PER_ROOM = 6
MIN_TARGETS = 6
MAX_OCCLUSION = 0.75  # largest hidden fraction of a target's silhouette


@dataclass(frozen=True)
class Talk:
    """Settings of the instructions of a view.

    Attributes:
        sentences: Number of attempts; not every view has targets of the drawn areas.
        not_in_view_share: Fraction of the attempts about absent objects; some find no plausible one.
        several: Fraction of the attempts that ask for several objects; some views have no two that fit together.
    """

    sentences: int = 6
    not_in_view_share: float = NOT_IN_VIEW_SHARE
    several: float = 0.0

    @property
    def recipe(self) -> dict[str, float]:
        """Returns the settings as recorded in a dataset; "several" only if it is used."""
        return {name: value for name, value in asdict(self).items() if name != "several" or value}


DEFAULT_TALK = Talk()


@dataclass(frozen=True)
class Sample:
    """One view of a room, with its visible items and instructions.

    Attributes:
        occlusion: Hidden fraction of the silhouette, for the targets of sentences.
    """

    room: Room
    view: View
    seen: list[Seen]
    sentences: list[Sentence]
    occlusion: dict[int, float]


def room_samples(
    room: Room,
    rng: np.random.Generator,
    views: int,
    size: tuple[int, int] = (320, 240),
    depth: bool = True,
    talk: Talk = DEFAULT_TALK,
    poses: int = POSES_PER_ROOM,
) -> Iterator[Sample]:
    """Renders up to ``views`` views of a room with at least two instructions each, from at most ``poses`` poses."""
    with RoomRenderer(room, *size) as renderer:
        for _ in range(poses):
            pose = sample_pose(room, rng)
            items = None if pose is None else renderer.items(pose)
            if pose is None or items is None or not _worth_a_look(items):
                continue
            view = renderer.render(pose, depth=depth, items=items)
            seen = look(room, view)
            speaker = Speaker(room, seen, view.items.size, rng)
            sentences = speaker.sentences(talk.sentences, talk.not_in_view_share, talk.several)
            targets = dict.fromkeys(target for sentence in sentences for target in sentence.targets)
            occlusion = {target: _occlusion(renderer, pose, view, target) for target in targets}
            sentences = [s for s in sentences if all(occlusion[target] <= MAX_OCCLUSION for target in s.targets)]
            if len(sentences) >= 2:
                yield Sample(room, view, seen, sentences, occlusion)
                views -= 1
            if views == 0:
                return


def _worth_a_look(items: NDArray[np.int16]) -> bool:
    """Whether several items are large enough for targets."""
    indices, areas = np.unique(items, return_counts=True)
    large = sum(index >= 0 and area >= TARGET_AREA * items.size for index, area in zip(indices, areas, strict=True))
    enough: bool = large >= MIN_TARGETS
    return enough


def _occlusion(renderer: RoomRenderer, pose: CameraPose, view: View, index: int) -> float:
    visible = int(np.count_nonzero(view.items == index))
    return 1.0 - visible / max(visible, int(np.count_nonzero(renderer.alone(pose, index))))


def home_samples(
    seed: int,
    size: tuple[int, int] = (320, 240),
    depth: bool = True,
    talk: Talk = DEFAULT_TALK,
    stock: StockOptions | None = None,
) -> list[Sample]:
    """Yields all samples of the home of one seed, furnished from the library if ``stock`` is given."""
    rng = np.random.default_rng((seed, 2))
    home = build_home(seed, None if stock is None else open_stock(stock))
    return [sample for room in home.rooms for sample in room_samples(room, rng, VIEWS_PER_ROOM, size, depth, talk)]


def write_home(
    writer: DatasetWriter,
    seed: int,
    *,
    split: str,
    size: tuple[int, int],
    depth: bool,
    talk: Talk = DEFAULT_TALK,
    stock: StockOptions | None = None,
    camera: str = "real",
) -> None:
    """Adds all samples of a home to a dataset, as seen by a camera of :data:`mdsm_ros.homes.camera_effects.CAMERAS`."""
    for number, sample in enumerate(home_samples(seed, size, depth, talk, stock)):
        taken = _photograph(sample, np.random.default_rng((seed, 3, number))) if camera == "real" else sample
        write_sample(writer, taken, split, f"home {seed}")


def _photograph(sample: Sample, rng: np.random.Generator) -> Sample:
    """Applies the effects of a real camera to the sample's image; everything else is unchanged."""
    return replace(sample, view=replace(sample.view, rgb=camera_effects.apply(sample.view.rgb, rng)))


def write_sample(writer: DatasetWriter, sample: Sample, split: str, scene: str, name: str | None = None) -> None:
    """Adds a sample to a dataset: the image, every visible item, and the instructions.

    ``name`` is the name of the image's file without folder and ending; None: the number of the image.
    """
    view, room = sample.view, sample.room
    image_id = writer.add_image(view.rgb, depth=view.depth, camera=view.camera, scene=scene, name=name)
    ids = {}
    for seen in sample.seen:
        known = {"color": seen.color, "room": room.kind, "size": seen.size, "pattern": seen.pattern}
        known["model"] = room.items[seen.index].model
        attributes = {name: value for name, value in known.items() if value}
        mask = view.items == seen.index
        occlusion = sample.occlusion.get(seen.index)
        ids[seen.index] = writer.add_annotation(image_id, seen.kind, mask, attributes, occlusion=occlusion)
    areas = {seen.index: seen.area / view.items.size for seen in sample.seen}
    for sentence in sample.sentences:
        targets = sentence.targets
        share = min(areas[target] for target in targets) if targets else 1.0
        occlusion = max(sample.occlusion[target] for target in targets) if targets else None
        writer.add_instruction(
            image_id,
            [ids[target] for target in targets],
            sentence.text,
            split=split,
            source="homes",
            expressions=sentence.expressions,
            distractors=sentence.distractors,
            difficulty=difficulty(sentence.expressions, sentence.distractors, share, occlusion),
        )
