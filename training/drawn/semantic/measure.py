"""Class IoU of a semantic segmentation model on seen and unseen categories, and of answers that see nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from mdsm_ros.dataset.metrics import Figures
from mdsm_ros.inference.preprocess import to_model_input
from training.drawn.category_splits import CategorySplit
from training.drawn.grounding_eval import harmonic_mean
from training.drawn.semantic.data import BACKGROUND, IGNORED, Labels, SemanticDataset, class_names, labels_of
from training.drawn.semantic.network import SemanticModel, resized

CENTRE = 0.7  # side of the baseline's rectangle by that of the image
Confusion = NDArray[np.int64]  # pixels, (true class, found class)
Answer = Callable[[int, Labels], Labels]  # image's id and truth -> found classes (H, W)


def confusion(truth: Labels, found: Labels, classes: int) -> Confusion:
    """Counts the pixels of an image, (classes, classes); ignored ones are left out."""
    counted = truth != IGNORED
    pairs = truth[counted].astype(np.int64) * classes + found[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_iou(counts: Confusion) -> NDArray[np.float64]:
    """IoU of each class, (classes,); NaN for one that occurs in no image."""
    both = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - both
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts.sum(axis=1) > 0, both / union, np.nan)


def summarize_classes(counts: Confusion, split: CategorySplit) -> Figures:
    """MIoU over the seen, the unseen and all categories that occur in the images, and their harmonic mean."""
    of_class = class_iou(counts)
    seen, unseen = of_class[1 : len(split.seen) + 1], of_class[len(split.seen) + 1 :]
    groups = {"mIoU seen": seen, "mIoU unseen": unseen, "mIoU": np.concatenate([of_class[:1], seen, unseen])}
    figures: Figures = {name: float(np.nanmean(v)) for name, v in groups.items() if np.isfinite(v).any()}
    if {"mIoU seen", "mIoU unseen"} <= set(figures):
        figures["harmonic mean"] = harmonic_mean(float(np.nanmean(seen)), float(np.nanmean(unseen)))
    figures["pixel accuracy"] = float(np.diag(counts).sum() / counts.sum())
    return figures


def measure(answer: Answer, data: SemanticDataset, split: CategorySplit, name: str) -> tuple[Figures, dict[str, float]]:
    """Compares the answers to images with the truth, at the images' resolution.

    Args:
        answer: Function that finds the class of every pixel.
        data: Images in which all objects of the split's categories are annotated.
        split: Categories.
        name: Name that the progress bar shows.

    Returns:
        The metrics, and the IoU of each category that occurs.
    """
    names = class_names(split)
    counts = np.zeros((len(names) + 1,) * 2, np.int64)
    for image_id in tqdm(sorted(data.by_image), desc=name, unit="image", disable=None):
        truth = labels_of(data.data, image_id, data.ids)
        counts += confusion(truth, answer(image_id, truth), len(names) + 1)
    of_class = {kind: float(value) for kind, value in zip(names, class_iou(counts)[1:], strict=True)}
    return summarize_classes(counts, split), {kind: value for kind, value in of_class.items() if np.isfinite(value)}


@torch.inference_mode()
def _found(model: SemanticModel, data: SemanticDataset, image_id: int, truth: Labels) -> Labels:
    device = next(model.parameters()).device
    if data.features is None:
        logits = model(to_model_input(data.data.image(image_id), data.image_size).to(device))
    else:
        maps, _ = data.features([image_id], [])
        assert maps is not None
        logits = model.of_maps([level.to(device) for level in maps])
    labels: Labels = resized(logits, *truth.shape)[0].argmax(dim=0).cpu().numpy().astype(np.uint8)
    return labels


def answer_of(model: SemanticModel, data: SemanticDataset) -> Answer:
    """The answers of a model, from the encoder's stored maps if the dataset has them."""
    return partial(_found, model.eval(), data)


def told_class(_: int, truth: Labels) -> Labels:
    """A baseline that is told the largest category of the image, and marks a rectangle in its centre as that."""
    numbers, sizes = np.unique(truth[(truth != BACKGROUND) & (truth != IGNORED)], return_counts=True)
    found = np.full_like(truth, BACKGROUND)
    if len(numbers):
        inside = tuple(slice(round(n * (1 - CENTRE) / 2), n - round(n * (1 - CENTRE) / 2)) for n in truth.shape)
        found[inside] = numbers[sizes.argmax()]
    return found
