"""SAM 3: finds every instance of a short noun phrase in an image.

The instance with the highest score is used; for an instruction that asks for several objects, all with a high enough
score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import nn
from transformers import BatchEncoding, PreTrainedTokenizerBase

from mdsm_ros.language.several import Wanted, find_wanted
from mdsm_ros.models.common.candidates import asks_for_several, choose
from mdsm_ros.models.common.normalize import Normalize
from mdsm_ros.models.interface import FoundObjects, InitialMask, PublicCheckpoint
from mdsm_ros.models.sam3 import SAM3Config

if TYPE_CHECKING:  # missing in some supported versions of transformers
    from transformers import Sam3Model


@dataclass(frozen=True)
class Prompts:
    """The input of SAM 3 for B instructions.

    Attributes:
        tokens: Tokens of all noun phrases of all instructions.
        wanted: Noun phrases of each instruction.
    """

    tokens: BatchEncoding
    wanted: Sequence[Sequence[Wanted]]


class SAM3(nn.Module):
    """Segments the noun with its adjectives, as SAM 3 was trained; relations to other objects are lost.

    Args:
        config: Image size and thresholds.
        network: Network of transformers.
        tokenizer: CLIP's tokenizer.
        normalize: Normalisation with the checkpoint's mean and standard deviation.
    """

    finds_objects: ClassVar[Literal[True]] = True

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

    def encode_text(self, texts: Sequence[str]) -> Prompts:
        """The tokens of the phrases; versions differ in the embeddings that the network accepts instead."""
        wanted = [find_wanted(text) for text in texts]
        tokens = self.tokenizer(
            [one.phrase.short for of in wanted for one in of],
            padding="max_length",
            truncation=True,
            max_length=self.network.config.text_config.max_position_embeddings,
            return_tensors="pt",
        ).to(self.network.device)
        return Prompts(tokens, wanted)

    def initial(self, images: torch.Tensor, text: Prompts) -> InitialMask:
        """Mask logits (B, 1, h, w) of the best instance from images (B, 3, S, S), and the logit of its score.

        The score is the same as in transformers' post-processing: instance score times presence score.
        """
        numbers = [len(of) for of in text.wanted]
        pixels = self.normalize(images)
        if sum(numbers) > len(images):  # an image for each phrase
            pixels = pixels.repeat_interleave(torch.tensor(numbers, device=pixels.device), dim=0)
        answer = self.network(
            pixel_values=pixels, input_ids=text.tokens.input_ids, attention_mask=text.tokens.attention_mask
        )
        scores = answer.pred_logits.float().sigmoid() * answer.presence_logits.float().sigmoid()  # (phrases, instances)
        found = [
            self._objects(*of)
            for of in zip(scores.split(numbers), answer.pred_masks.split(numbers), text.wanted, strict=True)
        ]
        return InitialMask(
            torch.stack([of.logits.amax(dim=0, keepdim=True) for of in found]),
            torch.logit(torch.stack([of.scores.amax() for of in found]), eps=1e-6),
            objects=[of if asks_for_several(wanted) else None for of, wanted in zip(found, text.wanted, strict=True)],
        )

    def _objects(self, scores: torch.Tensor, masks: torch.Tensor, wanted: Sequence[Wanted]) -> FoundObjects:
        """The objects that an instruction asks for, from scores (P, instances) and masks (P, instances, h, w)."""
        places = choose(scores, wanted, self.config.present_threshold)
        rows, columns = ([place[k] for place in places] for k in (0, 1))
        return FoundObjects(masks[rows, columns], scores[rows, columns], [wanted[i].phrase.short for i in rows])


def load(config: SAM3Config, checkpoints: Mapping[str, PublicCheckpoint]) -> SAM3:
    """Loads the model with its public weights, at the image size of the checkpoint."""
    checkpoint = checkpoints["checkpoint"]
    network = checkpoint.network("Sam3Model")
    config = replace(config, image_size=network.config.image_size)
    return SAM3(config, network, checkpoint.tokenizer(), Normalize(*checkpoint.pixel_statistics()))
