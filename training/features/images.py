"""Maps of the frozen semantic branch, once per image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from mdsm_ros.inference.preprocess import resize_image
from mdsm_ros.models.common.intermediate import IntermediateStage
from training.datasets.dataset import InstructionDataset
from training.features.fingerprint import of_images, of_module
from training.features.store import RowStore

BATCH = 16  # images


class ImageFeatures:
    """The semantic branch's maps of the images of a dataset.

    Args:
        store: Store with one row per image.
        rows: Row of each image id.
    """

    def __init__(self, store: RowStore, rows: dict[int, int]) -> None:
        self._store, self._rows = store, rows

    def get(self, image_ids: Sequence[int]) -> tuple[torch.Tensor, ...]:
        """Returns the maps of N images: (N, C_i, h_i, w_i) float32 for each level."""
        return tuple(torch.from_numpy(level) for level in self._store.get([self._rows[i] for i in image_ids]))


def cache_images(stage: IntermediateStage, data: InstructionDataset, folder: Path) -> ImageFeatures:
    """Returns the maps of every image with instructions; computes those missing in the folder.

    Args:
        stage: Stage 1 with a frozen semantic branch.
        data: Instructions and images.
        folder: Folder of the maps; maps of an interrupted call are reused.

    Raises:
        DatasetError: An image cannot be read.
    """
    assert stage.clip is not None
    return cache_maps(stage.clip, stage.semantic, data, folder)


@torch.inference_mode()
def cache_maps(
    branch: nn.Module, maps: Callable[[torch.Tensor], Sequence[torch.Tensor]], data: InstructionDataset, folder: Path
) -> ImageFeatures:
    """Returns the maps of every image with instructions; computes those missing in the folder.

    Args:
        branch: Frozen encoder.
        maps: Function of the encoder that makes maps (N, C_i, h_i, w_i) of images (N, 3, S, S) in [0, 1].
        data: Instructions and images.
        folder: Folder of the maps; maps of an interrupted call are reused.

    Raises:
        DatasetError: An image cannot be read.
    """
    side, image_ids = data.image_size, sorted(data.by_image)
    branch.eval()
    device = next(branch.parameters()).device
    shapes = [tuple(level.shape[1:]) for level in maps(torch.zeros(1, 3, side, side, device=device))]
    identity = {"encoder": of_module(branch), "image_size": side, "pictures": of_images(data.data, image_ids)}
    store = RowStore(folder, identity, shapes, len(image_ids))
    missing = store.missing()
    with tqdm(total=len(missing), desc="image features", unit="image", disable=None, mininterval=2.0) as progress:
        for first in range(0, len(missing), BATCH):
            rows = missing[first : first + BATCH]
            pictures = np.stack([resize_image(data.data.image(image_ids[row]), side) for row in rows])
            images = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(device).float() / 255
            store.put(rows.tolist(), [level.float().cpu().numpy() for level in maps(images)])
            progress.update(len(rows))
    return ImageFeatures(store, {image_id: row for row, image_id in enumerate(image_ids)})
