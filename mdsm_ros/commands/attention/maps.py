"""``mdsm attention``: where a model looks for each word of an instruction, drawn over the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from mdsm_ros.errors import AttentionError
from mdsm_ros.inference.answer import validate_image, validate_instruction
from mdsm_ros.inference.preprocess import to_model_input
from mdsm_ros.models.interface import AttentiveModel
from mdsm_ros.pictures.overlay import draw_mask
from mdsm_ros.pictures.sheet import contact_sheet, labelled, tile_size
from mdsm_ros.segmenter import Segmenter

COLUMNS = 4
TILE_WIDTH = 240  # pixels
OPACITY = 0.65  # opacity of the attention over the image
HEAT = np.array(((10, 0, 60), (150, 0, 140), (255, 90, 40), (255, 245, 110)))  # lowest to highest attention


@dataclass(frozen=True)
class WordMap:
    """The attention of each pixel to a word, float32 (H, W): the mean over the word's tokens."""

    word: str
    attention: NDArray[np.float32]


def word_maps(segmenter: Segmenter, image: NDArray[np.uint8], instruction: str) -> list[WordMap]:
    """Computes the attention to each word that the model reads, in the order of the instruction.

    Args:
        segmenter: Segmenter of the model.
        image: Image, uint8 (H, W, 3) RGB.
        instruction: Instruction that names the target.

    Raises:
        AttentionError: The model has no attention maps.
        ImageError: The image has the wrong shape or type.
        InstructionError: The instruction is empty, too long, or contains control characters.
    """
    model = segmenter.model
    if not isinstance(model, AttentiveModel):
        raise AttentionError(f"model {segmenter.name!r} has no attention maps, expected MDSM, LAVT or VPD")
    validate_image(image)
    text = validate_instruction(instruction)
    pixels = to_model_input(image, model.config.image_size).to(segmenter.device)
    with torch.inference_mode():
        maps = model.attention_maps(pixels, model.encode_text([text])).float()
        maps = functional.interpolate(maps, size=image.shape[:2], mode="bilinear", align_corners=False)[0]  # (T, H, W)
    encoding = model.tokenizer(text, truncation=True, max_length=len(maps))
    tokens_of: dict[int, list[int]] = {}
    for token, word in enumerate(encoding.word_ids()):
        if word is not None:  # also for the tokens that the tokenizer adds at both ends
            tokens_of.setdefault(word, []).append(token)
    spans = {word: encoding.word_to_chars(word) for word in tokens_of}
    return [
        WordMap(text[spans[word].start : spans[word].end], maps[tokens].mean(dim=0).cpu().numpy())
        for word, tokens in tokens_of.items()
    ]


def attention_sheet(segmenter: Segmenter, image: NDArray[np.uint8], instruction: str) -> NDArray[np.uint8]:
    """Draws the image with the answer, and for each word the image under its attention, over its own range.

    Arguments and errors are the same as for :func:`word_maps`.
    """
    maps = word_maps(segmenter, image, instruction)
    tiles = [labelled(answer_tile(image, segmenter.segment(image, instruction).mask), instruction)]
    tiles += [map_tile(image, found) for found in maps]
    return np.asarray(contact_sheet(tiles, COLUMNS))


def answer_tile(image: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """A small copy of an image (H, W, 3), with a mask (H, W) drawn into it if there is one."""
    drawn = np.array(image)
    if mask is not None:
        draw_mask(drawn, mask)
    return small(drawn)


def map_tile(image: NDArray[np.uint8], found: WordMap) -> Image.Image:
    """A small copy of an image (H, W, 3) under the attention to a word, with the word."""
    return labelled(small(heat(image, found.attention)), found.word)


def heat(image: NDArray[np.uint8], attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    """An image (H, W, 3) in grey under the colours of a map (H, W), scaled to the map's own range."""
    least, most = float(attention.min()), float(attention.max())
    share = (attention - least) / max(most - least, 1e-12)
    stops = np.linspace(0, 1, len(HEAT))
    colors = np.stack([np.interp(share, stops, HEAT[:, channel]) for channel in range(3)], axis=-1)
    grey = image.mean(axis=-1, keepdims=True)
    picture: NDArray[np.uint8] = (OPACITY * colors + (1 - OPACITY) * grey).astype(np.uint8)
    return picture


def small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image (H, W, 3) at the size of a tile."""
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize(tile_size(width, height, TILE_WIDTH)))
