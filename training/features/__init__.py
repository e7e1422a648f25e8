"""Features of frozen encoders, computed once per image and sentence and stored on disk."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from filelock import FileLock

from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.models.mdsm.network import MDSM
from training.datasets.dataset import FrozenFeatures, InstructionDataset
from training.features.images import cache_images
from training.features.texts import cache_texts

FOLDER = "features"  # in the dataset's folder


def cache_features(model: HubModel, data: InstructionDataset) -> FrozenFeatures:
    """Returns the features of a model's frozen encoders for a dataset; computes those missing in its folder.

    Args:
        model: MDSM or LAVT with a frozen language encoder, and a frozen semantic branch if it has one.
        data: Instructions and images of one split.

    Raises:
        DatasetError: An image cannot be read.
    """
    folder = data.data.root / FOLDER
    split = data.instructions[0].split
    assert isinstance(model, MDSM | LAVT)  # ensured by the configuration
    stage = model.intermediate if isinstance(model, MDSM) and model.intermediate.clip is not None else None
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):  # another training on the same data waits, then finds all features
        sentences = cache_texts(model.language, data.column("text"), folder / f"{split}-sentences")
        pictures = None if stage is None else cache_images(stage, data, folder / f"{split}-images")

    def features(
        image_ids: Sequence[int], texts: Sequence[str]
    ) -> tuple[tuple[torch.Tensor, ...] | None, TextFeatures]:
        return None if pictures is None else pictures.get(image_ids), sentences.get(texts)

    return features
