"""LAVT (arXiv 2112.02244), the baseline of MDSM: Swin with fused language, without refinement."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from mdsm_ros.models.base import HubModel
from mdsm_ros.models.common.intermediate import IntermediateStage
from mdsm_ros.models.common.language import LanguageEncoder, TextFeatures
from mdsm_ros.models.common.vision import SwinStages
from mdsm_ros.models.config import LAVTConfig
from mdsm_ros.models.interface import InitialMask


class LAVT(HubModel, paper_url="https://arxiv.org/abs/2112.02244"):
    """Computes a mask from image and instruction in one stage.

    LAVT's decoder returns two logits per pixel, for background and object; this one returns their difference. LAVT
    always answers with a mask; the present logit is an addition of this package.

    Args:
        config: Configuration of the model.
        tokenizer: BERT tokenizer with at most ``config.vocab_size`` entries.
    """

    config_type = LAVTConfig
    config: LAVTConfig

    def __init__(self, config: LAVTConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(config, tokenizer)
        self.language = LanguageEncoder(config, tokenizer)
        self.intermediate = IntermediateStage(config, SwinStages(config), clip=None)

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The parts worth compiling: all but the language encoder."""
        return (self.intermediate,)

    def encode_text(self, texts: Sequence[str]) -> TextFeatures:
        """Language features of B instructions, with what stage 1 computes from them alone."""
        return self.intermediate.read(self.language(texts))

    def understands(self, text: str) -> bool:
        """Whether an instruction is in a language that the model supports."""
        return self.language.understands(text)

    def initial(self, images: torch.Tensor, text: TextFeatures, image_index: torch.Tensor | None = None) -> InitialMask:
        """(N, 3, H, W) in [0, 1] -> logits (B, 1, H/4, W/4), present logits (B,), features.

        ``image_index`` (B,) is the image of each of the B instructions; without it, there is one instruction per image.
        """
        initial: InitialMask = self.intermediate(images, text, image_index)
        return initial

    def attention_maps(self, images: torch.Tensor, text: TextFeatures) -> torch.Tensor:
        """The attention of each pixel to each token, (B, T, H/4, W/4)."""
        return self.intermediate.attention_maps(self.initial(images, text).features)
