"""Diffusion of masks as pure functions around a noise schedule.

A mask has values in [-1, 1]. The denoiser predicts the clean mask itself ("sample" prediction, as logits). For binary
masks this is more stable than predicting the noise, and it allows cross-entropy and dice losses. Reverse steps are DDIM
(arXiv 2010.02502, eq. 12, eta = 0), or those of another sampler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch

from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.layers.ddim import DDIM

Denoiser = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # (noisy mask, timesteps (B,)) -> clean mask logits


class Scheduler(Protocol):
    """The interface of a noise schedule for :func:`refinement_timesteps`: this package's or one of diffusers."""

    @property
    def config(self) -> Any:
        """The configuration, with ``num_train_timesteps``."""
        ...

    @property
    def timesteps(self) -> torch.Tensor:
        """The timesteps of the whole way from noise to a clean sample, descending."""
        ...

    def set_timesteps(self, num_inference_steps: int) -> None:
        """Sets the number of steps of the whole way."""
        ...


class Sampler(Scheduler, Protocol):
    """The interface of a noise schedule for :func:`refine`: one that also adds noise and takes denoising steps."""

    def add_noise(self, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Adds noise (B, ...) to clean samples (B, ...) for the timesteps (B,) or (1,)."""
        ...

    def step(self, predicted: torch.Tensor, timestep: int, sample: torch.Tensor) -> torch.Tensor:
        """The sample (B, ...) at the next timestep, from the predicted clean sample and the noisy one."""
        ...


def make_scheduler(config: MDSMConfig) -> DDIM:
    """The noise schedule, shared by training and sampling."""
    return DDIM(config.num_train_timesteps, config.beta_schedule)


def to_signal(logits: torch.Tensor) -> torch.Tensor:
    """Converts mask logits to the mask that is diffused, in [-1, 1]."""
    return torch.tanh(logits / 2)  # = 2 sigmoid(logits) - 1


def to_logits(signal: torch.Tensor) -> torch.Tensor:
    """The inverse of :func:`to_signal`, in 32 bits, for logits between -6 and 6; others are cut off there."""
    return 2 * torch.atanh(signal.float().clamp(-0.995, 0.995))


def refinement_timesteps(scheduler: Scheduler, start_timestep: int, num_inference_steps: int) -> torch.Tensor:
    """Timesteps from about ``start_timestep`` towards the clean mask in ``num_inference_steps`` equal strides."""
    train_steps = scheduler.config.num_train_timesteps
    total = max(num_inference_steps, round(num_inference_steps * train_steps / start_timestep))
    scheduler.set_timesteps(total)
    return scheduler.timesteps[total - num_inference_steps :]


def refine(
    denoiser: Denoiser,
    scheduler: Sampler,
    initial_logits: torch.Tensor,
    noise: torch.Tensor,
    start_timestep: int,
    num_inference_steps: int,
    keep_on: Callable[[], bool] = lambda: True,
) -> torch.Tensor:
    """Adds noise to the initial mask up to ``start_timestep`` and denoises it from there.

    The denoiser predicts the clean mask at every step, so there is an answer whenever ``keep_on`` ends the refinement.

    Args:
        denoiser: Function that predicts the clean mask's logits from a noisy mask.
        scheduler: Noise schedule, such as that of :func:`make_scheduler`.
        initial_logits: Logits of the mask to refine, (B, 1, h, w).
        noise: Standard normal noise, (B, 1, h, w).
        start_timestep: Noise level at the start, 1 to ``num_train_timesteps`` - 1.
        num_inference_steps: Number of denoiser calls, at least 1.
        keep_on: Function called before every denoiser call but the first; False ends the refinement.

    Returns:
        Logits of the refined mask (B, 1, h, w): the denoiser's last prediction.
    """
    timesteps = refinement_timesteps(scheduler, start_timestep, num_inference_steps)
    sample = scheduler.add_noise(to_signal(initial_logits), noise, timesteps[:1])
    logits = initial_logits
    for i, timestep in enumerate(timesteps):
        if i and not keep_on():
            break
        logits = denoiser(sample, timestep.to(sample.device).expand(len(sample)))
        sample = scheduler.step(to_signal(logits), int(timestep), sample)
    return logits
