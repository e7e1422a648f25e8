"""``mdsm-data captions``: captioned pictures from a dataset, for a text-to-image model to learn from.

Around objects that are large enough to be seen, the dataset's images are cropped: "a photograph of a chair", or, where
things of two kinds are well visible in one crop, "a photograph of a chair and a table". The masks are those of all
things of the kinds that the caption names. Whole views are kept beside them, with a caption that lists what is seen and
with their own instructions, so that the language of instructions is learned as well.

``--questions`` asks for one kind at a time instead, "a photograph of a chair", of all that are well visible and of as
many that are not in the picture (``--absent-share``): for a segmentation model that shall say what is in a picture, and
where. With ``--categories``, training asks about seen categories alone, and tests about seen and unseen ones apart.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.arguments import count, natural, share
from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Annotation, Dataset, ImageRecord, Instruction
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import CommandError
from mdsm_ros.files import file_sha256
from mdsm_ros.language.prompts import photograph_of
from training.datasets.build import Plan, build
from training.datasets.text import count_expressions
from training.drawn.category_splits import SPLITS, read_split

SOURCE = "captions"
IMAGES_A_PART = 100
TRAIN, SEEN, UNSEEN = "train", "seen", "unseen"  # splits

# shares of the image or crop; tuned on homes of 256x192 pixels by looking at the result
MIN_PIXELS = 300  # of an object that a crop is made around: fewer show no shape
MIN_CUT_SHARE = 0.12  # an object that the image's border cuts is still recognised from so much of the image
MIN_CROP_SHARE = 0.1  # of the crop, for the object it is made around
MIN_PAIR_SHARE = 0.05  # of the crop, for each of two
MIN_VIEW_SHARE = 0.01  # of a whole view, for all things of a kind that its caption lists
CONTEXT = (1.15, 1.8)  # side of the crop by the longer side of the object
MIN_SIDE = 48  # pixels of a crop
MIN_KEPT = 16  # pixels; what shows less of itself in a crop is not annotated there
ABSENT_SHARE = 0.5  # of the questions about an image
OBJECTS_A_VIEW, PAIRS_A_VIEW, KINDS_A_CAPTION = 4, 2, 4

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class View:
    """An image of a dataset, its objects with their masks (H, W) by annotation id, and the instructions about it."""

    data: Dataset
    record: ImageRecord
    rgb: NDArray[np.uint8]
    objects: Sequence[Annotation]
    masks: Mapping[int, NDArray[np.bool_]]
    instructions: Sequence[Instruction]

    @property
    def splits(self) -> list[str]:
        """The splits of its instructions."""
        return sorted({instruction.split for instruction in self.instructions})

    def kind(self, thing: Annotation) -> str:
        """The name of an object's category."""
        return self.data.categories[thing.category_id]

    def well_visible(self) -> list[Annotation]:
        """The objects that a crop can be made around: whole and not too small, or cut but large."""
        height, width = self.record.height, self.record.width
        found = []
        for thing in self.objects:
            left, top, right, bottom = box_of(thing)
            whole = left > 0 and top > 0 and right < width and bottom < height
            enough = MIN_PIXELS if whole else MIN_CUT_SHARE * height * width
            if thing.area >= enough and not thing.iscrowd:
                found.append(thing)
        return found


def box_of(*things: Annotation) -> Box:
    """The smallest box around objects."""
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in (thing.bbox for thing in things)])
    left, top = corners[:, :2].min(axis=0)
    right, bottom = corners[:, 2:].max(axis=0)
    return int(left), int(top), int(np.ceil(right)), int(np.ceil(bottom))


def crop_around(box: Box, height: int, width: int, rng: np.random.Generator) -> Box:
    """A crop with the whole box somewhere in it: a square, unless the image is too small for one."""
    left, top, right, bottom = box
    side = max(MIN_SIDE, round(max(right - left, bottom - top) * rng.uniform(*CONTEXT)))
    side = min(side, height, width)
    across, down = max(side, right - left), max(side, bottom - top)
    x = int(rng.integers(max(0, right - across), min(left, width - across) + 1))
    y = int(rng.integers(max(0, bottom - down), min(top, height - down) + 1))
    return x, y, x + across, y + down


def crops(view: View, rng: np.random.Generator) -> Iterator[tuple[Box, tuple[str, ...]]]:
    """Crops around single objects and around pairs of different kinds, each with the kinds that its caption names."""
    visible = view.well_visible()
    singles = [(thing,) for thing in visible]
    pairs = [pair for pair in combinations(visible, 2) if view.kind(pair[0]) != view.kind(pair[1])]
    for groups, most, least in ((singles, OBJECTS_A_VIEW, MIN_CROP_SHARE), (pairs, PAIRS_A_VIEW, MIN_PAIR_SHARE)):
        made = 0
        for index in rng.permutation(len(groups)):
            group = groups[index]
            left, top, right, bottom = crop_around(box_of(*group), view.record.height, view.record.width, rng)
            needed = least * (right - left) * (bottom - top)
            if made < most and min(thing.area for thing in group) >= needed:
                yield (left, top, right, bottom), tuple(view.kind(thing) for thing in group)
                made += 1


