"""DDIM (arXiv 2010.02502) with "sample" prediction, as diffusers' DDIMScheduler computes it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

BETA_START, BETA_END = 0.0001, 0.02  # first and last variance of the linear schedules
MOST_NOISE = 0.999  # largest variance of a step of the cosine schedule


def make_betas(schedule: str, number: int) -> torch.Tensor:
    """The variance that each of ``number`` steps adds: (number,), on the CPU.

    Args:
        schedule: One of :data:`~mdsm_ros.models.config.BETA_SCHEDULES`.
        number: Number of training timesteps.
    """
    if schedule == "linear":
        return torch.linspace(BETA_START, BETA_END, number, dtype=torch.float32, device="cpu")
    if schedule == "scaled_linear":
        ends = BETA_START**0.5, BETA_END**0.5
        return torch.linspace(*ends, number, dtype=torch.float32, device="cpu") ** 2
    ways = (_cosine((i + 1) / number) / _cosine(i / number) for i in range(number))
    return torch.tensor([min(1 - left, MOST_NOISE) for left in ways], dtype=torch.float32, device="cpu")


def _cosine(time: float) -> float:
    """The remaining fraction of the signal (arXiv 2102.09672, eq. 17)."""
    return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2


@dataclass(frozen=True)
class Steps:
    """The length of a noise schedule.

    Attributes:
        num_train_timesteps: Number of training timesteps.
    """

    num_train_timesteps: int


class DDIM:
    """A noise schedule, and deterministic denoising steps (eq. 12, eta = 0).

    Args:
        num_train_timesteps: Number of training timesteps.
        beta_schedule: Name of the schedule.

    Attributes:
        alphas_cumprod: Remaining fraction of the signal's variance at each timestep, (steps,).
        num_inference_steps: Number of steps of the whole way, set by :meth:`set_timesteps`.
        timesteps: Timesteps of the whole way, descending.
    """

    def __init__(self, num_train_timesteps: int, beta_schedule: str) -> None:
        self.config = Steps(num_train_timesteps)
        self.alphas_cumprod = (1.0 - make_betas(beta_schedule, num_train_timesteps)).cumprod(dim=0)
        self.set_timesteps(num_train_timesteps)

    def set_timesteps(self, num_inference_steps: int) -> None:
        """Sets the number of steps of the whole way; the first step starts from pure noise."""
        total = self.config.num_train_timesteps
        self.num_inference_steps = num_inference_steps
        found = np.round(np.arange(total, 0, -total / num_inference_steps)).astype(np.int64) - 1
        self.timesteps = torch.from_numpy(found)

    def add_noise(self, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Adds noise (B, ...) to clean samples (B, ...) for the timesteps (B,) or (1,)."""
        left = self.alphas_cumprod.to(clean)[timesteps.to(clean.device)]
        left = left.view(-1, *(1 for _ in clean.shape[1:]))
        return left**0.5 * clean + (1 - left) ** 0.5 * noise

    def clean(self, sample: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Takes noise (B, ...) out of samples (B, ...) at the timesteps (B,): the inverse of :meth:`add_noise`."""
        left = self.alphas_cumprod.to(sample)[timesteps.to(sample.device)]
        left = left.view(-1, *(1 for _ in sample.shape[1:]))
        return (sample - (1 - left) ** 0.5 * noise) / left**0.5

    def step(self, predicted: torch.Tensor, timestep: int, sample: torch.Tensor) -> torch.Tensor:
        """Takes one denoising step.

        Args:
            predicted: Clean sample predicted by the network, (B, ...); it is clipped to [-1, 1].
            timestep: Timestep of the noise in the sample.
            sample: Noisy sample, (B, ...).

        Returns:
            The sample at the next timestep, (B, ...).
        """
        following = timestep - self.config.num_train_timesteps // self.num_inference_steps
        left = self.alphas_cumprod[timestep]
        left_then = self.alphas_cumprod[following] if following >= 0 else torch.ones((), device="cpu")
        noise = (sample - left**0.5 * predicted) / (1 - left) ** 0.5
        return left_then**0.5 * predicted.clamp(-1, 1) + (1 - left_then) ** 0.5 * noise
