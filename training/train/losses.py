"""Losses of both stages, as pure functions of logits and ground truth.

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
        logits: Logits (B, 1, H, W).
        masks: Masks, bool (B, 1, H, W), or the fraction of each cell that the object covers.
    """
    truth = masks.to(logits.dtype)
    weight = truth * (CLASS_WEIGHTS[1] - CLASS_WEIGHTS[0]) + CLASS_WEIGHTS[0]
    losses = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return ((losses * weight).flatten(1).sum(dim=1) / weight.flatten(1).sum(dim=1)).mean()


def dice(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Soft dice loss, mean over the samples; 0 for those without a target.

    Args:
        logits: Logits (B, 1, H, W).
        masks: Masks, bool (B, 1, H, W), or the fraction of each cell that the object covers.
    """
    probability, truth = logits.sigmoid().flatten(1), masks.flatten(1).to(logits.dtype)
    overlap = 2 * (probability * truth).sum(dim=1) + 1
    losses = 1 - overlap / (probability.sum(dim=1) + truth.sum(dim=1) + 1)
    present = truth.amax(dim=1) > 0
    return (losses * present).mean()


def mask_loss(logits: torch.Tensor, masks: torch.Tensor, dice_weight: float, stride: int = 1) -> torch.Tensor:
    """Cross-entropy plus weighted dice.

    Args:
        logits: Logits (B, 1, h, w), resized bilinearly to the masks' grid.
        masks: Masks, bool (B, 1, H, W), or probabilities.
        dice_weight: Weight of the dice loss; 0 switches it off (the paper trains with cross-entropy alone).
        stride: Side in pixels of the cells on which masks are compared; 1 for the masks' resolution.
    """
    truth = masks.float() if stride == 1 else functional.avg_pool2d(masks.float(), stride)
    logits = functional.interpolate(logits.float(), size=truth.shape[-2:], mode="bilinear", align_corners=False)
    loss = weighted_cross_entropy(logits, truth)
    return loss + dice_weight * dice(logits, truth) if dice_weight else loss