def listed_kinds(view: View) -> list[str]:
    """The kinds that fill most of a whole view, the largest first."""
    areas: dict[str, int] = defaultdict(int)
    for thing in view.objects:
        areas[view.kind(thing)] += thing.area
    enough = MIN_VIEW_SHARE * view.record.height * view.record.width
    return sorted((k for k in areas if areas[k] >= enough), key=lambda k: (-areas[k], k))[:KINDS_A_CAPTION]


@dataclass(frozen=True)
class Questions:
    """Questions about single categories, in place of captions.

    Attributes:
        absent_share: Fraction of the questions about what is not in the image, below 1.
        groups: "seen" or "unseen" by the category that may be asked about; None for all categories, without groups. In
            the train split only seen ones are asked about; in others the group is the question's split.
    """

    absent_share: float
    groups: Mapping[str, str] | None = None

    def splits(self, kind: str, view: View) -> list[str]:
        """The splits of the questions about a category and a view; none if it is not asked about."""
        if self.groups is None:
            return view.splits
        group = self.groups.get(kind)
        if group is None:
            return []
        return sorted({TRAIN if split == TRAIN else group for split in view.splits if split != TRAIN or group == SEEN})


def write_view(writer: DatasetWriter, view: View, rng: np.random.Generator, questions: Questions | None) -> None:
    """Adds an image and the crops from it to a dataset, with captions or with questions."""
    for (left, top, right, bottom), kinds in crops(view, rng):
        if questions and not any(questions.splits(kind, view) for kind in kinds):
            continue
        image_id = writer.add_image(view.rgb[top:bottom, left:right], scene=view.record.scene)
        ids = _add_objects(writer, view, image_id, (left, top, right, bottom))
        if questions:
            _add_questions(writer, view, image_id, ids, kinds, rng, questions)
        else:
            _add_caption(writer, view, image_id, ids, kinds, view.splits)
    listed = listed_kinds(view)
    if questions:
        listed = [kind for kind in listed if questions.splits(kind, view)]
    if listed:
        record = view.record
        image_id = writer.add_image_file(
            view.data.root / record.file_name, record.height, record.width, scene=record.scene
        )
        ids = _add_objects(writer, view, image_id, (0, 0, record.width, record.height))
        if questions:
            _add_questions(writer, view, image_id, ids, listed, rng, questions)
            return
        room = next((thing.attributes["room"] for thing in view.objects if "room" in thing.attributes), None)
        _add_caption(writer, view, image_id, ids, listed, view.splits, room)
        _add_instructions(writer, view, image_id, ids)


def _add_objects(writer: DatasetWriter, view: View, image_id: int, box: Box) -> dict[int, int]:
    """Adds what can be seen in a crop; gives the new ids by the old ones."""
    left, top, right, bottom = box
    ids = {}
    for thing in view.objects:
        mask = view.masks[thing.id][top:bottom, left:right]
        if mask.sum() >= MIN_KEPT:
            ids[thing.id] = writer.add_annotation(
                image_id,
                view.kind(thing),
                mask,
                thing.attributes,
                iscrowd=thing.iscrowd,
                occlusion=thing.occlusion if mask.sum() == thing.area else None,
            )
    return ids


def _add_questions(
    writer: DatasetWriter,
    view: View,
    image_id: int,
    ids: Mapping[int, int],
    kinds: Sequence[str],
    rng: np.random.Generator,
    questions: Questions,
) -> None:
    """A sentence for each of some kinds, and some for kinds of the same splits of which nothing is in the image."""
    there = {view.kind(thing) for thing in view.objects}  # in the whole view, of which the image may be a crop
    share = questions.absent_share
    for splits in sorted({tuple(questions.splits(kind, view)) for kind in kinds} - {()}):
        present = [kind for kind in kinds if tuple(questions.splits(kind, view)) == splits]
        absent = [
            kind
            for kind in view.data.categories.values()
            if kind not in there and tuple(questions.splits(kind, view)) == splits
        ]
        whole, part = divmod(len(present) * share / (1 - share), 1)
        wanted = int(whole) + (part > 0 and rng.random() < part)
        # a dataset may have few categories
        others = rng.choice(absent, min(wanted, len(absent)), replace=False).tolist() if absent else []
        for kind in (*present, *others):
            _add_caption(writer, view, image_id, ids, [kind], splits)


def _add_caption(
    writer: DatasetWriter,
    view: View,
    image_id: int,
    ids: Mapping[int, int],
    kinds: Sequence[str],
    splits: Sequence[str],
    room: str | None = None,
) -> None:
    text = photograph_of(kinds, room)
    targets = [ids[thing.id] for thing in view.objects if thing.id in ids and view.kind(thing) in kinds]
    for split in splits:
        writer.add_instruction(
            image_id,
            targets,
            text,
            split=split,
            source=SOURCE,
            expressions=count_expressions(text),
            distractors=0,
            origin=view.record.file_name,
        )


