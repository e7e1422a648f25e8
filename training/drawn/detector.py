"""Torchvision's Mask R-CNN (arXiv 1703.06870) as the oracle of drawn pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torchvision.models.detection import MaskRCNN, MaskRCNN_ResNet50_FPN_Weights
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

from mdsm_ros.checkpoints.tensor_files import load_state
from mdsm_ros.errors import DatasetError, WeightsError
from training.drawn.drawing import Drawing
from training.drawn.mask_sources import Mask, Request

PUBLISHED = MaskRCNN_ResNet50_FPN_Weights.COCO_V1
MIN_SCORE = 0.5  # of a detection
MIN_PROBABILITY = 0.5  # of a pixel


class DetectorMasks:
    """Finds the kinds of COCO: all things of a kind together, where the paper takes the first one alone.

    Args:
        device: Device of the detector.
        weights: File of its weights, .safetensors or .pth; None downloads torchvision's.

    Raises:
        WeightsError: The weights cannot be read or downloaded, or are another model's.
    """

    def __init__(self, device: str, weights: Path | None = None) -> None:
        self._kinds = {name: number for number, name in enumerate(PUBLISHED.meta["categories"])}
        # as torchvision builds it around the published weights
        norm = partial(FrozenBatchNorm2d, eps=0.0)
        backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=norm)
        model = MaskRCNN(backbone, num_classes=len(PUBLISHED.meta["categories"]))
        try:
            model.load_state_dict(_read_state(weights))
        except RuntimeError as error:
            raise WeightsError(f"{weights} does not hold the weights of maskrcnn_resnet50_fpn: {error}") from error
        self._model = model.to(device).eval()
        self._device = device

    @torch.inference_mode()
    def masks(self, drawing: Drawing, requests: Sequence[Request]) -> list[Mask]:
        """See :class:`training.drawn.mask_sources.MaskSource`.

        Raises:
            DatasetError: A kind is none of COCO's.
        """
        unknown = sorted({kind for _, kind in requests} - set(self._kinds))
        if unknown:
            raise DatasetError(f"the oracle mask-rcnn does not know {unknown[0]!r}, expected one of COCO's kinds")
        images = torch.from_numpy(drawing.images).permute(0, 3, 1, 2).float() / 255
        found = [{k: v.cpu().numpy() for k, v in each.items()} for each in self._model(list(images.to(self._device)))]
        return [self._mask(found[row], self._kinds[kind]) for row, kind in requests]

    @staticmethod
    def _mask(found: Mapping[str, NDArray[np.float32]], label: int) -> Mask:
        chosen = (found["labels"] == label) & (found["scores"] >= MIN_SCORE)
        mask: Mask = (found["masks"][chosen, 0] >= MIN_PROBABILITY).any(axis=0)
        return mask


def _read_state(file: Path | None) -> Mapping[str, torch.Tensor]:
    try:
        if file is None:
            state: Mapping[str, torch.Tensor] = PUBLISHED.get_state_dict(
                progress=True, check_hash=True, weights_only=True
            )
            return state
        if file.suffix == ".safetensors":
            return load_file(file)
        return load_state(file)
    except Exception as error:  # readers of damaged files fail in many ways
        if file is None:
            raise WeightsError(
                f"the weights of Mask R-CNN cannot be downloaded ({error}); get {PUBLISHED.url} and name the file with "
                "--oracle-weights"
            ) from error
        raise WeightsError(f"{file} cannot be read as weights: {error}") from error
