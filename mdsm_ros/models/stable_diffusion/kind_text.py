"""Instructions brought into the form that Grounded Diffusion and DAAM look for: "a photograph of a" kind of thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mdsm_ros.language.prompts import kind_asked_for, photograph_of
from mdsm_ros.models.stable_diffusion.network import StableDiffusion, word_tokens


@dataclass(frozen=True)
class KindText:
    """Language features of B instructions, each brought into the form "a photograph of a ...".

    Attributes:
        tokens: (B, T, D) of the sentences.
        kind: (B, T) bool, the tokens of the kind asked for.
        empty: (1, T, D) of the empty sentence, for guidance.
    """

    tokens: torch.Tensor
    kind: torch.Tensor
    empty: torch.Tensor

    @property
    def queries(self) -> torch.Tensor:
        """(B, D): the mean over the tokens of the kind."""
        weight = self.kind.unsqueeze(-1).to(self.tokens.dtype)
        return (self.tokens * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


@torch.no_grad()
def encode_kinds(backbone: StableDiffusion, texts: Sequence[str]) -> KindText:
    """Language features of B instructions: of the kind that each asks for, see :func:`kind_asked_for`."""
    kinds = [kind_asked_for(text) for text in texts]
    prompts = [photograph_of([kind]) for kind in kinds]
    tokens = backbone.encode_text(prompts).tokens
    marked = word_tokens(backbone.tokenizer, prompts, kinds, tokens.shape[1])
    return KindText(tokens, marked.to(tokens.device), backbone.encode_text([""]).tokens)
