from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mdsm_ros.models.common.diffusion import make_scheduler, refine, refinement_timesteps, to_signal
from mdsm_ros.models.mdsm import MDSM_TINY
from mdsm_ros.models.mdsm.ancestral import Ancestral
from mdsm_ros.models.mdsm.network import MDSM
from mdsm_ros.segmenter import Segmenter

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


def test_ddpm_draws_from_the_posterior_of_the_next_step() -> None:
    """Mean and deviation of many draws are those of arXiv 2006.11239, eq. 6 and 7."""
    config = replace(MDSM_TINY, beta_schedule="linear")
    sampler, schedule = Ancestral(config, torch.Generator().manual_seed(0)), make_scheduler(config)
    sampler.set_timesteps(10)  # strides of 100
    left, left_then = schedule.alphas_cumprod[599], schedule.alphas_cumprod[499]
    ratio = left / left_then
    sample, clean = torch.full((1, 1, 200, 200), 0.3), torch.full((1, 1, 200, 200), -0.8)
    mean = (left_then.sqrt() * (1 - ratio) * -0.8 + ratio.sqrt() * (1 - left_then) * 0.3) / (1 - left)
    drawn = sampler.step(clean, 599, sample)
    assert float(drawn.mean()) == pytest.approx(float(mean), abs=0.01)
    assert float(drawn.var()) == pytest.approx(float((1 - left_then) / (1 - left) * (1 - ratio)), rel=0.03)


def test_ddpm_adds_its_noise_by_the_generator_and_none_in_the_last_step() -> None:
    def refined(seed: int, steps: int) -> torch.Tensor:
        sampler = Ancestral(MDSM_TINY, torch.Generator().manual_seed(seed))
        return refine(lambda noisy, _: 3 * noisy, sampler, square_mask(), noise(), START, steps)

    assert torch.equal(refined(0, 4), refined(0, 4))
    assert not torch.equal(refined(0, 4), refined(1, 4))
    assert torch.equal(refined(0, 1), refined(1, 1))


def test_noise_that_is_predicted_right_gives_the_truth() -> None:
    scheduler, truth = make_scheduler(MDSM_TINY), to_signal(square_mask())
    timesteps = torch.tensor([10, 700])
    noisy = scheduler.add_noise(truth, noise(), timesteps)
    torch.testing.assert_close(scheduler.clean(noisy, noise(), timesteps), truth, atol=1e-4, rtol=0)


def test_a_model_that_predicts_noise_answers_with_a_mask(untrained_weights: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    plain = MDSM.from_pretrained(untrained_weights)
    config = replace(plain.config, prediction="epsilon", sampler="ddpm")
    model = MDSM(config, plain.tokenizer)
    model.load_state_dict(plain.state_dict())
    first = Segmenter(plain, "plain", "cpu").segment(image, "get the red cup", seed=1)
    second, again = (Segmenter(model.eval(), "noise", "cpu").segment(image, "get the red cup", seed=1) for _ in "ab")
    assert np.array_equal(second.probability, again.probability)
    assert not np.array_equal(first.probability, second.probability)
    features = model.encode_text(["get the red cup"])
    noisy, condition = torch.randn(1, 1, 16, 16), torch.randn(1, 4 + config.refiner_condition_channels, 16, 16)
    timesteps = torch.tensor([300])
    with torch.inference_mode():
        found = model.refiner.predict(noisy, timesteps, condition, features)
        signal = make_scheduler(config).clean(noisy, found, timesteps).clamp(-0.995, 0.995)
        torch.testing.assert_close(to_signal(model.refiner(noisy, timesteps, condition, features)), signal)
