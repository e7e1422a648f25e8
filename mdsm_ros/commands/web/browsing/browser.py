"""Filters, orders and draws the instructions of a dataset, page by page. Does not use gradio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.commands.web.pictures import fit
from mdsm_ros.commands.web.shelf import ModelShelf
from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.errors import CommandError
from mdsm_ros.pictures.overlay import draw_mask, draw_outline
from mdsm_ros.recordings.rle import decode, encode

PAGE = 12  # instructions
SHOWN_SIDE = 640  # pixels of an image
MOST_ASKED = 100  # instructions that the model answers to order them
ANY = "any"

Size = Literal["any", "not in view", "below 1 %", "1 % to 5 %", "above 5 %"]
Order = Literal["as stored", "smallest first", "wrong masks first"]
SIZES: tuple[Size, ...] = get_args(Size)
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True)
class Filter:
    """Which instructions are shown.

    Attributes:
        text: Text that the instruction contains, in any case; "": any instruction.
        size: Size of the target as a fraction of the image.
        difficulty: Difficulty stored in the dataset; "any": any.
        split: Split; "any": any.
        order: Order of the instructions.
    """

    text: str = ""
    size: Size = "any"
    difficulty: str = ANY
    split: str = ANY
    order: Order = "as stored"


@dataclass(frozen=True)
class Tile:
    """One instruction: the image with the ground truth outlined in green and the model's mask, and a caption."""

    picture: NDArray[np.uint8]
    caption: str


class Browser:
    """Finds and draws instructions of one dataset.

    Args:
        data: Dataset.
        shelf: Model that answers the instructions for "wrong masks first".
    """

    def __init__(self, data: Dataset, shelf: ModelShelf) -> None:
        self.data = data
        self._shelf = shelf
        self._masks: dict[int, dict[str, Any]] = {}  # masks of the model, run-length encoded, by instruction
        self._ious: dict[int, float] = {}  # IoU of these masks

    def difficulties(self) -> list[str]:
        """Available difficulties."""
        return [ANY, *sorted(set(self.data.column("difficulty")) - {""})]

    def splits(self) -> list[str]:
        """Available splits."""
        return [ANY, *sorted(set(self.data.column("split")))]

    def find(
        self, wanted: Filter, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> list[Instruction]:
        """Returns the instructions that match a filter, in its order.

        For "wrong masks first", the model answers the first 100 of them, unless it has already; only these are
        returned.

        Args:
            wanted: Filter.
            progress: Function called with the number of answered instructions and their total.

        Raises:
            CommandError: The filter names a size or an order that does not exist.
            MdsmError: An image cannot be read, or the model cannot answer.
        """
        if wanted.size not in SIZES or wanted.order not in ORDERS:
            raise CommandError(f"filter is {wanted.size!r}, {wanted.order!r}, expected sizes and orders of the page")
        text = wanted.text.strip().lower()
        found = [
            i
            for i in self.data.instructions
            if text in i.text.lower()
            and wanted.difficulty in (ANY, i.difficulty)
            and wanted.split in (ANY, i.split)
            and self._has_size(i, wanted.size)
        ]
        if wanted.order == "smallest first":
            return sorted(found, key=lambda i: self.fraction(i) if i.annotation_ids else 1.0)
        if wanted.order == "wrong masks first":
            return self._wrong_first(found[:MOST_ASKED], progress)
        return found

    def _wrong_first(self, found: Sequence[Instruction], progress: Callable[[int, int], None]) -> list[Instruction]:
        for done, instruction in enumerate(found):
            progress(done, len(found))
            self.agreement(instruction)
        return sorted(found, key=lambda i: self._ious[i.id])

    def fraction(self, instruction: Instruction) -> float:
        """Returns the size of the target as a fraction of the image; 0 if it is not in view."""
        record = self.data.images[instruction.image_id]
        area = sum(self.data.annotations[i].area for i in instruction.annotation_ids)
        return area / (record.width * record.height)

    def _has_size(self, instruction: Instruction, size: Size) -> bool:
        if size == "any":
            return True
        if size == "not in view" or not instruction.annotation_ids:
            return size == "not in view" and not instruction.annotation_ids
        fraction = self.fraction(instruction)
        return {"below 1 %": fraction < 0.01, "above 5 %": fraction > 0.05}.get(size, 0.01 <= fraction <= 0.05)

    def agreement(self, instruction: Instruction) -> float:
        """Returns the IoU of the model's mask with the ground truth; 1 if both report an absent target."""
        if instruction.id not in self._ious:
            image, truth = self.data.image(instruction.image_id), self.data.mask(instruction)
            mask = self._shelf.answer(f"image {instruction.image_id}", image, instruction.text).mask
            self._masks[instruction.id] = encode(mask)
            self._ious[instruction.id] = iou(mask, truth) if truth.any() or mask.any() else 1.0
        return self._ious[instruction.id]

    def tiles(self, found: Sequence[Instruction], page: int) -> list[Tile]:
        """Returns the tiles of a page; pages are numbered from 0."""
        return [self._tile(instruction) for instruction in found[page * PAGE : (page + 1) * PAGE]]

    def _tile(self, instruction: Instruction) -> Tile:
        canvas = self.data.image(instruction.image_id).copy()
        truth = self.data.mask(instruction)
        words = [f"{instruction.id}. {instruction.text}"]
        words.append(f"{self.fraction(instruction):.1%} of the image" if instruction.annotation_ids else "not in view")
        if instruction.difficulty:
            words.append(instruction.difficulty)
        if instruction.id in self._ious:
            draw_mask(canvas, decode(self._masks[instruction.id]))
            words.append(f"IoU of the model {self._ious[instruction.id]:.2f}")
        draw_outline(canvas, truth)
        return Tile(fit(canvas, SHOWN_SIDE), ", ".join(words))
