"""Writes composed images and their sentences, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from mdsm_ros.dataset.format import difficulty
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from mdsm_ros.homes.speech.queries import Query
from training.compose.bank import Bank
from training.compose.canvas import SceneObject
from training.compose.picture import Composed, Composer
from training.compose.rendered import LIBRARY_ORIGIN, Shelf
from training.photos.speech.scene import PictureScene, scene_of
from training.photos.speech.speaker import Speaker
from training.photos.speech.words.kinds import fits

SOURCE = "compose"
ATTEMPTS = 20  # attempts for each image
MAX_OCCLUSION = 0.15  # largest occlusion of an object that a sentence names
SIZES = frozenset({"largest", "smallest"})
DEPTHS = frozenset({"closest to camera", "farthest from camera"})  # the depth of pasted objects is uncertain
MAX_HIDDEN_SIZE = 0.15  # largest occlusion of an object whose size a sentence compares
MIN_SHARE = 0.02  # least visible fraction of the image for a pasted object that a sentence names
MIN_OWN_SHARE = 0.04  # the same for the photograph's own objects, which were not checked for being whole
MIN_CUT_SHARE = 0.06  # the same for one at the border, which may cut off the rest of it
MIN_LIGHT = 28  # mean, of 255; a darker object is a black shape


@dataclass(frozen=True)
class Options:
    """The options that determine the content of a composed dataset.

    Attributes:
        data: Folders of the datasets with the photographs.
        split: Split of the photographs and of the sentences.
        longer_side: Longer side of the images in pixels.
        objects: Smallest and largest number of pasted objects.
        sentences: Largest number of sentences per image.
        absent_fraction: Fraction of the sentences about absent objects.
        seed: Random seed.
        library: Folder of the library's cache; None: no models.
        rendered: Fraction of library models among the objects.
    """

    data: tuple[Path, ...]
    split: str
    longer_side: int
    objects: tuple[int, int]
    sentences: int
    absent_fraction: float
    seed: int
    library: Path | None
    rendered: float


@lru_cache(maxsize=1)
def composer_of(options: Options) -> Composer:
    """Returns the composer, created once in each process."""
    cv2.setNumThreads(1)  # the processes share the cores
    bank = Bank(options.data, options.split, options.longer_side)
    shelf = None if options.library is None else Shelf(options.library, options.split)
    return Composer(bank, options.objects, shelf, options.rendered)


def write_part(writer: DatasetWriter, numbers: Sequence[int], *, options: Options) -> None:
    """Adds the images of some numbers to a dataset.

    Raises:
        DatasetError: No object fits into any photograph that was tried, or no sentence can be made.
    """
    composer = composer_of(options)
    for number in numbers:
        if not any(
            _write(writer, composer, np.random.default_rng((options.seed, number, attempt)), options)
            for attempt in range(ATTEMPTS)
        ):
            raise DatasetError(f"picture {number}: no object fits into any of the photographs that were tried")


def _write(writer: DatasetWriter, composer: Composer, rng: np.random.Generator, options: Options) -> bool:
    """Adds one image; returns False if there is no image, or no sentence about it."""
    picture = composer.compose(rng)
    if picture is None:
        return False
    scene = scene_of_picture(picture)
    said = Speaker(scene, rng, rooms=False).sentences(options.sentences, options.absent_fraction)
    sentences = [s for s in said if sizes_are_seen(s.query, picture) and is_told_apart(s.query, scene)]
    if not any(sentence.target is not None for sentence in sentences):
        return False
    image_id = writer.add_image(picture.rgb, scene=picture.scene)
    ids = _add_objects(writer, image_id, picture)
    for sentence in sentences:
        targets = [] if sentence.target is None else [ids[sentence.target]]
        fraction, occlusion = target_fraction(picture, sentence.target)
        writer.add_instruction(
            image_id,
            targets,
            sentence.text,
            split=options.split,
            source=SOURCE,
            expressions=sentence.expressions,
            distractors=sentence.distractors,
            difficulty=difficulty(sentence.expressions, sentence.distractors, fraction, occlusion),
            origin=picture.origin,
        )
    pasted = [thing for thing in picture.objects if thing.pasted]
    writer.count("objects pasted", len(pasted))
    writer.count("of them models of the library", sum(thing.origin.startswith(LIBRARY_ORIGIN) for thing in pasted))
    writer.count("sentences about objects that are not in the picture", sum(s.target is None for s in sentences))
    return True


def sizes_are_seen(query: Query, picture: Composed) -> bool:
    """Whether a description compares only visible properties: no depths, and no sizes of occluded objects."""
    if any(clause.statement in DEPTHS for clause in query.clauses):
        return False
    if any(clause.statement in SIZES for clause in query.clauses):
        hidden = [thing for thing in picture.objects if (thing.occlusion or 0.0) > MAX_HIDDEN_SIZE]
        if any(fits(query.kind, thing.category) is not False for thing in hidden):
            return False
    return all(sizes_are_seen(mark, picture) for clause in query.clauses for mark in clause.marks)


def is_told_apart(query: Query, scene: PictureScene) -> bool:
    """Whether no unclear object can be confused with a category in a description."""
    unclear = [thing.kind for thing in scene.objects if not thing.certain]
    if any(fits(query.kind, kind, absent=True) is None for kind in unclear):
        return False
    return all(is_told_apart(mark, scene) for clause in query.clauses for mark in clause.marks)


def _add_objects(writer: DatasetWriter, image_id: int, picture: Composed) -> list[int]:
    """Adds the annotations of an image; returns their ids in the order of its objects."""
    return [
        writer.add_annotation(
            image_id,
            thing.category,
            thing.mask,
            {"pasted_from": thing.origin} if thing.pasted else {},
            iscrowd=int(not thing.certain),
            occlusion=thing.occlusion,
        )
        for thing in picture.objects
    ]


def scene_of_picture(picture: Composed) -> PictureScene:
    """Returns the scene of a composed image; unclear objects are marked as uncertain."""
    uncertain = frozenset(i for i, thing in enumerate(picture.objects) if not is_clear(thing, picture))
    return scene_of(
        picture.rgb,
        [thing.category for thing in picture.objects],
        [thing.mask for thing in picture.objects],
        uncertain=uncertain,
        exhaustive=picture.exhaustive,
    )


def is_clear(thing: SceneObject, picture: Composed) -> bool:
    """Whether enough of an object is visible to recognize it, and its category is exhaustively labelled."""
    if not thing.certain or thing.category not in picture.exhaustive or (thing.occlusion or 0.0) > MAX_OCCLUSION:
        return False
    left, top, right, bottom = thing.box
    height, width = thing.mask.shape
    cut = left <= 1 or top <= 1 or right >= width - 1 or bottom >= height - 1
    least = MIN_CUT_SHARE if cut else MIN_SHARE if thing.pasted else MIN_OWN_SHARE
    return bool(thing.mask.mean() >= least and picture.rgb[thing.mask].mean() >= MIN_LIGHT)


def target_fraction(picture: Composed, index: int | None) -> tuple[float, float | None]:
    """Returns the fraction of the image that a target fills, and its occlusion; 1 and None without a target."""
    if index is None:
        return 1.0, None
    thing = picture.objects[index]
    return float(thing.mask.mean()), thing.occlusion