def _add_instructions(writer: DatasetWriter, view: View, image_id: int, ids: Mapping[int, int]) -> None:
    """Adds the view's own instructions, without those whose target is not in view."""
    for instruction in view.instructions:
        if instruction.annotation_ids and all(i in ids for i in instruction.annotation_ids):
            writer.copy_instruction(instruction, image_id, [ids[i] for i in instruction.annotation_ids])


_read = lru_cache(maxsize=1)(Dataset)  # read once in each process


def write_part(
    writer: DatasetWriter, image_ids: Sequence[int], *, root: Path, seed: int, questions: Questions | None = None
) -> None:
    """Adds some images of the dataset in a folder, and the crops from them, to another dataset."""
    data = _read(root)
    for image_id in image_ids:
        objects = data.annotations_of(image_id)
        masks = {thing.id: data.mask_of(thing.id) for thing in objects}
        record = data.images[image_id]
        view = View(data, record, data.image(image_id), objects, masks, data.instructions_of(image_id))
        write_view(writer, view, np.random.default_rng((seed, image_id)), questions)


def _share_below_one(text: str) -> float:
    value = share(text)
    if value == 1:
        raise argparse.ArgumentTypeError(f"{text} is out of range, expected less than 1")
    return value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("dataset", type=Path, help="dataset folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the captioned images")
    parser.add_argument("--seed", type=natural, default=0, help="random seed of the crops (default: %(default)s)")
    parser.add_argument(
        "--questions", action="store_true", help="name one category at a time, some of them not in the image"
    )
    parser.add_argument(
        "--absent-share",
        type=_share_below_one,
        help=f"fraction of the questions about what is not in the image, below 1 (default: {ABSENT_SHARE})",
    )
    parser.add_argument(
        "--categories",
        metavar="SPLIT",
        help="ask about the categories of this split alone, in train images about the seen ones; questions about other "
        f"images get the splits seen and unseen ({', '.join(SPLITS)} or a YAML file with lists seen and unseen)",
    )
    parser.add_argument("--workers", type=count, default=1, help="processes")


def _questions(args: argparse.Namespace) -> Questions:
    share_asked = ABSENT_SHARE if args.absent_share is None else args.absent_share
    if args.categories is None:
        return Questions(share_asked)
    split = read_split(args.categories)
    groups = {
        name: group
        for group, kinds in ((SEEN, split.seen), (UNSEEN, split.unseen))
        for kind in kinds
        for name in (kind, *split.aliases.get(kind, ()))
    }
    return Questions(share_asked, groups)


def _may_share(data: Dataset, questions: Questions | None) -> list[list[str]]:
    """The pairs of splits that may show the same images and scenes."""
    pairs: list[list[str]] = data.info.get("may_share", [])
    if questions is None or questions.groups is None:
        return pairs
    names = {split: [split] if split == TRAIN else [SEEN, UNSEEN] for pair in pairs for split in pair}
    found = {tuple(sorted((a, b))) for pair in pairs for a in names[pair[0]] for b in names[pair[1]] if a != b}
    return [list(pair) for pair in sorted(found | {(SEEN, UNSEEN)})]


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or goes on with one that was interrupted; returns the exit status."""
    for option, value in (("--absent-share", args.absent_share), ("--categories", args.categories)):
        if value is not None and not args.questions:
            raise CommandError(f"{option} is {value}, expected it only with --questions")
    questions = _questions(args) if args.questions else None
    data = _read(args.dataset)
    asked = set(data.column("image_id"))
    ids = [image_id for image_id in data.images if image_id in asked]
    digest = file_sha256(args.dataset / ANNOTATIONS_FILE)
    recipe: dict[str, Any] = {"annotations_sha256": digest, "seed": args.seed}
    categories = list(data.categories.values())
    if questions is not None:
        recipe["questions"] = True
        if questions.absent_share != ABSENT_SHARE:
            recipe["absent_share"] = questions.absent_share
        if questions.groups is not None:
            recipe["groups"] = [list(pair) for pair in questions.groups.items()]
            # those of the split first, the seen ones before the others: some trainings take the first N
            ranks = {kind: rank for rank, kind in enumerate(questions.groups)}
            categories.sort(key=lambda kind: ranks.get(kind, len(ranks)))
    info: dict[str, Any] = {"source": SOURCE, "recipe": recipe}
    may_share = _may_share(data, questions)
    if may_share:
        info["may_share"] = may_share
    plan = Plan(
        root=args.out,
        units=[tuple(ids[first : first + IMAGES_A_PART]) for first in range(0, len(ids), IMAGES_A_PART)],
        name=lambda unit: f"{unit[0]:08d}",
        make=partial(write_part, root=args.dataset, seed=args.seed, questions=questions),
        categories=categories,
        info=info,
    )
    outcome = build(plan, args.workers)
    outcome.print_problems()
    print(f"{args.out}: {outcome.images} pictures, {outcome.instructions} sentences")
    return 0
