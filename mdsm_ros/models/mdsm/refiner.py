"""The crossmodal reverse decoder: noisy mask + crossmodal features + timestep -> cleaner mask.

The paper names it but does not describe its layers. This one is the UNet of latent diffusion: the noisy mask, the
initial mask, the image and the projected crossmodal features are input channels, and the words enter through
cross-attention at the coarsest levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from mdsm_ros.models.common.diffusion import Denoiser, make_scheduler, to_logits, to_signal
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.layers.unet import UNet


class Refiner(nn.Module):
    """Denoises masks on a grid of ``image_size / refiner_stride`` pixels.

    Args:
        config: The sizes.
        fine_dim: Number of channels of the semantic branch's finest map, if the refiner sees it.
    """

    def __init__(self, config: MDSMConfig, fine_dim: int | None = None) -> None:
        super().__init__()
        self.residual = config.refiner_residual
        self.noise = make_scheduler(config) if config.prediction == "epsilon" else None
        self.grid = config.image_size // config.refiner_stride
        widths = (config.decoded_channels, *config.fused_dims)
        self.project = nn.ModuleList([nn.Conv2d(c, config.refiner_condition_channels, 1) for c in widths])
        if fine_dim is not None:  # at first it adds nothing, so that a refiner without it is a start for this one
            fine = nn.Conv2d(fine_dim, config.refiner_condition_channels, 1)
            nn.init.zeros_(fine.weight)
            nn.init.zeros_(cast(torch.Tensor, fine.bias))
            self.project.append(fine)
        self.unet = UNet(
            inputs=2 + 3 + config.refiner_condition_channels,
            outputs=1,
            channels=config.refiner_channels,
            layers=config.refiner_layers_per_block,
            attentive=config.refiner_attention_levels,
            context_dim=config.bert_hidden_size,
            heads=config.refiner_num_heads,
        )
        if self.residual:  # at first the answer is the initial mask
            nn.init.zeros_(self.unet.conv_out.weight)
            nn.init.zeros_(cast(torch.Tensor, self.unet.conv_out.bias))

    def _to_grid(self, x: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(x, size=(self.grid, self.grid), mode="bilinear", align_corners=False)

    def condition(
        self, images: torch.Tensor, initial_logits: torch.Tensor, features: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """The constant inputs of all steps: initial mask, image and crossmodal features on the refiner's grid.

        Args:
            images: Images (B, 3, H, W) in [0, 1].
            initial_logits: Logits of the initial mask (B, 1, H/4, W/4).
            features: Decoded features and fused levels of stage 1, each (B, C_i, h_i, w_i), and the semantic branch's
                finest map if the refiner sees it.

        Returns:
            Constant inputs (B, 1 + 3 + condition channels, grid, grid).
        """
        maps = [self._to_grid(project(f)) for project, f in zip(self.project, features, strict=True)]
        projected = torch.stack(maps).sum(dim=0)
        return torch.cat([to_signal(self._to_grid(initial_logits)), 2 * self._to_grid(images) - 1, projected], dim=1)

    def denoiser(self, condition: torch.Tensor, text: TextFeatures, samples: int = 1) -> Denoiser:
        """The denoiser for several steps with the same inputs beside the noisy mask; what these cost is paid here.

        Args:
            condition: Result of :meth:`condition`, (B, C, grid, grid).
            text: Language features.
            samples: Number of noisy masks per row of the condition.

        Returns:
            A function of noisy masks (B * samples, 1, grid, grid) and timesteps (B * samples,), with the values of
            :meth:`forward`.
        """
        shared = self.unet.share(text.tokens, text.mask, condition).repeated(samples)
        initial = condition[:, :1].repeat_interleave(samples, dim=0)
        return lambda noisy, timesteps: self._clean(self.unet(noisy, timesteps, shared), noisy, timesteps, initial)

    def forward(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor, text: TextFeatures
    ) -> torch.Tensor:
        """Noisy mask (B, 1, grid, grid) in [-1, 1], timesteps (B,) -> clean mask logits (B, 1, grid, grid)."""
        predicted = self.predict(noisy, timesteps, condition, text)
        return self._clean(predicted, noisy, timesteps, condition[:, :1])

    def predict(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, condition: torch.Tensor, text: TextFeatures
    ) -> torch.Tensor:
        """The network's own output (B, 1, grid, grid): the clean mask's logits, or the noise; see :meth:`forward`."""
        shared = self.unet.share(text.tokens, text.mask)
        predicted: torch.Tensor = self.unet(torch.cat([noisy, condition], dim=1), timesteps, shared)
        return predicted

    def _clean(
        self, predicted: torch.Tensor, noisy: torch.Tensor, timesteps: torch.Tensor, initial: torch.Tensor
    ) -> torch.Tensor:
        """The clean mask's logits from the network's output; ``initial`` is the initial mask in [-1, 1]."""
        if self.noise is not None:
            return to_logits(self.noise.clean(noisy, predicted, timesteps))
        return predicted + to_logits(initial) if self.residual else predicted
