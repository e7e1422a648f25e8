from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.train.losses import dice, mask_loss, weighted_cross_entropy


def a_batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 1, 8, 8, generator=generator), torch.rand(3, 1, 8, 8, generator=generator) > 0.7


def test_cross_entropy_is_the_two_class_one_with_class_weights() -> None:
    logits, masks = a_batch()
    two_classes = torch.cat([torch.zeros_like(logits), logits], dim=1)
    weight = torch.tensor([0.9, 1.1])
    samples = [functional.cross_entropy(two_classes[i : i + 1], masks[i, :1].long(), weight=weight) for i in range(3)]
    torch.testing.assert_close(weighted_cross_entropy(logits, masks), torch.stack(samples).mean())


def test_dice_by_hand() -> None:
    masks = torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    masks[0, 0, 0, 0] = True
    half_sure = torch.zeros(1, 1, 2, 2)  # probability 0.5 everywhere
    assert dice(half_sure, masks).item() == pytest.approx(1 - (2 * 0.5 + 1) / (2 + 1 + 1))
    assert dice(torch.where(masks, 50.0, -50.0), masks).item() == pytest.approx(0, abs=1e-6)


def test_dice_of_samples_without_a_target_is_nothing() -> None:
    logits, masks = a_batch()
    masks[1] = False
    torch.testing.assert_close(dice(logits, masks), 2 / 3 * dice(logits[[0, 2]], masks[[0, 2]]))
    assert dice(logits, torch.zeros_like(masks)).item() == 0


def test_parts_weighted_with_their_sizes_give_the_whole() -> None:
    logits, masks = a_batch()
    masks[1] = False
    for loss in (weighted_cross_entropy, dice):
        parts = (loss(logits[:1], masks[:1]) + 2 * loss(logits[1:], masks[1:])) / 3
        torch.testing.assert_close(loss(logits, masks), parts)


def test_dice_can_be_switched_off() -> None:
    logits, masks = a_batch()
    torch.testing.assert_close(mask_loss(logits, masks, 0.0), weighted_cross_entropy(logits, masks))
    torch.testing.assert_close(
        mask_loss(logits, masks, 0.5), weighted_cross_entropy(logits, masks) + 0.5 * dice(logits, masks)
    )


def test_coarse_logits_are_compared_at_the_masks_resolution() -> None:
    masks = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    masks[..., :8] = True
    coarse = torch.full((1, 1, 4, 4), -20.0)
    coarse[..., :2] = 20.0
    assert mask_loss(coarse, masks, 1.0).item() < 0.5 < mask_loss(-coarse, masks, 1.0).item()


def test_masks_are_compared_on_a_grid_as_the_fraction_of_each_cell() -> None:
    masks = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    masks[..., :4, :6] = True  # of the cells of 4 pixels, one is full and one half full
    logits = torch.zeros(1, 1, 2, 2)
    expected = torch.tensor([[1.0, 0.5], [0.0, 0.0]]).view(1, 1, 2, 2)
    found = mask_loss(logits, masks, 0.7, stride=4)
    torch.testing.assert_close(found, weighted_cross_entropy(logits, expected) + 0.7 * dice(logits, expected))
    right = torch.where(expected > 0.7, 9.0, -9.0)
    assert mask_loss(right, masks, 1.0, stride=4) < mask_loss(-right, masks, 1.0, stride=4)
