"""Writes images with their objects, and all sentences about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.dataset.format import difficulty
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import DatasetError
from training.datasets.text import count_expressions
from training.photos.by_eye import EyeSentence
from training.photos.coco import Picture, Thing
from training.photos.expressions import caption_target, expressions
from training.photos.faults import key
from training.photos.pixels import box_of, mask_of, read_picture
from training.photos.speech.queries import Judge
from training.photos.speech.scene import PictureObject, PictureScene, object_of
from training.photos.speech.several import SeveralSpeaker
from training.photos.speech.speaker import Speaker
from training.photos.speech.words.kinds import fits
from training.photos.splits import picture_key, split_of

SOURCE = "photos"
COCO_DIGITS = 12  # digits of the numbers in COCO's file names


@dataclass(frozen=True)
class Options:
    """The options that determine the sentences.

    Attributes:
        test, val: Fractions of the images held out for testing and validation.
        test_exhaustive: Fraction of the exhaustively annotated images held out for testing.
        per_picture: Largest number of generated sentences per image.
        absent: Fraction of these sentences about absent objects.
        seed: Random seed of the choice among sentences.
        several: Fraction of the generated sentences about several objects.
    """

    test: float
    val: float
    test_exhaustive: float
    per_picture: int
    absent: float
    seed: int
    several: float = 0.0

    @property
    def recipe(self) -> dict[str, float]:
        """Returns the options as recorded in a dataset; "several" only if it is used."""
        return {name: value for name, value in asdict(self).items() if name != "several" or value}

    def split(self, picture: Picture) -> str:
        """Returns the split of an image."""
        return split_of(picture.name, self.test_exhaustive if picture.all_labelled else self.test, self.val)


@dataclass(frozen=True)
class Slice:
    """A unit of work: some of the images, and the sentences that people wrote about them."""

    number: int
    pictures: tuple[Picture, ...]
    by_eye: tuple[tuple[EyeSentence, ...], ...]


@dataclass(frozen=True)
class Spoken:
    """A sentence about an image.

    Attributes:
        target: Position of its object; None: not in the image.
        others: Positions of further targets.
    """

    text: str
    target: int | None
    source: str
    origin: str
    expressions: int
    distractors: int
    others: tuple[int, ...] = ()


def write_slice(writer: DatasetWriter, unit: Slice, *, options: Options) -> None:
    """Adds some images with their objects and sentences to a dataset; records faults."""
    for picture, sentences in zip(unit.pictures, unit.by_eye, strict=True):
        try:
            pixels = read_picture(picture.path, picture.width, picture.height)
        except DatasetError as error:
            writer.problem(str(error))
            continue
        masks = _masks(writer, picture)
        if not masks:
            writer.count(key("images left out: no object with a usable mask", picture.name))
            continue
        _PictureWriter(writer, picture, pixels.rgb, masks, options).write(sentences, pixels.as_it_is)


def _masks(writer: DatasetWriter, picture: Picture) -> dict[int, NDArray[np.bool_]]:
    """Returns the usable masks of an image's objects by their positions."""
    masks = {}
    for position, thing in enumerate(picture.things):
        name = f"annotation {thing.id} of {picture.name}"
        try:
            masks[position], cut = mask_of(thing.record.get("segmentation"), picture.width, picture.height)
        except DatasetError as error:
            writer.count(key(f"annotations left out: {error}", name))
            continue
        if cut:
            writer.count(key("masks cut at the picture's edge", name))
    return masks


