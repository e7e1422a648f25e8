"""The Multimodal Diffusion Segmentation Model (arXiv 2307.08597), with both stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common import diffusion
from mdsm_ros.models.common.intermediate import CrossmodalFeatures, IntermediateStage, SemanticBranch
from mdsm_ros.models.common.language import LanguageEncoder, TextFeatures
from mdsm_ros.models.common.semantic import EfficientNetPyramid
from mdsm_ros.models.common.text_maps import TextMaps
from mdsm_ros.models.common.vision import ClipPatches, SwinStages
from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.mdsm.ancestral import Ancestral
from mdsm_ros.models.mdsm.refiner import Refiner


def make_semantic_branch(config: MDSMConfig) -> SemanticBranch:
    """The semantic branch of a configuration: CLIP or an EfficientNet."""
    return ClipPatches(config) if config.semantic_encoder == "clip" else EfficientNetPyramid(config)


class MDSM(HubModel):
    """Computes an initial mask from image and instruction, and refines it by diffusion.

    Args:
        config: Configuration of the model.
        tokenizer: BERT tokenizer with at most ``config.vocab_size`` entries.
    """

    config_type = MDSMConfig
    config: MDSMConfig

    def __init__(self, config: MDSMConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(config, tokenizer)
        self.language = LanguageEncoder(config, tokenizer)
        swin = SwinStages(config, from_image=config.swin_input == "image") if config.use_swin else None
        clip = make_semantic_branch(config) if config.use_clip else None
        maps = TextMaps(config.bert_hidden_size, clip.dims[-1], config.text_maps) if clip and config.text_maps else None
        self.intermediate = IntermediateStage(config, swin, clip, maps)
        self.refiner = Refiner(config, clip.dims[0] if clip and config.refiner_fine else None)
        self.scheduler = diffusion.make_scheduler(config)

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The parts worth compiling: stage 1 and the denoiser."""
        return self.intermediate, self.refiner.unet

    def encode_text(self, texts: Sequence[str]) -> TextFeatures:
        """Language features of B instructions, with what stage 1 computes from them alone."""
        return self.intermediate.read(self.language(texts))

    def understands(self, text: str) -> bool:
        """Whether an instruction is in a language that the model supports."""
        return self.language.understands(text)

    def initial(
        self,
        images: torch.Tensor,
        text: TextFeatures,
        image_index: torch.Tensor | None = None,
        semantic: Sequence[torch.Tensor] | None = None,
    ) -> InitialMask:
        """Stage 1: (N, 3, H, W) in [0, 1] -> logits (B, 1, H/4, W/4), present logits (B,), features.

        ``image_index`` (B,) is the image of each of the B instructions; without it, there is one instruction per image.
        ``semantic`` contains the semantic branch's maps of the N images if they were computed before.
        """
        initial: InitialMask = self.intermediate(images, text, image_index, semantic)
        return initial

    @property
    def zoom(self) -> float | None:
        """Side of the part that is refined, see ``refiner_zoom`` of the configuration."""
        return self.config.refiner_zoom

    def look_again(self, images: torch.Tensor, text: TextFeatures, logits: torch.Tensor) -> InitialMask:
        """Stage 1 on enlarged parts of the images: the mean of what it finds there and of the initial masks.

        Args:
            images: Enlarged parts, one for each instruction, (B, 3, H, W) in [0, 1].
            text: Language features of the B instructions.
            logits: Logits of the initial masks on these parts, (B, 1, H/4, W/4).
        """
        found = self.initial(images, text)
        return replace(found, logits=(found.logits + logits) / 2)

    def attention_maps(self, images: torch.Tensor, text: TextFeatures) -> torch.Tensor:
        """The attention of each pixel to each token, (B, T, H/4, W/4)."""
        return self.intermediate.attention_maps(self.initial(images, text).features)

    def mask_noise(self, batch_size: int, generator: torch.Generator | None = None) -> torch.Tensor:
        """Standard normal noise (B, 1, grid, grid), drawn on the CPU so that a seed means the same on all devices."""
        return torch.randn((batch_size, 1, self.refiner.grid, self.refiner.grid), generator=generator)

    def _noise(
        self, number: int, samples: int, generator: torch.Generator | Sequence[torch.Generator] | None
    ) -> torch.Tensor:
        """The noise of ``number`` refinements, (number * samples, 1, grid, grid)."""
        if generator is None or isinstance(generator, torch.Generator):
            return self.mask_noise(number * samples, generator)
        return torch.cat([self.mask_noise(samples, own) for own in generator])

    def condition(self, features: CrossmodalFeatures, logits: torch.Tensor) -> torch.Tensor:
        """What the refiner sees of stage 1 at every step.

        Args:
            features: The features that stage 1 computed.
            logits: Logits of the initial mask, (B, 1, H/4, W/4).

        Returns:
            (B, C, grid, grid).
        """
        return self.refiner.condition(features.images, logits, self.seen(features))

    def seen(self, features: CrossmodalFeatures) -> list[torch.Tensor]:
        """The maps of stage 1 that the refiner sees, each (B, C_i, h_i, w_i)."""
        seen = [features.decoded, *features.fused]
        if self.config.refiner_fine:
            assert self.intermediate.clip is not None  # the configuration saw to it
            seen.append(self.intermediate.clip(features.images)[0] if features.fine is None else features.fine)
        return seen

    def refine(
        self,
        features: CrossmodalFeatures,
        logits: torch.Tensor,
        steps: int,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        samples: int = 1,
        *,
        start: torch.Tensor | None = None,
        strength: float = 1.0,
        keep_on: Callable[[], bool] = lambda: True,
    ) -> torch.Tensor:
        """Stage 2: refines the initial mask in ``steps`` (at least 1) denoising steps.

        Args:
            features: Features of stage 1.
            logits: Logits of the initial mask, (B, 1, H/4, W/4).
            steps: Number of denoiser calls.
            generator: Random generator of the noise, or one for each of the B initial masks.
            samples: Number of refined masks per initial mask, each from different noise, all in one batch.
            start: Logits (B, 1, h, w) of the mask from which refinement starts instead of the initial mask, for example
                the refined mask of the previous frame. The initial mask remains an input.
            strength: Strength of the added noise, as a fraction of the configuration's ``start_timestep``, above 0.
            keep_on: Function called between the steps; False ends the refinement with the current result.

        Returns:
            Logits of the refined masks, (B, samples, grid, grid).
        """
        denoiser = self.refiner.denoiser(self.condition(features, logits), features.text, samples)
        noise = self._noise(len(logits), samples, generator).to(logits)
        begin = logits if start is None else start.to(logits)
        begin = functional.interpolate(begin, size=noise.shape[-2:], mode="bilinear", align_corners=False)
        refined = diffusion.refine(
            denoiser,
            self._sampler(generator, samples),
            begin.repeat_interleave(samples, dim=0),
            noise,
            max(1, round(strength * self.config.start_timestep)),
            steps,
            keep_on,
        )
        result: torch.Tensor = torch.unflatten(refined, 0, (len(logits), samples)).squeeze(2)
        return result

    def _sampler(
        self, generator: torch.Generator | Sequence[torch.Generator] | None, samples: int
    ) -> diffusion.Sampler:
        """The configured sampler; one generator for each of the B masks draws the noise of all its samples."""
        if self.config.sampler == "ddim":
            return self.scheduler
        if isinstance(generator, Sequence):
            return Ancestral(self.config, [one for one in generator for _ in range(samples)])
        return Ancestral(self.config, generator)
