"""``mdsm-data augment``: the pictures of one split, each as it is and in several changed views.

A training can change its pictures at every step, but not where the features of frozen encoders are cached. For that,
views are made once: mirrored, cut, in other light, with the sentences changed along. All pictures become squares.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.arguments import count, natural
from mdsm_ros.dataset.format import ANNOTATIONS_FILE, Dataset, Instruction
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.files import file_sha256
from training.augment.batches import Augmenter, Masks
from training.augment.options import Augmentation
from training.datasets.build import Outcome, Plan, build
from training.datasets.dataset import InstructionDataset

PICTURES = 40  # images in a unit of work


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--data", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--split", default="train", help="split of its instructions (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new dataset")
    parser.add_argument(
        "--views", type=count, default=4, help="number of augmented views of each image (default: %(default)s)"
    )
    parser.add_argument(
        "--sentences",
        type=count,
        default=6,
        help="largest number of instructions per augmented view (default: %(default)s)",
    )
    parser.add_argument("--size", type=count, default=320, help="side of the images in pixels (default: %(default)s)")
    parser.add_argument("--seed", type=natural, default=0, help="random seed of the views (default: %(default)s)")
    parser.add_argument("--workers", type=count, default=1, help="number of processes")


def run(args: argparse.Namespace) -> int:
    """Builds the dataset, or resumes one that was interrupted; returns the exit status.

    Raises:
        DatasetError: The data cannot be read, or --out contains something else.
    """
    recipe = {name: getattr(args, name) for name in ("split", "views", "sentences", "size", "seed")}
    outcome = make_views(args.data, args.out, recipe, args.workers)
    outcome.print_problems()
    print(f"{args.out}: {outcome.images} images, {outcome.instructions} instructions")
    return 0


def make_views(root: Path, out: Path, recipe: Mapping[str, Any], workers: int = 1) -> Outcome:
    """Writes the images of a split and augmented views of them, or resumes this.

    Args:
        root: Folder of the dataset.
        out: Folder of the new dataset.
        recipe: The options "split", "views", "sentences", "size" and "seed".
        workers: Number of processes.

    Raises:
        DatasetError: The data cannot be read, or ``out`` contains something else.
    """
    data, digest = Dataset(root), file_sha256(root / ANNOTATIONS_FILE)
    image_ids = sorted({instruction.image_id for instruction in data.split(recipe["split"])})
    plan = Plan(
        root=out,
        units=[tuple(image_ids[i : i + PICTURES]) for i in range(0, len(image_ids), PICTURES)],
        name=lambda unit: f"{unit[0]:08d}",
        make=partial(_write, root=root, **recipe),
        categories=list(data.categories.values()),
        info={"source": "augment", "recipe": {**recipe, "annotations_sha256": digest, "of": data.info}},
    )
    return build(plan, workers)


@lru_cache(maxsize=1)
def _open(root: Path, split: str, size: int) -> InstructionDataset:
    return InstructionDataset(Dataset(root), split, size, cache=False)


def _write(
    writer: DatasetWriter,
    image_ids: tuple[int, ...],
    *,
    root: Path,
    split: str,
    views: int,
    sentences: int,
    size: int,
    seed: int,
) -> None:
    """Writes all views of some images."""
    data = _open(root, split, size)
    augmenter = Augmenter(data, Augmentation(), seed)
    for image_id in image_ids:
        whole = data.picture(image_id, size)
        instructions = [data.instructions[position] for position in data.by_image[image_id]]
        _add_view(writer, data, image_id, whole.image, whole.masks(), instructions)
        for view in range(views):
            rng = np.random.default_rng((seed, image_id, view))
            chosen = [instructions[i] for i in sorted(rng.permutation(len(instructions))[:sentences])]
            image, masks, texts = augmenter.change(image_id, chosen, rng)
            changed = [replace(instruction, text=text) for instruction, text in zip(chosen, texts, strict=True)]
            _add_view(writer, data, image_id, image, masks, changed)


def _add_view(
    writer: DatasetWriter,
    data: InstructionDataset,
    image_id: int,
    image: NDArray[np.uint8],
    masks: Masks,
    instructions: Sequence[Instruction],
) -> None:
    """Writes an image (S, S, 3) with the visible parts (S, S) of its objects, and the instructions about it."""
    dataset = data.data
    new_image = writer.add_image(image, scene=dataset.images[image_id].scene)
    new_ids = dict(_add_annotations(writer, new_image, dataset, masks))
    for instruction in instructions:
        writer.copy_instruction(instruction, new_image, [new_ids[i] for i in instruction.annotation_ids])


def _add_annotations(writer: DatasetWriter, image_id: int, dataset: Dataset, masks: Masks) -> Iterator[tuple[int, int]]:
    """Stores the visible part of each object; yields its old id and its new one."""
    for old_id, mask in masks.items():
        old = dataset.annotations[old_id]
        if mask.any():
            category = dataset.categories[old.category_id]
            yield old_id, writer.add_annotation(image_id, category, mask, old.attributes, iscrowd=old.iscrowd)
