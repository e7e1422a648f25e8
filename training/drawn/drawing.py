"""Pictures drawn from prompts by a latent diffusion model, with what its UNet saw while it drew them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray

from mdsm_ros.checkpoints.diffusion_checkpoint import WITHOUT_CHECKER
from mdsm_ros.models.common.attention_maps import summed_maps
from mdsm_ros.models.common.hooks import outputs_of
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion, feature_blocks
from mdsm_ros.models.stable_diffusion.attention_maps import Projections, cross_attention_layers, mean_map, recorded
from mdsm_ros.models.stable_diffusion.network import StableDiffusion
from training.drawn.prompt_plan import Prompt, Sampling
from training.latent.stages import stable_diffusion_scheduler


@dataclass(frozen=True)
class Drawing:
    """B pictures.

    Attributes:
        prompts: Prompts of the images.
        images: Generated images, (B, H, W, 3) RGB.
        features: Features of the sampler's step, see :meth:`GroundedDiffusion.fold`; None if not requested.
        attention: Attention of each pixel to each token of its prompt, (B, T, h, w), summed over steps, sizes and
            layers as DAAM (arXiv 2210.04885) does; None where not asked for.
    """

    prompts: Sequence[Prompt]
    images: NDArray[np.uint8]
    features: list[torch.Tensor] | None
    attention: torch.Tensor | None


class Artist:
    """Draws with a pipeline; a picture depends on its prompt, its seed and the sampling.

    Args:
        pipeline: Pipeline; its scheduler is replaced by DDIM.
        sampling: Settings of the sampler.
        features: Configuration whose features are kept, those of the sampler's step nearest to its
            ``feature_timestep``; None keeps none.
        attention: Whether attention is kept.
    """

    def __init__(
        self,
        pipeline: StableDiffusionPipeline,
        sampling: Sampling,
        *,
        features: GroundedDiffusionConfig | None = None,
        attention: bool = False,
    ) -> None:
        pipeline.scheduler = stable_diffusion_scheduler()
        pipeline.set_progress_bar_config(disable=True)
        self.pipeline = pipeline
        self.sampling = sampling
        self._blocks = [] if features is None else feature_blocks(pipeline.unet, features.feature_blocks)
        self._feature_step = 0 if features is None else self._nearest_step(features.feature_timestep)
        self._layers = cross_attention_layers(pipeline.unet) if attention else {}

    def _nearest_step(self, timestep: int) -> int:
        self.pipeline.scheduler.set_timesteps(self.sampling.steps)
        return int((self.pipeline.scheduler.timesteps - timestep).abs().argmin())

    @torch.inference_mode()
    def draw(self, prompts: Sequence[Prompt]) -> Drawing:
        """Draws pictures, all in one batch."""
        heat: torch.Tensor | None = None
        halves: list[tuple[torch.Tensor, ...]] = []  # guidance: without the text, with it
        with (
            outputs_of(self._blocks) as outputs,
            recorded(layer for layers in self._layers.values() for layer in layers) as projections,
        ):

            def after_step(_: Any, step: int, *__: Any) -> dict[str, Any]:
                nonlocal heat
                if step == self._feature_step:
                    halves.extend(outputs[block].chunk(2) for block in self._blocks)
                if self._layers:
                    now = self._heat(projections)
                    heat = now if heat is None else heat + now
                return {}

            answer = self.pipeline(
                [prompt.text for prompt in prompts],
                num_inference_steps=self.sampling.steps,
                guidance_scale=self.sampling.guidance,
                generator=[torch.Generator().manual_seed(prompt.seed) for prompt in prompts],
                output_type="pt",
                callback_on_step_end=after_step,
            )
        images = (answer.images.permute(0, 2, 3, 1).float() * 255).round().to(torch.uint8).cpu().numpy()
        features = GroundedDiffusion.fold([h[0] for h in halves], [h[1] for h in halves]) if halves else None
        return Drawing(prompts, images, features, heat)

    def _heat(self, projections: Projections) -> torch.Tensor:
        """(B, T, h, w) of one step, of the half that sees the text."""
        with_text = {module: value.chunk(2)[1] for module, value in projections.items()}
        side = self.pipeline.unet.config.sample_size
        maps = [mean_map(layers, with_text, (side // f, side // f)) for f, layers in self._layers.items()]
        return summed_maps(maps, (side, side))


def pipeline_of(parts: StableDiffusion) -> StableDiffusionPipeline:
    """A pipeline that draws with the parts of a model."""
    parts.vae.register_to_config(scaling_factor=float(parts.scaling_factor))  # that of the weights, not of the sizes
    return StableDiffusionPipeline(
        vae=parts.vae,
        text_encoder=parts.text_encoder,
        tokenizer=parts.tokenizer,
        unet=parts.unet,
        scheduler=stable_diffusion_scheduler(),
        **WITHOUT_CHECKER,
    )
