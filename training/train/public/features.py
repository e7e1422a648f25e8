"""What the frozen encoders of a public model give, computed once: maps of images on disk, text in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from filelock import FileLock
from torch import nn
from tqdm import tqdm

from mdsm_ros.errors import StorageError
from mdsm_ros.inference.preprocess import resize_image
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.interface import TunableModel
from training.datasets.dataset import FrozenFeatures, InstructionDataset
from training.features.fingerprint import of_images, of_module
from training.features.store import RowStore

FOLDER = "features"  # in the dataset's folder
BATCH = 4  # images, or sentences

Part = TypeVar("Part", str, int)


@torch.inference_mode()
def cache_public_features(model: TunableModel, data: InstructionDataset) -> FrozenFeatures:
    """Computes what is missing of the features of all images, and those of all sentences.

    Args:
        model: Model, on the device that computes.
        data: Instructions and images.

    Returns:
        A function that gives the images' maps, and the text as one token of each sentence.

    Raises:
        DatasetError: An image cannot be read.
        StorageError: The disk has too little space.
    """
    folder = data.data.root / FOLDER
    folder.mkdir(exist_ok=True)
    texts = _texts(model, sorted({instruction.text for instruction in data.instructions}))
    with FileLock(folder / "lock"):  # another training on the same data waits, then finds all features
        store, rows = _images(model, data, folder / f"{model.config.model_type}-{data.instructions[0].split}")

    def features(image_ids: Sequence[int], said: Sequence[str]) -> tuple[tuple[torch.Tensor, ...], TextFeatures]:
        maps = tuple(torch.from_numpy(level) for level in store.get([rows[image_id] for image_id in image_ids]))
        tokens = torch.stack([texts[text] for text in said])[:, None]
        return maps, TextFeatures(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))

    return features


def _texts(model: TunableModel, texts: Sequence[str]) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}
    for some in _parts(texts):
        found.update(zip(some, model.frozen_text(some).cpu().clone(), strict=True))
    return found


def _images(model: TunableModel, data: InstructionDataset, folder: Path) -> tuple[RowStore, dict[int, int]]:
    """The store of the images' features, and the row of each image id."""
    side, image_ids = data.image_size, sorted(data.by_image)
    network: nn.Module = model.tuned_network
    device = next(network.parameters()).device
    shapes = [tuple(level.shape[1:]) for level in model.frozen_features(torch.zeros(1, 3, side, side, device=device))]
    identity = {"network": of_module(network), "image_size": side, "pictures": of_images(data.data, image_ids)}
    size = 2 * len(image_ids) * sum(int(np.prod(shape)) for shape in shapes)  # bytes, half precision
    free = shutil.disk_usage(folder.parent).free
    if free < size and not folder.exists():
        raise StorageError(
            f"the disk of {folder.parent} has {free / 1e6:.0f} MB free, expected at least {size / 1e6:.0f} MB for "
            "features"
        )
    store = RowStore(folder, identity, shapes, len(image_ids))
    missing = store.missing().tolist()
    with tqdm(total=len(missing), desc="image features", unit="image", disable=None, mininterval=2.0) as progress:
        for rows in _parts(missing):
            pictures = np.stack([resize_image(data.data.image(image_ids[row]), side) for row in rows])
            images = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(device).float() / 255
            store.put(rows, [level.float().cpu().numpy() for level in model.frozen_features(images)])
            progress.update(len(rows))
    return store, {image_id: row for row, image_id in enumerate(image_ids)}


def _parts(values: Sequence[Part]) -> Iterator[list[Part]]:
    for first in range(0, len(values), BATCH):
        yield list(values[first : first + BATCH])
