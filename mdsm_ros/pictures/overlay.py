"""A camera image with the answer drawn on it, for people."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from mdsm_ros.inference.answer import Segmentation

COLOR = (255, 0, 160)  # rare in homes
TRUTH_COLOR = (0, 220, 60)
TINT = 0.45  # weight of COLOR inside the mask
SHADE = 0.6  # weight of black behind the caption
CAPTION_LINES = 3


def draw_overlay(image: np.ndarray, segmentation: Segmentation, instruction: str) -> np.ndarray:
    """Draws mask, contour and caption.

    Args:
        image: Camera image, uint8 (H, W, 3) RGB; it is not changed.
        segmentation: Answer on the same pixel grid.
        instruction: Instruction that was answered.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    canvas = np.array(image)
    draw_mask(canvas, segmentation.mask)
    verdict = "in view" if segmentation.present else "not in view"
    return _draw_caption(canvas, instruction, f"{verdict}, score {segmentation.score:.2f}, {segmentation.stage}")


def draw_mask(canvas: np.ndarray, mask: np.ndarray) -> None:
    """Tints the mask (H, W) bool and draws its contour into a canvas, uint8 (H, W, 3)."""
    if not mask.any():
        return
    border = mask & ~_eroded(mask, max(1, round(min(mask.shape) / 240)))
    for channel, value in enumerate(COLOR):
        tinted = (np.arange(256) * (1 - TINT) + value * TINT).astype(np.uint8)  # by what was there before
        pixels = canvas[..., channel]
        np.copyto(pixels, tinted[pixels], where=mask)
        np.copyto(pixels, np.uint8(value), where=border)


def draw_outline(canvas: np.ndarray, mask: np.ndarray) -> None:
    """Outlines the ground-truth mask (H, W) bool in green in a canvas, uint8 (H, W, 3)."""
    canvas[mask & ~_eroded(mask, max(1, round(min(mask.shape) / 160)))] = TRUTH_COLOR


def _eroded(mask: np.ndarray, radius: int) -> np.ndarray:
    """Erodes a mask; shifts of 1, 2, 4 … leave no gaps and take log(radius) rounds."""
    shift = 1
    while radius > 0:
        shift = min(shift, radius)
        inner = mask.copy()
        inner[shift:] &= mask[:-shift]
        inner[:-shift] &= mask[shift:]
        inner[:, shift:] &= mask[:, :-shift]
        inner[:, :-shift] &= mask[:, shift:]
        mask = inner
        radius -= shift
        shift *= 2
    return mask


def _draw_caption(canvas: np.ndarray, instruction: str, verdict: str) -> np.ndarray:
    height, width = canvas.shape[:2]
    size = max(10, min(height // 30, width // 12))  # a strip has no room for letters of its height
    font = ImageFont.load_default(size)
    letters = max(8, int((width - 2 * size) * len(instruction) / max(1.0, font.getlength(instruction))))
    lines = [*textwrap.wrap(instruction, letters, max_lines=CAPTION_LINES, placeholder=" …"), verdict]
    bar = min(height, round(size * (1.25 * len(lines) + 0.5)))
    canvas[:bar] = (np.arange(256) * (1 - SHADE)).astype(np.uint8)[canvas[:bar]]
    picture = Image.fromarray(canvas)
    position = (size // 2, size // 4)
    ImageDraw.Draw(picture).multiline_text(position, "\n".join(lines), "white", font, spacing=size // 4)
    return np.asarray(picture)
