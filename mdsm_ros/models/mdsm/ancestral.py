"""DDPM's reverse steps (arXiv 2006.11239, section 3.2), which the paper names and this package's DDIM replaces."""

from __future__ import annotations

import torch

from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.layers.ddim import Steps


class Ancestral:
    """A noise schedule whose steps add new noise, by diffusers' ``DDPMScheduler``, from predicted clean masks.

    Args:
        config: Configuration with the schedule's length and name.
        generator: Random generator of the noise, or one for each mask of the batch; None for PyTorch's.

    Attributes:
        timesteps: Timesteps of the whole way, descending, after :meth:`set_timesteps`.
    """

    def __init__(self, config: MDSMConfig, generator: torch.Generator | list[torch.Generator] | None) -> None:
        from diffusers import DDPMScheduler  # slow to import, and the default sampler needs none of it

        self.config = Steps(config.num_train_timesteps)
        self._generator = generator
        self._scheduler = DDPMScheduler(
            num_train_timesteps=config.num_train_timesteps,
            beta_schedule=config.beta_schedule,
            prediction_type="sample",
            timestep_spacing="trailing",
        )

    @property
    def timesteps(self) -> torch.Tensor:
        """Timesteps of the whole way, descending."""
        timesteps: torch.Tensor = self._scheduler.timesteps
        return timesteps

    def set_timesteps(self, num_inference_steps: int) -> None:
        """Sets the number of steps of the whole way; the first step starts from pure noise."""
        self._scheduler.set_timesteps(num_inference_steps)

    def add_noise(self, clean: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Adds noise (B, ...) to clean samples (B, ...) for the timesteps (B,) or (1,)."""
        noisy: torch.Tensor = self._scheduler.add_noise(clean, noise, timesteps)
        return noisy

    def step(self, predicted: torch.Tensor, timestep: int, sample: torch.Tensor) -> torch.Tensor:
        """Takes one denoising step from the predicted clean sample (B, ...); the last one adds no noise."""
        result: torch.Tensor = self._scheduler.step(predicted, timestep, sample, generator=self._generator).prev_sample
        return result
