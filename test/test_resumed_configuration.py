"""A resumed training learns as its configuration says, not as the checkpoint's did."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from training.train.loop import _configure_again


def made(rate: float, weight_decay: float) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))], lr=rate, weight_decay=weight_decay)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))


def resumed(rate: float, weight_decay: float) -> dict[str, Any]:
    """The optimizer's settings after three steps with a rate of 0.1, and a fourth with others."""
    before, schedule = made(0.1, 0.01)
    for _ in range(3):
        before.step()
        schedule.step()
    optimizer, again = made(rate, weight_decay)
    configured = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    base_lrs = again.base_lrs
    optimizer.load_state_dict(before.state_dict())
    again.load_state_dict(schedule.state_dict())
    _configure_again(optimizer, again, configured, base_lrs)
    now = optimizer.param_groups[0]["lr"]
    optimizer.step()
    again.step()
    return optimizer.param_groups[0] | {"resumed lr": now}


def test_the_same_configuration_changes_nothing() -> None:
    group = resumed(0.1, 0.01)
    assert group["resumed lr"] == 0.1 * (1 / 4)
    assert group["lr"] == 0.1 * (1 / 5)
    assert group["weight_decay"] == 0.01


def test_another_configuration_is_in_force_at_once() -> None:
    group = resumed(0.4, 0.5)
    assert group["resumed lr"] == pytest.approx(0.4 / 4)
    assert group["lr"] == pytest.approx(0.4 / 5)
    assert group["weight_decay"] == 0.5
