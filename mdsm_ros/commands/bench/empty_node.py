"""``mdsm_node`` with a model that costs nothing: what remains is the cost of the node itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from mdsm_ros.models.config import ModelConfig
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.segmenter import Segmenter

IMAGE_SIZE = 320  # pixels, that of mdsm-small
MASK_SIZE = 80
PRESENT = 4.0  # logit


class EmptyModel(nn.Module):
    """Answers each image with the same mask, a square in its middle, before and after refinement.

    It takes a second look, as mdsm-small does, so that images are decoded at the same size.
    """

    zoom = 1.5
    config = ModelConfig(image_size=IMAGE_SIZE, num_inference_steps=1)
    compute_parts: tuple[nn.Module, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        logits = torch.full((1, 1, MASK_SIZE, MASK_SIZE), -PRESENT)
        quarter = MASK_SIZE // 4
        logits[..., quarter:-quarter, quarter:-quarter] = PRESENT
        self.register_buffer("logits", logits)
        self.logits: torch.Tensor

    def encode_text(self, texts: Sequence[str]) -> None:
        """Gives no features."""

    def initial(self, images: torch.Tensor, text: None) -> InitialMask:
        """Returns the mask; the target is in view."""
        return InitialMask(self.logits[..., ::2, ::2], self.logits.new_full((1,), PRESENT))

    def look_again(self, images: torch.Tensor, text: None, logits: torch.Tensor) -> InitialMask:
        """Returns the mask, whatever the part of the image."""
        return self.initial(images, text)

    def refine(
        self,
        features: None,
        logits: torch.Tensor,
        steps: int,
        generator: torch.Generator | None = None,
        samples: int = 1,
        *,
        start: torch.Tensor | None = None,
        strength: float = 1.0,
        keep_on: Callable[[], bool] = lambda: True,
    ) -> torch.Tensor:
        """Returns the same mask."""
        return self.logits.expand(1, samples, MASK_SIZE, MASK_SIZE)


def make_segmenter(name: str, *, device: str, acceleration: str) -> Segmenter:
    """A segmenter with the empty model, whatever the name."""
    return Segmenter(EmptyModel(), name, device)


def main() -> int:
    """Runs the node; returns its exit code."""
    from mdsm_ros.ros import node

    make_node: Any = partial(node.MdsmNode, make_segmenter=make_segmenter)
    return node.main(make_node=make_node)


if __name__ == "__main__":
    sys.exit(main())
