"""Grounding DINO (arXiv 2303.05499) finds the target's box, and SAM 2 (arXiv 2408.00714) the mask in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional
from transformers import BatchEncoding, PreTrainedTokenizerBase
from transformers.image_transforms import center_to_corners_format

from mdsm_ros.language.target_phrase import find_target
from mdsm_ros.models.common.normalize import Normalize
from mdsm_ros.models.grounded_sam2 import GroundedSAM2Config
from mdsm_ros.models.interface import InitialMask, PublicCheckpoint

if TYPE_CHECKING:  # missing in some supported versions of transformers
    from transformers import GroundingDinoForObjectDetection, Sam2Model


@dataclass(frozen=True)
class Caption:
    """The input of Grounding DINO for B instructions.

    Attributes:
        tokens: Tokens of the target's noun phrases in the detector's format.
        target: Whether a token belongs to the target's own noun, bool (B, T): in "the pillow nearest to the radio" only
            "pillow", because the detector finds boxes for "radio", too.
    """

    tokens: BatchEncoding
    target: torch.Tensor


class GroundedSAM2(nn.Module):
    """Chooses the box that fits the target best; the target is in view if that box has a high enough score.

    SAM 2 segments the best box even if its score is low, so that the caller decides on the threshold.

    Args:
        config: Image size and thresholds.
        detector: Grounding DINO of transformers.
        segmenter: SAM 2 of transformers.
        tokenizer: Fast tokenizer of the detector.
        normalize_detector: Normalisation with the mean and standard deviation of the detector's checkpoint.
        normalize_segmenter: Normalisation for the segmenter's checkpoint.
    """

    def __init__(
        self,
        config: GroundedSAM2Config,
        detector: GroundingDinoForObjectDetection,
        segmenter: Sam2Model,
        tokenizer: PreTrainedTokenizerBase,
        normalize_detector: Normalize,
        normalize_segmenter: Normalize,
    ) -> None:
        super().__init__()
        self.config = config
        self.detector = detector
        self.segmenter = segmenter
        self.tokenizer = tokenizer
        self.normalize_detector = normalize_detector
        self.normalize_segmenter = normalize_segmenter

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The parts worth compiling: those that run for every image."""
        return self.detector.model.backbone, self.segmenter.vision_encoder

    def encode_text(self, texts: Sequence[str]) -> Caption:
        """The tokens of the captions; Grounding DINO encodes them together with the image."""
        found = [find_target(text) for text in texts]
        captions = [f"{target.phrase.lower().rstrip('. ')}." for target in found]  # as in its training
        length = self.detector.config.max_text_len
        tokens = self.tokenizer(captions, padding=True, truncation=True, max_length=length, return_tensors="pt")
        target = torch.zeros(len(texts), length, dtype=torch.bool)
        for i, (caption, phrase) in enumerate(zip(captions, found, strict=True)):
            name = phrase.short.lower()
            start = max(0, caption.find(name))
            named = {tokens.char_to_token(i, j) for j in range(start, min(len(caption), start + len(name)))} - {None}
            target[i, sorted(named or range(int(tokens.attention_mask[i].sum())))] = True
        device = self.detector.device
        return Caption(tokens.to(device), target.to(device))

    def initial(self, images: torch.Tensor, text: Caption) -> InitialMask:
        """Mask logits (B, 1, h, w) from images (B, 3, H, W), and the logits of the best boxes' scores."""
        found = self.detector(pixel_values=self.normalize_detector(images), **text.tokens)
        scores = found.logits.masked_fill(~text.target[:, None], -torch.inf).amax(dim=2)  # (B, boxes)
        score, best = scores.max(dim=1)
        boxes = center_to_corners_format(found.pred_boxes.float()).clamp(0, 1)  # in widths and heights of the image
        box = boxes[torch.arange(len(boxes), device=boxes.device), best]
        side = self.segmenter.config.prompt_encoder_config.image_size
        square = functional.interpolate(images, size=(side, side), mode="bilinear", antialias=True)
        masks = self.segmenter(
            pixel_values=self.normalize_segmenter(square), input_boxes=side * box[:, None], multimask_output=False
        ).pred_masks  # (B, 1, 1, h, w)
        return InitialMask(masks[:, 0], score)


def load(config: GroundedSAM2Config, checkpoints: Mapping[str, PublicCheckpoint]) -> GroundedSAM2:
    """Loads the model with its public weights."""
    detector, segmenter = checkpoints["detector"], checkpoints["segmenter"]
    return GroundedSAM2(
        config,
        detector.network("GroundingDinoForObjectDetection"),
        segmenter.network("Sam2Model"),
        detector.tokenizer(),
        Normalize(*detector.pixel_statistics()),
        Normalize(*segmenter.pixel_statistics()),
    )
