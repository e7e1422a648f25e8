"""Losses of both stages, as pure functions of logits and truth.

All are means over the samples of a batch, so that the parts of a batch, weighted with their sizes, give its loss:
neither the number of processes nor that of micro-batches shows in a step.
"""

from __future__ import annotations

import torch
from torch.nn import functional

CLASS_WEIGHTS = (0.9, 1.1)  # background, object (LAVT, train.py)


def weighted_cross_entropy(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Two-class cross-entropy with LAVT's class weights, in its one-logit form: weighted mean of each sample's pixels.

    Args:
        logits: (B, 1, H, W).
        masks: (B, 1, H, W) bool.
    """
    weight = torch.where(masks, CLASS_WEIGHTS[1], CLASS_WEIGHTS[0])
    losses = functional.binary_cross_entropy_with_logits(logits, masks.to(logits.dtype), reduction="none")
    return ((losses * weight).flatten(1).sum(dim=1) / weight.flatten(1).sum(dim=1)).mean()


def dice(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Soft dice loss, mean over the samples; 0 for those without a target.

    Args:
        logits: (B, 1, H, W).
        masks: (B, 1, H, W) bool.
    """
    probability, truth = logits.sigmoid().flatten(1), masks.flatten(1).to(logits.dtype)
    overlap = 2 * (probability * truth).sum(dim=1) + 1
    losses = 1 - overlap / (probability.sum(dim=1) + truth.sum(dim=1) + 1)
    present = masks.flatten(1).any(dim=1)
    return (losses * present).mean()


def mask_loss(logits: torch.Tensor, masks: torch.Tensor, dice_weight: float) -> torch.Tensor:
    """Cross-entropy plus weighted dice, at the resolution of the masks.

    Args:
        logits: (B, 1, h, w), upsampled bilinearly to the masks.
        masks: (B, 1, H, W) bool.
        dice_weight: 0 switches dice off (the paper trains with cross-entropy alone).
    """
    logits = functional.interpolate(logits.float(), size=masks.shape[-2:], mode="bilinear", align_corners=False)
    loss = weighted_cross_entropy(logits, masks)
    return loss + dice_weight * dice(logits, masks) if dice_weight else loss
