"""What frozen encoders see, computed once per picture and once per sentence and kept on disk."""

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

FOLDER = "features"  # in the dataset's own


def cache_features(model: HubModel, data: InstructionDataset) -> FrozenFeatures:
    """What a model's frozen encoders make of a dataset, from its folder where it has been computed before.

    Args:
        model: MDSM or LAVT with a frozen language encoder, and a frozen semantic branch where it has one.
        data: Instructions and pictures of one split.

    Raises:
        DatasetError: A picture cannot be read.
    """
    folder = data.data.root / FOLDER
    split = data.instructions[0].split
    assert isinstance(model, MDSM | LAVT)  # the configuration saw to it
    stage = model.intermediate if isinstance(model, MDSM) and model.intermediate.clip is not None else None
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):  # another training on the same data waits, then finds all of it
        sentences = cache_texts(model.language, [i.text for i in data.instructions], folder / f"{split}-sentences")
        pictures = None if stage is None else cache_images(stage, data, folder / f"{split}-images")

    def features(
        image_ids: Sequence[int], texts: Sequence[str]
    ) -> tuple[tuple[torch.Tensor, ...] | None, TextFeatures]:
        return None if pictures is None else pictures.get(image_ids), sentences.get(texts)

    return features
