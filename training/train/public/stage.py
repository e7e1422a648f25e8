"""The objective of a public model's decoder."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.models.interface import TunableModel
from training.datasets.dataset import Batch
from training.train.losses import mask_loss
from training.train.public.config import PublicTrainConfig
from training.train.stages import Losses

JITTER = 0.1  # standard deviation of a box's edges, in its width and height: as in the training of SAM
MOST_JITTER = 0.02  # in widths and heights of the image


class PublicStage(nn.Module):
    """The mask of the decoder, from cached features.

    Only the decoder's parameters belong to this module, so that checkpoints hold no encoder.

    Args:
        model: Model to train.
        config: Configuration of the training.
    """

    def __init__(self, model: TunableModel, config: PublicTrainConfig) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple, so that its other parameters do not belong to this module
        self.config = config
        self.tuned = nn.ParameterList(model.tuned_parameters)

    def forward(self, batch: Batch, step: int) -> Losses:
        """The losses of one batch; a decoder that needs boxes learns from targets in view alone."""
        (model,) = self._model
        assert batch.semantic is not None  # features are cached
        assert batch.text is not None
        rows = torch.arange(len(batch.texts), device=batch.masks.device)
        if model.needs_boxes:
            rows = rows[batch.masks.flatten(1).any(dim=1)]
        if not len(rows):
            return {"loss": sum((parameter.sum() for parameter in self.tuned), start=torch.zeros(())) * 0.0}
        features = [level[batch.image_index[rows]] for level in batch.semantic]
        boxes = self._boxes(batch, rows, step) if model.needs_boxes else torch.zeros(len(rows), 4)
        answer = model.tuned_mask(features, batch.text.tokens[rows, 0], boxes.to(rows.device))
        masks = batch.masks[rows]
        losses = {"mask": mask_loss(answer.logits, masks, self.config.stage1.dice_weight, self.config.loss_stride)}
        loss = losses["mask"]
        if not model.needs_boxes:
            present = batch.present[rows].float()
            losses["present"] = functional.binary_cross_entropy_with_logits(answer.present_logits.float(), present)
            loss = loss + self.config.present_weight * losses["present"]
        return losses | {"loss": loss}

    def _boxes(self, batch: Batch, rows: torch.Tensor, step: int) -> torch.Tensor:
        """The boxes (B, 4) of the masks; they are jittered, since a detector's boxes are not exact."""
        found = []
        for row in rows.tolist():
            mask = batch.masks[row, 0].cpu().numpy()
            columns, lines = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
            box = np.array([columns[0], lines[0], columns[-1] + 1, lines[-1] + 1]) / mask.shape[0]  # squares
            size = np.tile(box[2:] - box[:2], 2)
            rng = np.random.default_rng((self.config.seed, step, batch.positions[row], 4))
            moved = rng.normal(0.0, JITTER * size).clip(-MOST_JITTER, MOST_JITTER)
            found.append((box + moved).clip(0.0, 1.0))
        return torch.tensor(np.stack(found), dtype=torch.float32)
