"""Converts instructions to the prompt of Grounded Diffusion and DAAM: "a photograph of a" category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mdsm_ros.language.prompts import kind_asked_for, photograph_of
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.stable_diffusion.network import StableDiffusion, word_tokens


@dataclass(frozen=True)
class KindText:
    """Language features of B instructions, each converted to "a photograph of a ...".

    Attributes:
        tokens: Features of the sentences' tokens, (B, T, D).
        kind: Whether a token belongs to the requested category, bool (B, T).
        empty: Features of the empty sentence, for guidance, (1, T, D).
        words: Features and mask of the whole instructions' tokens; None if only the category counts.
    """

    tokens: torch.Tensor
    kind: torch.Tensor
    empty: torch.Tensor
    words: TextFeatures | None = None

    @property
    def queries(self) -> torch.Tensor:
        """The mean over the tokens of the category, (B, D)."""
        weight = self.kind.unsqueeze(-1).to(self.tokens.dtype)
        return (self.tokens * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


@torch.no_grad()
def encode_kinds(backbone: StableDiffusion, texts: Sequence[str], *, every: bool = False) -> KindText:
    """Language features of the categories that B instructions name, see :func:`kind_asked_for`.

    Args:
        backbone: Diffusion model with the text encoder.
        texts: Instructions, B of them.
        every: Whether to mark every occurrence of the category in the prompt; otherwise the last one.
    """
    kinds = [kind_asked_for(text) for text in texts]
    prompts = [photograph_of([kind]) for kind in kinds]
    tokens = backbone.encode_text(prompts).tokens
    marked = word_tokens(backbone.tokenizer, prompts, kinds, tokens.shape[1], every=every)
    return KindText(tokens, marked.to(tokens.device), backbone.encode_text([""]).tokens)


@torch.no_grad()
def encode_sentences(backbone: StableDiffusion, texts: Sequence[str]) -> KindText:
    """Language features of B instructions as they are; ``kind`` marks the target's noun in them."""
    text = backbone.encode_text(texts)
    marked = word_tokens(backbone.tokenizer, texts, [kind_asked_for(text) for text in texts], text.tokens.shape[1])
    return KindText(text.tokens, marked.to(text.tokens.device), backbone.encode_text([""]).tokens, words=text)
