"""Where the masks of drawn pictures come from: a detector, the grounding module, or attention alone.

The detector is the oracle, from which the grounding module learns; attention (DAAM, arXiv 2210.04885) is the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from mdsm_ros.inference.preprocess import to_image_grid
from mdsm_ros.language.prompts import photograph_of
from mdsm_ros.models.daam.config import DAAMConfig
from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion
from mdsm_ros.models.stable_diffusion.network import word_tokens
from mdsm_ros.segmenter import Segmenter
from training.drawn.drawing import Drawing

Mask = NDArray[np.bool_]
Request = tuple[int, str]  # which picture, which kind of thing in it


class MaskSource(Protocol):
    """Finds kinds of things in drawn pictures."""

    def masks(self, drawing: Drawing, requests: Sequence[Request]) -> list[Mask]:
        """A mask (H, W) for each request; empty where the kind is not found."""
        ...


def requests_of(drawing: Drawing) -> list[Request]:
    """Every kind that the prompts name, in every picture."""
    return [(row, kind) for row, prompt in enumerate(drawing.prompts) for kind in prompt.kinds]


class SegmenterMasks:
    """Any model of this package, which is shown the picture and asked for "a photograph of a ..."."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def masks(self, drawing: Drawing, requests: Sequence[Request]) -> list[Mask]:
        """See :class:`MaskSource`."""
        found: list[Mask] = []
        for row, of_row in groupby(requests, key=itemgetter(0)):
            texts = [photograph_of([kind]) for _, kind in of_row]
            found += [answer.mask for answer in self._segmenter.segment_many(drawing.images[row], texts)]
        return found


class GroundingMasks:
    """The grounding module, from what the UNet saw in a step of the sampler."""

    def __init__(self, model: GroundedDiffusion) -> None:
        self._model = model

    @torch.inference_mode()
    def masks(self, drawing: Drawing, requests: Sequence[Request]) -> list[Mask]:
        """See :class:`MaskSource`; the features must have been kept."""
        assert drawing.features is not None
        rows = [row for row, _ in requests]
        text = self._model.encode_text([photograph_of([kind]) for _, kind in requests])
        logits = self._model.find([group[rows] for group in drawing.features], text)
        probability = to_image_grid(logits, *drawing.images.shape[1:3]).cpu().numpy()
        return list(probability >= self._model.config.mask_threshold)


class DaamMasks:
    """Where the pixels looked at the kind's tokens in the prompt while the picture was drawn.

    Args:
        tokenizer: Tokenizer of the generating model.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer

    def masks(self, drawing: Drawing, requests: Sequence[Request]) -> list[Mask]:
        """See :class:`MaskSource`; the attention must have been kept."""
        assert drawing.attention is not None
        prompts, kinds = [drawing.prompts[row].text for row, _ in requests], [kind for _, kind in requests]
        maps = drawing.attention[[row for row, _ in requests]].float()  # (R, T, h, w)
        tokens = word_tokens(self._tokenizer, prompts, kinds, maps.shape[1]).to(maps)
        heat = torch.einsum("rt,rthw->rhw", tokens, maps).unsqueeze(1)
        size = drawing.images.shape[1:3]
        heat = functional.interpolate(heat, size=size, mode="bicubic", align_corners=False).squeeze(1)
        return list((heat > DAAMConfig.heat_threshold * heat.amax(dim=(1, 2), keepdim=True)).cpu().numpy())
