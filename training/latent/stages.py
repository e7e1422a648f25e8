"""What the two stages of a latent diffusion model (arXiv 2112.10752) optimise: the autoencoder, then the denoiser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from diffusers import DDIMScheduler
from diffusers.training_utils import compute_snr
from torch import nn
from torch.nn import functional

from mdsm_ros.models.stable_diffusion.network import StableDiffusion, make_scheduler
from training.datasets.dataset import Batch
from training.latent.config import LatentDiffusionConfig
from training.train.stages import Losses

AUTOENCODER_DRAWS, DIFFUSION_DRAWS = 4, 5  # so that no two stages draw the same numbers


def stable_diffusion_scheduler() -> DDIMScheduler:
    """Noise schedule and sampler settings of Stable Diffusion 1."""
    return DDIMScheduler.from_config(make_scheduler().config, timestep_spacing="leading", steps_offset=1)


def to_signal(images: torch.Tensor) -> torch.Tensor:
    """Pixels 0 to 255 to the VAE's range, [-1, 1]."""
    return images.float() / 127.5 - 1


class AutoencoderStage(nn.Module):
    """Stage 1: the VAE, by L1 and a small Kullback-Leibler term.

    Stable Diffusion's VAE has a perceptual (LPIPS) and an adversarial term besides, which give sharp texture; LPIPS
    needs a pretrained VGG.
    """

    def __init__(self, model: StableDiffusion, config: LatentDiffusionConfig) -> None:
        super().__init__()
        self.vae = model.vae
        self.config = config

    def forward(self, batch: Batch, step: int) -> Losses:
        """The losses of one batch; what is drawn for an image depends on seed, step and image alone."""
        images = to_signal(batch.images)
        posterior = self.vae.encode(images).latent_dist
        noise = _normal(posterior.mean.shape[1:], batch.positions, (self.config.seed, step, AUTOENCODER_DRAWS))
        decoded = self.vae.decode(posterior.mean + posterior.std * noise.to(images.device)).sample
        divergence = posterior.kl().sum() / images.numel()  # nats a value of the image
        losses = {"reconstruction": functional.l1_loss(decoded.float(), images), "kl": divergence}
        return losses | {"loss": losses["reconstruction"] + self.config.kl_weight * losses["kl"]}


class DenoiserStage(nn.Module):
    """Stage 2: UNet and text encoder learn to predict the noise in latents, while the VAE is frozen.

    Where there is little noise its prediction has the largest errors and decides details alone. Its weight is bounded
    (min-SNR, arXiv 2303.09556), for a short training to be spent on what is where; Stable Diffusion does not do that.
    In ``text_dropout`` of the samples the sentence is left out, for classifier-free guidance (arXiv 2207.12598).
    """

    def __init__(self, model: StableDiffusion, config: LatentDiffusionConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.scheduler = stable_diffusion_scheduler()
        model.requires_grad_(True)
        model.vae.requires_grad_(False)

    def train(self, mode: bool = True) -> DenoiserStage:
        """The VAE stays as at inference."""
        super().train(mode)
        self.model.vae.eval()
        return self

    def forward(self, batch: Batch, step: int) -> Losses:
        """The losses of one batch; what is drawn for a sentence depends on seed, step and sentence alone."""
        model, key = self.model, (self.config.seed, step, DIFFUSION_DRAWS)
        with torch.no_grad():
            posterior = model.vae.encode(to_signal(batch.images)).latent_dist
        mean, std = posterior.mean[batch.image_index], posterior.std[batch.image_index]
        sampling, noise = (_normal(mean.shape[1:], batch.positions, (*key, i)).to(mean.device) for i in range(2))
        latents = (mean + std * sampling) * model.vae.config.scaling_factor
        draws = [np.random.default_rng((*key, 2, position)) for position in batch.positions]
        timesteps = torch.tensor([int(rng.integers(self.scheduler.config.num_train_timesteps)) for rng in draws])
        timesteps = timesteps.to(mean.device)
        dropped = [rng.random() < self.config.text_dropout for rng in draws]
        texts = ["" if drop else text for text, drop in zip(batch.texts, dropped, strict=True)]
        tokens = model.encode_text(texts).tokens
        noisy = self.scheduler.add_noise(latents, noise, timesteps)
        predicted = model.unet(noisy, timesteps, encoder_hidden_states=tokens).sample
        error = functional.mse_loss(predicted.float(), noise, reduction="none").mean(dim=(1, 2, 3))
        ratio = compute_snr(self.scheduler, timesteps)
        weight = ratio.clamp(max=self.config.max_snr_weight) / ratio
        return {"noise": error.mean(), "loss": (weight * error).mean()}


def _normal(shape: Sequence[int], positions: Sequence[int], key: tuple[int, ...]) -> torch.Tensor:
    """(B, *shape) standard normal, by position."""
    draws = [np.random.default_rng((*key, position)).standard_normal(shape, dtype=np.float32) for position in positions]
    return torch.from_numpy(np.stack(draws))
