"""The interface of all models for the Segmenter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from mdsm_ros.models.config import ModelConfig

if TYPE_CHECKING:
    import torch
    from torch import nn
    from typing_extensions import Self


@dataclass(frozen=True)
class FoundObjects:
    """The objects that a model found for an instruction that asks for several.

    Attributes:
        logits: Logits of the objects' masks, (N, h, w); at least one object.
        scores: Confidence of the model in each object, (N,), 0 to 1.
        names: Noun phrase for which each object was found.
    """

    logits: torch.Tensor
    scores: torch.Tensor
    names: Sequence[str]


@dataclass(frozen=True)
class InitialMask:
    """The answer of a model's first stage, which is often its only one.

    Attributes:
        logits: Logits of the mask, (B, 1, h, w).
        present_logits: Logits of the target being in view, (B,); above 0 if it is.
        features: Features of the first stage for ``refine``; None if the model has no second stage.
        objects: Objects in the mask of each of the B instructions; None for one that asks for a single object. None
            instead of a sequence if the model does not tell objects apart.
    """

    logits: torch.Tensor
    present_logits: torch.Tensor
    features: Any = None
    objects: Sequence[FoundObjects | None] | None = None


class SegmentationModel(Protocol):
    """A model of the Segmenter. Everything is batched; images are (B, 3, H, W) floats in [0, 1].

    H = W, unless the configuration sets ``keep_aspect``.
    """

    @property
    def config(self) -> ModelConfig:
        """The configuration, with sizes and thresholds."""
        ...

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The parts worth compiling: those that run for every image."""
        ...

    def to(self, device: torch.device) -> Self:
        """Moves the model."""
        ...

    def eval(self) -> Self:
        """Switches to evaluation mode."""
        ...

    def encode_text(self, texts: Sequence[str]) -> Any:
        """Language features of B instructions, in a form private to the model."""
        ...

    def initial(self, images: torch.Tensor, text: Any) -> InitialMask:
        """Mask logits (B, 1, h, w), present logits (B,), and features for refinement."""
        ...


class PublicCheckpoint(Protocol):
    """A folder of public weights in transformers' layout; a :class:`~mdsm_ros.models.family.PublicFamily` loads it."""

    def network(self, name: str) -> Any:
        """Loads a network of a class of transformers, in full precision."""
        ...

    def tokenizer(self) -> Any:
        """Loads the tokenizer."""
        ...

    def pixel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation per channel, for the normalisation of pixels."""
        ...


@runtime_checkable
class RefiningModel(SegmentationModel, Protocol):
    """A model with a second stage."""

    def refine(
        self,
        features: Any,
        logits: torch.Tensor,
        steps: int,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        samples: int = 1,
        *,
        start: torch.Tensor | None = None,
        strength: float = 1.0,
        keep_on: Callable[[], bool] = lambda: True,
    ) -> torch.Tensor:
        """``samples`` refined masks of each initial mask: logits (B, samples, h, w).

        ``generator`` draws the noise; there may be one for each of the B initial masks.
        ``start`` is refined instead of the initial mask, with ``strength`` times the usual noise. ``keep_on`` is called
        between the steps and can end the refinement early.
        """
        ...


@runtime_checkable
class ZoomingModel(RefiningModel, Protocol):
    """A model that may refine a part of the image, after a second look at it; see :mod:`mdsm_ros.inference.zoom`."""

    @property
    def zoom(self) -> float | None:
        """Side of the part, as a multiple of the longer side of the mask's box; None if the model refines the whole."""
        ...

    def look_again(self, images: torch.Tensor, text: Any, logits: torch.Tensor) -> InitialMask:
        """What refinement starts from: masks of enlarged parts (B, 3, H, W), whose initial masks have ``logits``."""
        ...


@runtime_checkable
class SharingModel(SegmentationModel, Protocol):
    """A model that computes the features of an image once for several instructions about it."""

    shares_images: ClassVar[Literal[True]]

    def initial(self, images: torch.Tensor, text: Any, image_index: torch.Tensor | None = None) -> InitialMask:
        """The answers to B instructions; ``image_index`` (B,) is the image of each."""
        ...


@runtime_checkable
class ReadingModel(SegmentationModel, Protocol):
    """A model that detects instructions in an unsupported language."""

    def understands(self, text: str) -> bool:
        """Whether the model supports an instruction; if not, the target counts as not in view."""
        ...


@runtime_checkable
class DetectingModel(SegmentationModel, Protocol):
    """A model that finds every object of a noun: its :class:`InitialMask` has ``objects``."""

    finds_objects: ClassVar[Literal[True]]


@runtime_checkable
class AttentiveModel(SegmentationModel, Protocol):
    """A model that can show the attention of pixels to the tokens of the instruction."""

    tokenizer: Any

    def attention_maps(self, images: torch.Tensor, text: Any) -> torch.Tensor:
        """The attention of each pixel to each token, (B, T, h, w), on one scale for all tokens."""
        ...


@runtime_checkable
class TunableModel(SegmentationModel, Protocol):
    """A public model with a decoder that is worth training on a few labels; its encoders stay as they are.

    Attributes:
        tuned_field: Field of the configuration that names the checkpoint with the decoder.
        needs_boxes: Whether the decoder needs the target's box; otherwise it reads the instruction.
    """

    tuned_field: ClassVar[str]
    needs_boxes: ClassVar[bool]

    @property
    def tuned_network(self) -> Any:
        """The network of transformers with the decoder."""
        ...

    @property
    def tuned_parameters(self) -> list[nn.Parameter]:
        """The parameters of the decoder to train."""
        ...

    def frozen_features(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What the decoder needs of images (B, 3, H, W) in [0, 1]: tensors of B rows each."""
        ...

    def frozen_text(self, texts: Sequence[str]) -> torch.Tensor:
        """What the decoder needs of B instructions: (B, D); one zero each if it needs nothing."""
        ...

    def tuned_mask(self, features: Sequence[torch.Tensor], text: torch.Tensor, boxes: torch.Tensor) -> InitialMask:
        """Mask logits (B, 1, h, w) and present logits (B,).

        Boxes are (B, 4) from left, top to right, bottom, in widths and heights of the image.
        """
        ...


@runtime_checkable
class DrawingModel(SegmentationModel, Protocol):
    """A model whose diffusion model learns to draw beside the segmentation."""

    def denoising_loss(self, images: torch.Tensor, texts: Sequence[str], image_index: torch.Tensor) -> torch.Tensor:
        """The diffusion model's own loss on images (N, 3, H, W) in [0, 1] with B texts; ``image_index`` is (B,)."""
        ...