class _PictureWriter:
    """Writes one image with its objects and sentences."""

    def __init__(
        self,
        writer: DatasetWriter,
        picture: Picture,
        rgb: NDArray[np.uint8],
        masks: dict[int, NDArray[np.bool_]],
        options: Options,
    ) -> None:
        self.writer, self.picture, self.rgb, self.masks, self.options = writer, picture, rgb, masks, options
        self.scene = PictureScene(
            width=picture.width,
            height=picture.height,
            objects=tuple(self._object(i) for i in range(len(picture.things))),
            exhaustive=picture.exhaustive,
            broad=picture.all_labelled,
            masks=masks,
            unique=picture.unique,
        )

    def _object(self, position: int) -> PictureObject:
        thing = self.picture.things[position]
        if position in self.masks:
            return object_of(position, thing.kind, self.masks[position], self.rgb, certain=thing.certain)
        box = box_of(dict(thing.record), self.picture.width, self.picture.height)  # present, but its pixels are unknown
        return PictureObject(position, thing.kind, box, int((box[2] - box[0]) * (box[3] - box[1])), certain=False)

    def write(self, sentences: tuple[EyeSentence, ...], as_it_is: bool) -> None:
        """Stores the image, its objects and all sentences about it; stores nothing if there are no sentences."""
        spoken = list(self._distinct([*self._by_eye(sentences), *self._of_the_file(), *self._by_rule()]))
        if not spoken:
            self.writer.count(key("images left out: nothing can be said about them", self.picture.name))
            return
        name = scene_name(self.picture.name)
        if as_it_is:
            image_id = self.writer.add_image_file(self.picture.path, *self.rgb.shape[:2], scene=name)
        else:
            image_id = self.writer.add_image(self.rgb, scene=name)
        ids = {}
        for position, mask in self.masks.items():
            thing = self.picture.things[position]
            ids[position] = self.writer.add_annotation(
                image_id, thing.kind, mask, _reliability(thing), iscrowd=0 if thing.certain else 1
            )
        for sentence in spoken:
            self._add(image_id, ids, sentence)

    def _distinct(self, sentences: list[Spoken]) -> Iterator[Spoken]:
        seen = set()
        for sentence in sentences:
            if sentence.text.lower() in seen:
                self.writer.count("sentences left out: there already about the same picture")
            else:
                seen.add(sentence.text.lower())
                yield sentence

    def _by_eye(self, sentences: tuple[EyeSentence, ...]) -> Iterator[Spoken]:
        positions = {thing.id: i for i, thing in enumerate(self.picture.things)}
        for sentence in sentences:
            position = positions[sentence.annotation]
            if position in self.masks:
                origin = f"eye/{sentence.writer}/{sentence.annotation}"
                yield self._counted(sentence.text, position, "eye", origin)
            else:
                self.writer.count(key("sentences left out: their annotation has no usable mask", self.picture.name))

    def _of_the_file(self) -> Iterator[Spoken]:
        judge = Judge(self.scene)
        for position, thing in enumerate(self.picture.things):
            for said in expressions(thing.record):
                if position in self.masks and thing.certain:
                    yield self._counted(said.text, position, said.source, f"annotation/{thing.id}")
                else:
                    name = f"annotation {thing.id} of {self.picture.name}"
                    self.writer.count(key("expressions left out: their annotation has no mask, or is a crowd", name))
        for caption in self.picture.captions:
            target = caption_target(caption, judge)
            if target is None:
                self.writer.count("captions left out: not clearly about one labelled object")
            else:
                yield self._counted(caption, target, "caption", f"caption/{self.picture.things[target].id}")

    def _by_rule(self) -> Iterator[Spoken]:
        content = f"{self.options.seed}/{picture_key(self.picture.name)}"
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "big"))
        speaker = Speaker(self.scene, rng)
        several = round(self.options.several * self.options.per_picture)
        said = speaker.sentences(self.options.per_picture - several, self.options.absent)
        for sentence in (*said, *(SeveralSpeaker(speaker, rng).sentences(several) if several else ())):
            yield Spoken(
                sentence.text,
                sentence.target,
                SOURCE,
                "rule",
                sentence.expressions,
                sentence.distractors,
                sentence.others,
            )

    def _counted(self, text: str, target: int, source: str, origin: str) -> Spoken:
        """Makes the record of an existing sentence, with counts from its words."""
        kind = self.picture.things[target].kind
        distractors = sum(fits(kind, o.kind) is True for o in self.scene.objects if o.index != target)
        return Spoken(text, target, source, origin, count_expressions(text), distractors)

    def _add(self, image_id: int, ids: Mapping[int, int], sentence: Spoken) -> None:
        targets = () if sentence.target is None else (sentence.target, *sentence.others)
        share = min((float(self.masks[target].mean()) for target in targets), default=1.0)
        self.writer.add_instruction(
            image_id,
            [ids[target] for target in targets],
            sentence.text,
            split=self.options.split(self.picture),
            source=sentence.source,
            expressions=sentence.expressions,
            distractors=sentence.distractors,
            difficulty=difficulty(sentence.expressions, sentence.distractors, share, None),
            origin=sentence.origin,
        )


def _reliability(thing: Thing) -> dict[str, str]:
    """Returns the file's rating of whether this is one whole object, "0" or "1", if there is one."""
    reliable = thing.record.get("reliable")
    return {"reliable": str(reliable)} if reliable in (0, 1) else {}


def exhaustive_groups(pictures: Sequence[Picture]) -> list[dict[str, list[str]]]:
    """Returns the completely labelled categories of groups of scenes, for a dataset's ``info["exhaustive"]``."""
    groups: dict[frozenset[str], list[str]] = {}
    for picture in pictures:
        if picture.exhaustive and picture.unique:
            groups.setdefault(picture.exhaustive, []).append(scene_name(picture.name))
    return [{"categories": sorted(kinds), "scenes": scenes} for kinds, scenes in groups.items()]


def scene_name(file_name: str) -> str:
    """Returns the name of an image in all collections: "COCO 89" as in ``mdsm-data refcoco``, else its number."""
    number = picture_key(file_name)
    return f"COCO {int(number)}" if number.isdigit() and len(number) == COCO_DIGITS else f"photo {number}"
