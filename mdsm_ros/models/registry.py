"""Model types by name, and the interface that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import nn
from typing_extensions import Self

from mdsm_ros.models.config import ModelConfig
from mdsm_ros.models.intermediate import CrossmodalFeatures, InitialMask
from mdsm_ros.models.language import TextFeatures
from mdsm_ros.models.lavt import LAVT
from mdsm_ros.models.mdsm import MDSM


class SegmentationModel(Protocol):
    """What a model offers to the Segmenter. Batched everywhere; images are (B, 3, S, S) floats in [0, 1]."""

    @property
    def config(self) -> ModelConfig:
        """Sizes and thresholds."""
        ...

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The parts that are worth compiling: what runs for every image."""
        ...

    def to(self, device: torch.device) -> Self:
        """Moves the model."""
        ...

    def eval(self) -> Self:
        """Switches training behaviour off."""
        ...

    def encode_text(self, texts: Sequence[str]) -> TextFeatures:
        """Language features of B instructions."""
        ...

    def initial(self, images: torch.Tensor, text: TextFeatures) -> InitialMask:
        """Mask logits (B, 1, h, w), present logits (B,), and features for refinement."""
        ...


@runtime_checkable
class RefiningModel(SegmentationModel, Protocol):
    """A model with a second stage."""

    def refine(
        self,
        features: CrossmodalFeatures,
        logits: torch.Tensor,
        steps: int,
        generator: torch.Generator | None = None,
        samples: int = 1,
        *,
        start: torch.Tensor | None = None,
        strength: float = 1.0,
        keep_on: Callable[[], bool] = lambda: True,
    ) -> torch.Tensor:
        """``samples`` refined masks of each initial mask: logits (B, samples, h, w).

        ``start`` takes the initial mask's place as what is refined, with ``strength`` times the usual noise;
        ``keep_on``, asked between the steps, ends the work early.
        """
        ...


MODEL_TYPES: dict[str, type[MDSM] | type[LAVT]] = {"mdsm": MDSM, "lavt": LAVT}
"""Class of every ``model_type`` that a config.json may name."""
