"""The parts of MDSM that become graphs, each with example inputs of the shapes that it always gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from mdsm_ros.hub.graphs import CONDITION, INITIAL, STEP, TEXT
from mdsm_ros.models.common.intermediate import CrossmodalFeatures
from mdsm_ros.models.common.language import TextFeatures
from mdsm_ros.models.mdsm.network import MDSM


@dataclass(frozen=True)
class Part:
    """One graph to be.

    Attributes:
        name: Name of the graph.
        module: Computation; the model itself is its attribute ``model``.
        inputs: Example of each input, by name.
        outputs: Names of the outputs.
    """

    name: str
    module: nn.Module
    inputs: dict[str, torch.Tensor]
    outputs: tuple[str, ...]


class _OfModel(nn.Module):
    def __init__(self, model: MDSM) -> None:
        super().__init__()
        self.model = model


class TextEncoder(_OfModel):
    """Token ids (1, T) and their mask (1, T) -> language features (1, T, D); T is always ``max_tokens``."""

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Encodes an instruction."""
        features: torch.Tensor = self.model.language.bert.encode(ids, mask)
        return features


class FirstStage(_OfModel):
    """Image and language features -> logits of the initial mask, present logit, and the maps that refinement sees."""

    def forward(self, image: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Computes stage 1."""
        initial = self.model.initial(image, TextFeatures(tokens, mask > 0))
        features: CrossmodalFeatures = initial.features
        return initial.logits, initial.present_logits, *self.model.seen(features)


class Condition(_OfModel):
    """Image, initial mask and the maps of stage 1 -> the constant inputs of all denoising steps."""

    def forward(self, image: torch.Tensor, logits: torch.Tensor, *maps: torch.Tensor) -> torch.Tensor:
        """Computes the condition."""
        condition: torch.Tensor = self.model.refiner.condition(image, logits, maps)
        return condition


class Denoiser(_OfModel):
    """Noisy mask, timestep, condition and language features -> logits of the clean mask."""

    def forward(
        self,
        noisy: torch.Tensor,
        timestep: torch.Tensor,
        condition: torch.Tensor,
        tokens: torch.Tensor,
        mask: torch.Tensor,
    ) -> torch.Tensor:
        """Computes one denoising step."""
        clean: torch.Tensor = self.model.refiner(noisy, timestep, condition, TextFeatures(tokens, mask > 0))
        return clean


@torch.inference_mode()
def parts_of(model: MDSM) -> Sequence[Part]:
    """The four parts of a model, for one instruction about one image."""
    side, tokens = model.config.image_size, model.config.max_tokens
    ids = torch.zeros(1, tokens, dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[:, tokens // 2 :] = 0
    text = {"ids": ids, "mask": mask}
    words = TextEncoder(model)(ids, mask)
    image = {"image": torch.zeros(1, 3, side, side)}
    language = {"tokens": words, "mask": mask}
    logits, _, *maps = FirstStage(model)(image["image"], words, mask)
    names = tuple(f"map{i}" for i in range(len(maps)))
    seen = image | {"logits": logits} | dict(zip(names, maps, strict=True))
    condition = Condition(model)(*seen.values())
    noisy = {"noisy": condition[:, :1], "timestep": torch.zeros(1, dtype=torch.int64), "condition": condition}
    return [
        Part(TEXT, TextEncoder(model), _ordinary(text), ("tokens",)),
        Part(INITIAL, FirstStage(model), _ordinary(image | language), ("logits", "present_logits", *names)),
        Part(CONDITION, Condition(model), _ordinary(seen), ("condition",)),
        Part(STEP, Denoiser(model), _ordinary(noisy | language), ("clean_logits",)),
    ]


def _ordinary(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies that a trace may use: contiguous, and not made in inference mode."""
    with torch.inference_mode(mode=False):
        return {name: torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor) for name, tensor in tensors.items()}
