"""Grounding DINO (arXiv 2303.05499) finds the target's box, and SAM 2 (arXiv 2408.00714) the mask in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import nms
from transformers import BatchEncoding, PreTrainedTokenizerBase
from transformers.image_transforms import center_to_corners_format

from mdsm_ros.language.several import Wanted, find_wanted
from mdsm_ros.models.common.candidates import asks_for_several, choose
from mdsm_ros.models.common.normalize import Normalize
from mdsm_ros.models.grounded_sam2 import GroundedSAM2Config
from mdsm_ros.models.interface import FoundObjects, InitialMask, PublicCheckpoint

if TYPE_CHECKING:  # missing in some supported versions of transformers
    from transformers import GroundingDinoForObjectDetection, Sam2Model


SAME_BOX = 0.7  # least IoU of two boxes of the same object


@dataclass(frozen=True)
class Caption:
    """The input of Grounding DINO for B instructions.

    Attributes:
        tokens: Tokens of the target's noun phrases in the detector's format.
        wanted: Noun phrases of each instruction.
        names: Whether a token belongs to a noun phrase's own noun, bool (P, T) for the P noun phrases of each
            instruction: in "the pillow nearest to the radio" only "pillow", because the detector finds boxes for
            "radio", too.
    """

    tokens: BatchEncoding
    wanted: Sequence[Sequence[Wanted]]
    names: Sequence[torch.Tensor]


class GroundedSAM2(nn.Module):
    """Chooses the box that fits the target best; the target is in view if that box has a high enough score.

    An instruction that asks for several objects gets all boxes with a high enough score. SAM 2 segments the best box
    even if its score is low, so that the caller decides on the threshold.

    Args:
        config: Image size and thresholds.
        detector: Grounding DINO of transformers.
        segmenter: SAM 2 of transformers.
        tokenizer: Fast tokenizer of the detector.
        normalize_detector: Normalisation with the mean and standard deviation of the detector's checkpoint.
        normalize_segmenter: Normalisation for the segmenter's checkpoint.
    """

    finds_objects: ClassVar[Literal[True]] = True
    tuned_field: ClassVar[str] = "segmenter"
    needs_boxes: ClassVar[bool] = True

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
        wanted = [find_wanted(text) for text in texts]
        captions = [[f"{one.phrase.phrase.lower().rstrip('. ')}." for one in of] for of in wanted]  # as in its training
        length = self.detector.config.max_text_len
        joined = [" ".join(caption) for caption in captions]
        tokens = self.tokenizer(joined, padding=True, truncation=True, max_length=length, return_tensors="pt")
        device = self.detector.device
        names = [self._names(tokens, i, captions[i], of).to(device) for i, of in enumerate(wanted)]
        return Caption(tokens.to(device), wanted, names)

    def _names(
        self, tokens: BatchEncoding, row: int, captions: Sequence[str], wanted: Sequence[Wanted]
    ) -> torch.Tensor:
        names = torch.zeros(len(wanted), self.detector.config.max_text_len, dtype=torch.bool)
        begin = 0
        for i, (caption, one) in enumerate(zip(captions, wanted, strict=True)):
            name = one.phrase.short.lower()
            start = begin + max(0, caption.find(name))
            end = min(begin + len(caption), start + len(name))
            named = {tokens.char_to_token(row, j) for j in range(start, end)} - {None}
            names[i, sorted(named or range(int(tokens.attention_mask[row].sum())))] = True
            begin += len(caption) + 1
        return names

    def initial(self, images: torch.Tensor, text: Caption) -> InitialMask:
        """Mask logits (B, 1, h, w) from images (B, 3, H, W), and the logits of the best boxes' scores."""
        found = self.detector(pixel_values=self.normalize_detector(images), **text.tokens)
        boxes = center_to_corners_format(found.pred_boxes.float()).clamp(0, 1)  # in widths and heights of the image
        logits = [  # (P, boxes) of each instruction
            of.masked_fill(~names[:, None], -torch.inf).amax(dim=2)
            for of, names in zip(found.logits, text.names, strict=True)
        ]
        chosen = [self._choose(*of) for of in zip(logits, boxes, text.wanted, strict=True)]
        masks = self._masks(images, [of[[j for _, j in places]] for of, places in zip(boxes, chosen, strict=True)])
        objects = [_objects(*of) for of in zip(masks, logits, chosen, text.wanted, strict=True)]
        union = torch.stack([of.amax(dim=0, keepdim=True) for of in masks])
        return InitialMask(union, torch.stack([of.amax() for of in logits]), objects=objects)

    def _choose(self, logits: torch.Tensor, boxes: torch.Tensor, wanted: Sequence[Wanted]) -> list[tuple[int, int]]:
        """The places of noun phrase and box, from logits (P, boxes) and boxes (boxes, 4)."""
        scores = logits.float().sigmoid()
        if not asks_for_several(wanted):
            return choose(scores, wanted, self.config.present_threshold)
        for of in scores:
            kept = nms(boxes, of, SAME_BOX)
            again = torch.ones_like(of, dtype=torch.bool)
            again[kept] = False
            of[again] = 0.0
        return choose(scores, wanted, self.config.present_threshold)

    def _masks(self, images: torch.Tensor, boxes: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Mask logits (n, h, w) for the n boxes (n, 4) of each image."""
        side, pixels = self._side, self._pixels(images)
        if all(len(of) == 1 for of in boxes):
            return list(self._segment(pixels, side * torch.stack(list(boxes))))
        return [self._segment(pixels[i : i + 1], side * of[None])[0] for i, of in enumerate(boxes)]

    @property
    def _side(self) -> int:
        side: int = self.segmenter.config.prompt_encoder_config.image_size
        return side

    def _pixels(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, H, W) as the segmenter expects them, (B, 3, S, S)."""
        square = functional.interpolate(images, size=(self._side, self._side), mode="bilinear", antialias=True)
        pixels: torch.Tensor = self.normalize_segmenter(square)
        return pixels

    @property
    def tuned_network(self) -> Sam2Model:
        """SAM 2."""
        return self.segmenter

    @property
    def tuned_parameters(self) -> list[nn.Parameter]:
        """The parameters of the mask decoder, without the two layers that belong to the image's features."""
        decoder = self.segmenter.mask_decoder
        return [value for name, value in decoder.named_parameters() if not name.startswith(("conv_s0.", "conv_s1."))]

    def frozen_features(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """SAM 2's maps (B, C, h, w) of the images, the finest first."""
        return tuple(self.segmenter.get_image_embeddings(self._pixels(images)))

    def frozen_text(self, texts: Sequence[str]) -> torch.Tensor:
        """Nothing: SAM 2 segments what is in the box."""
        return torch.zeros(len(texts), 1)

    def tuned_mask(self, features: Sequence[torch.Tensor], text: torch.Tensor, boxes: torch.Tensor) -> InitialMask:
        """Masks of what is in the boxes; the box says that the target is in view."""
        found = self.segmenter(
            image_embeddings=list(features), input_boxes=self._side * boxes[:, None], multimask_output=False
        )
        return InitialMask(found.pred_masks[:, :, 0], torch.zeros(len(boxes), device=boxes.device))

    def _segment(self, pixels: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """Pixels (B, 3, S, S) and boxes (B, n, 4) to mask logits (B, n, h, w)."""
        masks: torch.Tensor = self.segmenter(pixel_values=pixels, input_boxes=boxes, multimask_output=False).pred_masks
        return masks[:, :, 0]


def _objects(
    masks: torch.Tensor, logits: torch.Tensor, places: Sequence[tuple[int, int]], wanted: Sequence[Wanted]
) -> FoundObjects | None:
    """The objects with masks (n, h, w) at places in logits (P, boxes); None if one object is asked for."""
    if not asks_for_several(wanted):
        return None
    scores = torch.stack([logits[i, j] for i, j in places]).float().sigmoid()
    return FoundObjects(masks, scores, [wanted[i].phrase.short for i, _ in places])


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
