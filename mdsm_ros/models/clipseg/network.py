"""CLIPSeg (arXiv 2112.10003): CLIP with a small decoder that is conditioned on a phrase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import nn
from transformers import CLIPSegForImageSegmentation, PreTrainedTokenizerBase

from mdsm_ros.language.target_phrase import find_target
from mdsm_ros.models.clipseg import CLIPSegConfig
from mdsm_ros.models.common.normalize import Normalize
from mdsm_ros.models.interface import InitialMask, PublicCheckpoint


class CLIPSeg(nn.Module):
    """Segments the target's noun phrase; the target is in view if any pixel is likely to belong to it.

    Args:
        config: Image size and thresholds.
        network: Network of transformers.
        tokenizer: CLIP's tokenizer.
        normalize: Normalisation with the checkpoint's mean and standard deviation.
    """

    tuned_field: ClassVar[str] = "checkpoint"
    needs_boxes: ClassVar[bool] = False

    def __init__(
        self,
        config: CLIPSegConfig,
        network: CLIPSegForImageSegmentation,
        tokenizer: PreTrainedTokenizerBase,
        normalize: Normalize,
    ) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.tokenizer = tokenizer
        self.normalize = normalize

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The parts worth compiling: those that run for every image."""
        return self.network.clip.vision_model, self.network.decoder

    def encode_text(self, texts: Sequence[str]) -> torch.Tensor:
        """CLIP's embeddings (B, D) of the phrases."""
        tokens = self.tokenizer(
            [find_target(text).phrase for text in texts],
            padding=True,
            truncation=True,
            max_length=self.network.config.text_config.max_position_embeddings,
            return_tensors="pt",
        ).to(self.network.device)
        embeddings: torch.Tensor = self.network.get_conditional_embeddings(
            len(texts), tokens.input_ids, tokens.attention_mask
        )
        return embeddings

    def initial(self, images: torch.Tensor, text: torch.Tensor) -> InitialMask:
        """Mask logits (B, 1, S, S) from images (B, 3, S, S); the highest one decides whether the target is in view."""
        return _answer(self.network(pixel_values=self.normalize(images), conditional_embeddings=text).logits, text)

    @property
    def tuned_network(self) -> CLIPSegForImageSegmentation:
        """The whole network."""
        return self.network

    @property
    def tuned_parameters(self) -> list[nn.Parameter]:
        """The parameters of the decoder; CLIP stays as it is, as in CLIPSeg's own training."""
        return list(self.network.decoder.parameters())

    def frozen_features(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """CLIP's activations (B, T, D) after the layers that the decoder reads."""
        found = self.network.clip.vision_model(
            pixel_values=self.normalize(images), output_hidden_states=True, interpolate_pos_encoding=True
        )
        return tuple(found.hidden_states[layer + 1] for layer in self.network.extract_layers)

    def frozen_text(self, texts: Sequence[str]) -> torch.Tensor:
        """CLIP's embeddings (B, D) of the phrases."""
        return self.encode_text(texts)

    def tuned_mask(self, features: Sequence[torch.Tensor], text: torch.Tensor, boxes: torch.Tensor) -> InitialMask:
        """As :meth:`initial`, from what :meth:`frozen_features` gives."""
        return _answer(self.network.decoder(tuple(features), text).logits, text)


def _answer(logits: torch.Tensor, text: torch.Tensor) -> InitialMask:
    logits = logits.view(len(text), 1, *logits.shape[-2:])  # some versions drop a batch dimension of one
    return InitialMask(logits, logits.flatten(1).amax(dim=1))


def load(config: CLIPSegConfig, checkpoints: Mapping[str, PublicCheckpoint]) -> CLIPSeg:
    """Loads the model with its public weights."""
    checkpoint = checkpoints["checkpoint"]
    network = checkpoint.network("CLIPSegForImageSegmentation")
    return CLIPSeg(config, network, checkpoint.tokenizer(), Normalize(*checkpoint.pixel_statistics()))
