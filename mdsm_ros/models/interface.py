"""The interface that all models share: what the Segmenter asks of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import nn
from typing_extensions import Self

from mdsm_ros.models.config import ModelConfig


@dataclass(frozen=True)
class FoundObjects:
    """The objects that a model tells apart, of an instruction that asks for several.

    Attributes:
        logits: (N, h, w) of their masks, at least one.
        scores: (N,) in [0, 1], how sure the model is of each.
        names: the noun phrase by which each was found.
    """

    logits: torch.Tensor
    scores: torch.Tensor
    names: Sequence[str]


@dataclass(frozen=True)
class InitialMask:
    """The answer of a model's first stage, often its only one.

    Attributes:
        logits: (B, 1, h, w) of the mask.
        present_logits: (B,), above 0 where the target is in view.
        features: what ``refine`` wants of the first stage; None where the model has no second one.
        objects: of each of the B instructions the objects in its mask; None of one that asks for a single object. None
            where the model does not tell objects apart.
    """

    logits: torch.Tensor
    present_logits: torch.Tensor
    features: Any = None
    objects: Sequence[FoundObjects | None] | None = None


class SegmentationModel(Protocol):
    """What a model offers to the Segmenter. Batched everywhere; images are (B, 3, H, W) floats in [0, 1].

    H = W, unless the configuration says ``keep_aspect``.
    """

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

    def encode_text(self, texts: Sequence[str]) -> Any:
        """Language features of B instructions, in the model's own form."""
        ...

    def initial(self, images: torch.Tensor, text: Any) -> InitialMask:
        """Mask logits (B, 1, h, w), present logits (B,), and features for refinement."""
        ...


class PublicCheckpoint(Protocol):
    """A folder of public weights in transformers' layout; a :class:`~mdsm_ros.models.family.PublicFamily` loads it."""

    def network(self, name: str) -> Any:
        """The network of a class of transformers, in full precision."""
        ...

    def tokenizer(self) -> Any:
        """Its tokenizer."""
        ...

    def pixel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of each channel that its pixels are normalised with."""
        ...


@runtime_checkable
class RefiningModel(SegmentationModel, Protocol):
    """A model with a second stage."""

    def refine(
        self,
        features: Any,
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


@runtime_checkable
class ReadingModel(SegmentationModel, Protocol):
    """A model that notices when it is spoken to in another language."""

    def understands(self, text: str) -> bool:
        """False: nothing is in view, whatever the model answers."""
        ...


@runtime_checkable
class DetectingModel(SegmentationModel, Protocol):
    """A model that finds every object of a noun and tells them apart: ``initial`` has ``objects``."""

    tells_objects_apart: ClassVar[Literal[True]]


@runtime_checkable
class AttentiveModel(SegmentationModel, Protocol):
    """A model that can show which pixels looked at which token of the instruction."""

    tokenizer: Any

    def attention_maps(self, images: torch.Tensor, text: Any) -> torch.Tensor:
        """How much each pixel looks at each token, (B, T, h, w), on a scale that is the same for all tokens."""
        ...
