"""Makes batches of augmented images, each determined by (seed, step, position)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from mdsm_ros.dataset.format import Annotation, Instruction
from training.augment.appearance import change_appearance
from training.augment.crop_words import names_color, needs_of
from training.augment.flip_words import flip_sentence
from training.augment.options import Augmentation
from training.augment.windows import Keep, choose_window, cut, cut_masks
from training.datasets.dataset import AUXILIARY_STRIDE, Batch, InstructionDataset, Picture, assemble

Draw = tuple[int, int]
"""A step and a position in the split."""

Masks = dict[int, NDArray[np.bool_]]


class SteppedSampler(Sampler[list[Draw]]):
    """Adds to each batch of a sampler its step.

    Args:
        batches: Positions of each batch, in order.
        first_step: Step of the first batch.
        micro_batches: Number of batches in a step.
    """

    def __init__(self, batches: Sampler[list[int]], first_step: int, micro_batches: int) -> None:
        self.batches, self.first_step, self.micro_batches = batches, first_step, micro_batches

    def __iter__(self) -> Iterator[list[Draw]]:
        for number, positions in enumerate(self.batches):
            step = self.first_step + number // self.micro_batches
            yield [(step, position) for position in positions]


class Augmenter:
    """Augments images, and assembles batches of them.

    Args:
        data: The instructions of one split.
        options: Probabilities and strengths of the changes.
        seed: Random seed of the training run.
    """

    def __init__(self, data: InstructionDataset, options: Augmentation, seed: int) -> None:
        self.data, self.options, self.seed = data, options, seed
        self.side = AUXILIARY_STRIDE * round(data.image_size * options.resolution / AUXILIARY_STRIDE)

    def collate(self, draws: Sequence[Draw]) -> Batch:
        """Makes a batch from steps and positions; its instructions about the same image share the augmentation."""
        of_image: dict[int, list[Draw]] = {}
        for step, position in draws:
            of_image.setdefault(self.data.instructions[position].image_id, []).append((step, position))
        pictures, rows, texts = [], {}, {}
        for row, (image_id, members) in enumerate(of_image.items()):
            chosen = [self.data.instructions[position] for _, position in members]
            step, position = members[0]
            rng = np.random.default_rng((self.seed, step, position, 4))
            image, masks, said = self.change(image_id, chosen, rng)
            picture = Picture.of(image, masks, self.data.data.annotations_of(image_id))
            pictures.append(picture)
            for (_, position), text in zip(members, said, strict=True):
                rows[position], texts[position] = row, text
        positions = [position for _, position in draws]
        return assemble(
            pictures,
            [rows[position] for position in positions],
            [self.data.instructions[position] for position in positions],
            [texts[position] for position in positions],
            positions,
        )

    def change(
        self, image_id: int, instructions: Sequence[Instruction], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], Masks, list[str]]:
        """Returns an augmented image (S, S, 3), the masks (S, S) of its annotations, and the new texts.

        Args:
            image_id: Id of the image.
            instructions: Instructions about the image, all of which stay true.
            rng: Random generator.
        """
        whole, side = self.data.picture(image_id, self.side), self.data.image_size
        annotations, masks = self.data.data.annotations_of(image_id), whole.masks()
        flipped = [flip_sentence(instruction.text) for instruction in instructions]
        texts = [text for text in flipped if text is not None]
        flips = rng.random() < self.options.flip and len(texts) == len(instructions)
        keeps = [
            self._keep(instruction, annotations, masks) for instruction in instructions if instruction.annotation_ids
        ]
        window = choose_window(self.side, side, keeps, self.options, rng)
        image, masks = cut(whole.image, window, side), cut_masks(masks, window, side)
        if flips:
            image, masks = image[:, ::-1], {key: mask[:, ::-1] for key, mask in masks.items()}
        else:
            texts = [instruction.text for instruction in instructions]
        keep_colors = any(names_color(text) for text in texts)
        image = change_appearance(np.ascontiguousarray(image), self.options, rng, keep_colors=keep_colors)
        return image, masks, texts

    def _keep(self, instruction: Instruction, annotations: Sequence[Annotation], masks: Masks) -> Keep:
        """Returns what a window must preserve for one instruction."""
        category = self.data.data.categories
        targets = {category[a.category_id] for a in annotations if a.id in instruction.annotation_ids}
        needs = needs_of(instruction.text, (category[a.category_id] for a in annotations), targets)
        kept = targets | needs.categories
        return Keep(
            targets=[masks[annotation_id] for annotation_id in instruction.annotation_ids],
            objects=[masks[a.id] for a in annotations if category[a.category_id] in kept],
            whole=needs.whole,
            place=needs.place,
            all=needs.unknown,
        )
