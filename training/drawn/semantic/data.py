"""Images of a dataset with the category of every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.errors import DatasetError
from training.datasets.dataset import Batch, InstructionDataset
from training.datasets.groups import ByImage
from training.drawn.category_splits import CategorySplit

BACKGROUND, IGNORED = 0, 255
LABEL_STRIDE = 4  # pixels of the image per label in training
Labels = NDArray[np.uint8]  # (H, W): 0 background, 1 and more the categories of a split, 255 ignored


def class_names(split: CategorySplit) -> tuple[str, ...]:
    """The categories by number, from 1 on: the seen ones, then the unseen ones."""
    return *split.seen, *split.unseen


def class_ids(data: Dataset, split: CategorySplit) -> dict[int, int]:
    """The number of each category of a dataset in a split; categories of the background are left out."""
    numbers = {name: number for number, name in enumerate(class_names(split), start=1)}
    for kind, names in split.aliases.items():
        numbers |= {name: numbers[kind] for name in names if name not in numbers}
    numbers |= {name: IGNORED for name in split.ignored if name not in numbers}
    return {i: numbers[name] for i, name in data.categories.items() if name in numbers}


def labels_of(data: Dataset, image_id: int, ids: dict[int, int]) -> Labels:
    """The category of every pixel of an image, (H, W); the smaller one of two objects is in front."""
    record = data.images[image_id]
    labels = np.full((record.height, record.width), BACKGROUND, np.uint8)
    for thing in sorted(data.annotations_of(image_id), key=lambda thing: -thing.area):
        if thing.category_id in ids:
            labels[data.mask_of(thing.id)] = ids[thing.category_id]
    return labels


def choose_images(
    data: Dataset, instructions: Sequence[Instruction], split: CategorySplit, which: str, limit: int | None
) -> list[Instruction]:
    """An instruction for each image to train on.

    Args:
        data: Dataset.
        instructions: Its instructions.
        split: Categories; an image shows at least one of them.
        which: "seen" leaves out images of unseen categories, "unseen" those of seen ones, "all" none.
        limit: Number of images, drawn without regard to their order; None for all.

    Raises:
        DatasetError: There is no such image.
    """
    ids, first_unseen = class_ids(data, split), len(split.seen) + 1
    chosen: dict[int, Instruction] = {}
    for instruction in instructions:
        found = {ids.get(thing.category_id, IGNORED) for thing in data.annotations_of(instruction.image_id)} - {IGNORED}
        shows = {"seen": any(i < first_unseen for i in found), "unseen": any(i >= first_unseen for i in found)}
        other = {"seen": "unseen", "unseen": "seen"}.get(which)
        if found and not (other is not None and shows[other]):
            chosen.setdefault(instruction.image_id, instruction)
    if not chosen:
        wanted = "any category" if which == "all" else f"{which} categories"
        raise DatasetError(f"{data.root}: no image shows {wanted} of the split")
    order = np.random.default_rng(0).permutation(sorted(chosen))[:limit]
    return [chosen[int(image_id)] for image_id in sorted(order)]


@dataclass(frozen=True)
class SemanticBatch(Batch):
    """A batch with one instruction per image, whose text is not used.

    Attributes:
        labels: Category of every pixel at a quarter of the resolution, int64 (N, S/4, S/4).
    """

    labels: torch.Tensor | None = None


class SemanticDataset(InstructionDataset):
    """The images of one split, with labels.

    Args:
        data: The dataset.
        split: Split of the instructions.
        image_size: Side S of the square that images are resized to, pixels.
        categories: Categories.
        which, limit: Images, see :func:`choose_images`.

    Raises:
        DatasetError: There is no such image.
    """

    def __init__(
        self, data: Dataset, split: str, image_size: int, categories: CategorySplit, which: str, limit: int | None
    ) -> None:
        super().__init__(
            data,
            split,
            image_size,
            cache=False,
            adapt=lambda found, instructions: choose_images(found, instructions, categories, which, limit),
        )
        self.ids = class_ids(data, categories)
        self._labels: dict[int, Labels] = {}  # small enough for memory: 6 kB an image

    def labels(self, image_id: int) -> Labels:
        """The labels of an image in training, (S/4, S/4)."""
        if image_id not in self._labels:
            side = self.image_size // LABEL_STRIDE
            whole = Image.fromarray(labels_of(self.data, image_id, self.ids))
            self._labels[image_id] = np.asarray(whole.resize((side, side), Image.Resampling.NEAREST))
        return self._labels[image_id]

    def collate(self, indices: Sequence[int]) -> SemanticBatch:
        """Assembles a batch from positions in the split; without pixels if the encoder's maps are stored."""
        ids = [self.instructions[i].image_id for i in indices]
        labels = torch.from_numpy(np.stack([self.labels(i) for i in ids])).long()
        side = self.image_size
        empty = torch.zeros(len(ids), 0, dtype=torch.long)
        semantic, images = None, torch.zeros(len(ids), 3, side, side, dtype=torch.uint8)
        if self.features is not None:
            semantic, _ = self.features(ids, [])
        else:
            images = super().collate(indices).images
        return SemanticBatch(
            images=images,
            image_index=torch.arange(len(ids)),
            masks=empty,
            present=empty,
            texts=[""] * len(ids),
            positions=list(indices),
            categories=empty,
            colors=empty,
            semantic=semantic,
            labels=labels,
        )


class MixedDataset(InstructionDataset):
    """The images of several datasets as one, each as likely as any other.

    Args:
        parts: Datasets with labels of the same categories, at the same size.
    """

    def __init__(self, parts: Sequence[SemanticDataset]) -> None:
        self.parts = parts
        self.image_size = parts[0].image_size
        self.instructions = [instruction for part in parts for instruction in part.instructions]
        self.by_image = ByImage(np.arange(len(self.instructions)))  # an image of its own for each
        self._adapted = True
        self._places = [(number, i) for number, part in enumerate(parts) for i in range(len(part))]

    def collate(self, indices: Sequence[int]) -> SemanticBatch:
        """Assembles a batch from positions in all parts, part by part."""
        batches = []
        for number, part in enumerate(self.parts):
            local = [i for of, i in (self._places[position] for position in indices) if of == number]
            if local:
                batches.append(part.collate(local))
        first = batches[0]
        levels = None
        if first.semantic is not None:
            levels = tuple(torch.cat(level) for level in zip(*(b.semantic or () for b in batches), strict=True))
        labels = [b.labels for b in batches if b.labels is not None]
        return replace(
            first,
            images=torch.cat([b.images for b in batches]),
            image_index=torch.arange(len(indices)),
            texts=[""] * len(indices),
            positions=list(indices),
            semantic=levels,
            labels=torch.cat(labels),
        )
