"""SAM 3: finds every instance of a short noun phrase in an image; the one with the highest score is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import nn
from transformers import BatchEncoding, PreTrainedTokenizerBase

from mdsm_ros.language.target_phrase import find_target
from mdsm_ros.models.common.normalize import Normalize
from mdsm_ros.models.interface import InitialMask, PublicCheckpoint
from mdsm_ros.models.sam3 import SAM3Config

if TYPE_CHECKING:  # missing in some supported versions of transformers
    from transformers import Sam3Model


class SAM3(nn.Module):
    """Segments the noun with its adjectives, as SAM 3 was trained; relations to other objects are lost.

    Args:
        config: Image size and thresholds.
        network: Network of transformers.
        tokenizer: CLIP's tokenizer.
        normalize: Normalisation with the checkpoint's mean and standard deviation.
    """

    def __init__(
        self, config: SAM3Config, network: Sam3Model, tokenizer: PreTrainedTokenizerBase, normalize: Normalize
    ) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.tokenizer = tokenizer
        self.normalize = normalize

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The parts worth compiling: those that run for every image."""
        return (self.network.vision_encoder,)

    def encode_text(self, texts: Sequence[str]) -> BatchEncoding:
        """The tokens of the phrases; versions differ in the embeddings that the network accepts instead."""
        return self.tokenizer(
            [find_target(text).short for text in texts],
            padding="max_length",
            truncation=True,
            max_length=self.network.config.text_config.max_position_embeddings,
            return_tensors="pt",
        ).to(self.network.device)

    def initial(self, images: torch.Tensor, text: BatchEncoding) -> InitialMask:
        """Mask logits (B, 1, h, w) of the best instance from images (B, 3, S, S), and the logit of its score.

        The score is the same as in transformers' post-processing: instance score times presence score.
        """
        answer = self.network(
            pixel_values=self.normalize(images), input_ids=text.input_ids, attention_mask=text.attention_mask
        )
        scores = answer.pred_logits.float().sigmoid() * answer.presence_logits.float().sigmoid()  # (B, instances)
        score, best = scores.max(dim=1)
        masks = answer.pred_masks[torch.arange(len(scores), device=scores.device), best]
        return InitialMask(masks[:, None], torch.logit(score, eps=1e-6))


def load(config: SAM3Config, checkpoints: Mapping[str, PublicCheckpoint]) -> SAM3:
    """Loads the model with its public weights, at the image size of the checkpoint."""
    checkpoint = checkpoints["checkpoint"]
    network = checkpoint.network("Sam3Model")
    config = replace(config, image_size=network.config.image_size)
    return SAM3(config, network, checkpoint.tokenizer(), Normalize(*checkpoint.pixel_statistics()))
