"""BERT: language features of instructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from mdsm_ros.language.vocabulary import is_understood
from mdsm_ros.models.config import FusionConfig
from mdsm_ros.models.layers.bert import Bert

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Words:
    """The tokens of B instructions as one PWAM reads them; they are the same for every image.

    Attributes:
        key: Keys, scaled for the attention, (B, C, T).
        value: Values after the output projection, (B, T, C).
        padding: Additive score of each token, (B, 1, T).
    """

    key: torch.Tensor
    value: torch.Tensor
    padding: torch.Tensor


@dataclass(frozen=True)
class TextFeatures:
    """Language features of a batch of instructions.

    Attributes:
        tokens: Last hidden states of BERT, (B, T, D).
        mask: Whether a token is not padding, bool (B, T).
        words: The tokens as the PWAM of each level reads them; None if stage 1 has not prepared them.
        directions: Directions of :class:`~mdsm_ros.models.common.text_maps.TextMaps`, (B, number, features); None if
            stage 1 has not prepared them, or has no such maps.
    """

    tokens: torch.Tensor
    mask: torch.Tensor
    words: tuple[Words, ...] | None = None
    directions: torch.Tensor | None = None


class LanguageEncoder(nn.Module):
    """BERT without its pooler; the tokenizer is an argument, so nothing is read from disk here."""

    def __init__(self, config: FusionConfig, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        self.vocabulary = tokenizer.get_vocab()
        self.max_tokens = config.max_tokens
        self.least_known_words = config.least_known_words
        self.bert = Bert(
            config.vocab_size,
            config.bert_hidden_size,
            config.bert_num_layers,
            config.bert_num_heads,
            config.bert_dropout,
        )

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each instruction, without padding."""
        batch = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)
        return [len(ids) for ids in batch["input_ids"]]

    def understands(self, text: str) -> bool:
        """Whether enough words are in the vocabulary; words of other languages split into pieces."""
        return is_understood(text, self.vocabulary, self.least_known_words)

    def forward(self, texts: Sequence[str]) -> TextFeatures:
        """Encodes instructions; tokens beyond ``max_tokens`` are cut off."""
        batch = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        ).to(self.bert.device)
        mask = batch["attention_mask"]
        return TextFeatures(tokens=self.bert(batch["input_ids"], mask), mask=mask.bool())
