from __future__ import annotations

import pytest
import torch

from mdsm_ros.models.common.diffusion import make_scheduler, refine, refinement_timesteps, to_signal
from mdsm_ros.models.mdsm import MDSM_TINY

START = 600


def square_mask() -> torch.Tensor:
    logits = torch.full((2, 1, 16, 16), -8.0)
    logits[:, :, 4:12, 4:12] = 8.0
    return logits


def noise(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_the_signal_of_logits_is_their_probability_between_minus_one_and_one() -> None:
    logits = torch.linspace(-6, 6, 13)
    torch.testing.assert_close(to_signal(logits), 2 * logits.sigmoid() - 1)


@pytest.mark.parametrize("steps", [1, 2, 4, 10, 50, START])
def test_timesteps_lead_down_from_the_start_in_equal_strides(steps: int) -> None:
    timesteps = refinement_timesteps(make_scheduler(MDSM_TINY), START, steps)
    assert len(timesteps) == steps
    strides = -timesteps.diff()
    assert torch.all(strides > 0)
    assert len(strides) == 0 or strides.max() - strides.min() <= 1
    assert abs(int(timesteps[0]) - START) < 0.2 * START


def test_refinement_starts_from_the_noised_initial_mask() -> None:
    scheduler = make_scheduler(MDSM_TINY)
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def denoiser(noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        seen.append((noisy.clone(), timesteps))
        return square_mask()

    refine(denoiser, scheduler, square_mask(), noise(), START, 4)
    first, timesteps = seen[0]
    alpha = scheduler.alphas_cumprod[timesteps[0]]
    torch.testing.assert_close(first, alpha.sqrt() * to_signal(square_mask()) + (1 - alpha).sqrt() * noise())
    assert timesteps.shape == (2,)
    assert len(seen) == 4


def test_a_perfect_denoiser_sees_less_noise_at_every_step_and_ends_at_the_truth() -> None:
    scheduler, truth = make_scheduler(MDSM_TINY), square_mask()
    errors: list[float] = []

    def denoiser(noisy: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        errors.append((noisy - to_signal(truth)).square().mean().item())
        return truth

    wrong = -truth
    assert torch.equal(refine(denoiser, scheduler, wrong, noise(), START, 6), truth)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * errors[0]


def test_ddim_steps_match_the_equation() -> None:
    """Eq. 12 of arXiv 2010.02502 with eta = 0, computed here from x0 alone."""
    scheduler = make_scheduler(MDSM_TINY)
    seen: list[tuple[torch.Tensor, int]] = []
    guess = square_mask() / 4

    def denoiser(noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        seen.append((noisy.clone(), int(timesteps[0])))
        return guess

    refine(denoiser, scheduler, square_mask(), noise(), START, 3)
    (x, t), (following, _) = seen[0], seen[1]
    stride = scheduler.config.num_train_timesteps // scheduler.num_inference_steps
    alpha, previous = scheduler.alphas_cumprod[t], scheduler.alphas_cumprod[t - stride]
    x0 = to_signal(guess)
    epsilon = (x - alpha.sqrt() * x0) / (1 - alpha).sqrt()
    torch.testing.assert_close(following, previous.sqrt() * x0 + (1 - previous).sqrt() * epsilon)


def test_the_noise_decides_alone() -> None:
    scheduler = make_scheduler(MDSM_TINY)

    def denoiser(noisy: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return 3 * noisy

    first, again, other = (refine(denoiser, scheduler, square_mask(), noise(seed), START, 4) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_refinement_can_be_ended_between_the_steps() -> None:
    answers = iter([True, True, False])
    calls: list[int] = []

    def denoiser(_: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        calls.append(int(timesteps[0]))
        return square_mask() + len(calls)

    logits = refine(denoiser, make_scheduler(MDSM_TINY), square_mask(), noise(), START, 8, lambda: next(answers))
    assert len(calls) == 3
    assert torch.equal(logits, square_mask() + 3)
