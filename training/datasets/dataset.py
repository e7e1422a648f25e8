"""A torch dataset for the on-disk format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset as TorchDataset

from mdsm_ros.dataset.format import Annotation, Dataset, Instruction
from mdsm_ros.errors import DatasetError
from mdsm_ros.homes.shapes.parts import COLORS
from mdsm_ros.inference.preprocess import resize_image
from mdsm_ros.models.common.language import TextFeatures
from training.datasets.groups import ByImage

Adapt = Callable[[Dataset, Sequence[Instruction]], Sequence[Instruction]]
"""The instructions of a dataset to those that are trained on."""
FrozenFeatures = Callable[[Sequence[int], Sequence[str]], tuple[tuple[torch.Tensor, ...] | None, TextFeatures]]
"""Image ids and sentences to the maps and tokens that frozen encoders make of them."""

AUXILIARY_STRIDE = 8
CACHE_FRACTION = 0.5  # of the free memory
_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1).sum(axis=1)  # pixels set in each byte
COLOR_IDS = {name: i for i, name in enumerate(COLORS, start=1)}


@dataclass(frozen=True)
class Batch:
    """B instructions about N images.

    Attributes:
        images: Images, uint8 (N, 3, S, S).
        image_index: Image of each instruction, int64 (B,).
        masks: Ground-truth masks, bool (B, 1, S, S).
        present: Whether the target is in view, bool (B,).
        texts: B instructions.
        positions: Positions of the B instructions in the split.
        categories, colors: Category and colour of each pixel, int64 (N, S/8, S/8); 0 for background or unknown.
        semantic: Maps of the frozen semantic branch, (N, C_i, h_i, w_i) each, if cached.
        text: Features of the frozen language encoder, if cached.
    """

    images: torch.Tensor
    image_index: torch.Tensor
    masks: torch.Tensor
    present: torch.Tensor
    texts: list[str]
    positions: list[int]
    categories: torch.Tensor
    colors: torch.Tensor
    semantic: tuple[torch.Tensor, ...] | None = None
    text: TextFeatures | None = None

    def to(self, device: torch.device) -> Batch:
        """Returns the batch on another device."""
        return self._with_tensors(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Batch:
        """Returns the batch in page-locked memory; torch's DataLoader calls this with a GPU."""
        return self._with_tensors(torch.Tensor.pin_memory)

    def _with_tensors(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
        changed: dict[str, Any] = {
            name: change(value) for name, value in vars(self).items() if isinstance(value, torch.Tensor)
        }
        if self.semantic is not None:
            changed["semantic"] = tuple(change(level) for level in self.semantic)
        if self.text is not None:
            changed["text"] = TextFeatures(change(self.text.tokens), change(self.text.mask))
        return replace(self, **changed)


@dataclass(frozen=True)
class Picture:
    """A square image, the bit-packed masks of its annotations, and category and colour grids, see :class:`Batch`."""

    image: NDArray[np.uint8]  # (S, S, 3)
    packed: dict[int, NDArray[np.uint8]]
    categories: NDArray[np.int64]
    colors: NDArray[np.int64]

    @staticmethod
    def of(
        image: NDArray[np.uint8], masks: Mapping[int, NDArray[np.bool_]], annotations: Sequence[Annotation]
    ) -> Picture:
        """Packs an image (S, S, 3) with the masks (S, S) of its annotations; S is a multiple of the grids' stride."""
        grid = image.shape[0] // AUXILIARY_STRIDE
        categories, colors = np.zeros((2, grid, grid), dtype=np.int64)
        packed = {key: np.packbits(mask) for key, mask in masks.items()}
        for annotation in annotations:
            counts = _ONES[packed[annotation.id]].reshape(grid, AUXILIARY_STRIDE, grid).sum(axis=1)
            coarse = counts > 0.35 * AUXILIARY_STRIDE**2
            categories[coarse] = annotation.category_id
            colors[coarse] = COLOR_IDS.get(annotation.attributes.get("color", ""), 0)
        return Picture(image, packed, categories, colors)

    def mask(self, annotation_id: int) -> NDArray[np.bool_]:
        """Returns the mask (S, S) of an annotation."""
        side = self.image.shape[0]
        return np.unpackbits(self.packed[annotation_id]).reshape(side, side).view(np.bool_)

    def masks(self) -> dict[int, NDArray[np.bool_]]:
        """Returns the masks (S, S) of all annotations."""
        return {annotation_id: self.mask(annotation_id) for annotation_id in self.packed}


class InstructionDataset(TorchDataset[int]):
    """The instructions of one split, at the model's resolution.

    Args:
        data: The dataset.
        split: Split of the instructions.
        image_size: Side S of the square that images are resized to, pixels.
        cache: Whether to cache resized images and packed masks in memory after the first read (about 70 kB per image at
            128 px), until they fill half of the memory that is free at the start.
        adapt: Function that changes or leaves out instructions, which are then in memory; None for none.
        limit: Number of first instructions; None for all.

    Raises:
        DatasetError: The split does not exist; later, if an image cannot be read.
    """

    def __init__(
        self,
        data: Dataset,
        split: str,
        image_size: int,
        cache: bool,
        *,
        limit: int | None = None,
        adapt: Adapt | None = None,
    ) -> None:
        self.data, self._split = data, split
        self.instructions = self.data.split(split)[:limit]
        if adapt is not None:
            self.instructions = list(adapt(data, self.instructions))
        self._adapted = adapt is not None
        self.image_size = image_size
        self.by_image = ByImage(np.fromiter(self.column("image_id"), np.int64, len(self.instructions)))
        self._cache: dict[tuple[int, int], Picture] | None = {} if cache else None
        self._room = psutil.virtual_memory().available * CACHE_FRACTION if cache else 0.0
        self.features: FrozenFeatures | None = None  # if encoders are frozen and cached

    def __len__(self) -> int:
        return len(self.instructions)

    def __getitem__(self, index: int) -> int:
        return index  # collate assembles the images of a batch

    def column(self, field: str) -> Iterator[Any]:
        """One field of all instructions, in order; large datasets read nothing else."""
        if self._adapted:
            return (getattr(instruction, field) for instruction in self.instructions)
        return islice(self.data.column(field, self._split), len(self.instructions))

    def picture(self, image_id: int, side: int) -> Picture:
        """Reads an image with its masks at (side, side), a multiple of the grids' stride."""
        if self._cache is not None and (image_id, side) in self._cache:
            return self._cache[image_id, side]
        annotations = self.data.annotations_of(image_id)
        masks = {annotation.id: _resize_mask(self.data.mask_of(annotation.id), side) for annotation in annotations}
        picture = Picture.of(resize_image(self.data.image(image_id), side), masks, annotations)
        if self._cache is not None and self._room > 0:
            self._cache[image_id, side] = picture
            self._room -= picture.image.nbytes + sum(packed.nbytes for packed in picture.packed.values())
        return picture

    def collate(self, indices: Sequence[int]) -> Batch:
        """Assembles a batch from positions in the split."""
        chosen = [self.instructions[i] for i in indices]
        rows = {image_id: row for row, image_id in enumerate(dict.fromkeys(i.image_id for i in chosen))}
        pictures = [self.picture(image_id, self.image_size) for image_id in rows]
        image_index = [rows[instruction.image_id] for instruction in chosen]
        texts = [instruction.text for instruction in chosen]
        batch = assemble(pictures, image_index, chosen, texts, indices)
        if self.features is None:
            return batch
        semantic, text = self.features(list(rows), texts)
        return replace(batch, semantic=semantic, text=text)


def with_class_masks(data: Dataset, instructions: Sequence[Instruction]) -> list[Instruction]:
    """The same instructions, with all objects of their targets' categories in the image as targets."""
    changed = []
    for instruction in instructions:
        kinds = {data.annotations[i].category_id for i in instruction.annotation_ids}
        alike = [thing.id for thing in data.annotations_of(instruction.image_id) if thing.category_id in kinds]
        changed.append(replace(instruction, annotation_ids=tuple(alike)))
    return changed


def of_categories(data: Dataset, instructions: Sequence[Instruction], number: int) -> list[Instruction]:
    """The instructions whose targets are of the dataset's first ``number`` categories.

    Raises:
        DatasetError: There are none.
    """
    known = sorted(data.categories)[:number]
    chosen = [i for i in instructions if all(data.annotations[a].category_id in known for a in i.annotation_ids)]
    if not chosen:
        raise DatasetError(f"{data.root}: no instruction is about the first {number} categories")
    return chosen


def assemble(
    pictures: Sequence[Picture],
    image_index: Sequence[int],
    instructions: Sequence[Instruction],
    texts: Sequence[str],
    positions: Sequence[int],
) -> Batch:
    """Assembles a batch.

    Args:
        pictures: Images, all of one size.
        image_index: Image of each instruction.
        instructions: Records of the instructions.
        texts: Texts of the instructions.
        positions: Positions of the instructions in the split.
    """
    side = pictures[0].image.shape[0]
    masks = np.zeros((len(instructions), 1, side, side), dtype=bool)
    for mask, instruction, row in zip(masks, instructions, image_index, strict=True):
        for annotation_id in instruction.annotation_ids:
            mask[0] |= pictures[row].mask(annotation_id)
    return Batch(
        images=torch.from_numpy(np.stack([p.image for p in pictures])).permute(0, 3, 1, 2).contiguous(),
        image_index=torch.tensor(image_index),
        masks=torch.from_numpy(masks),
        present=torch.tensor([bool(instruction.annotation_ids) for instruction in instructions]),
        texts=list(texts),
        positions=list(positions),
        categories=torch.from_numpy(np.stack([p.categories for p in pictures])),
        colors=torch.from_numpy(np.stack([p.colors for p in pictures])),
    )


def _resize_mask(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    return np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST))
