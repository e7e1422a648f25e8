"""Images with captions, side by side on one sheet, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mdsm_ros.pictures.overlay import draw_mask, draw_outline

MARGIN = 4  # pixels around a tile's caption
FONT_SIZE = 12
MOST_ASPECT = 4  # of a tile, as height to width


def tile_size(width: int, height: int, across: int) -> tuple[int, int]:
    """The displayed width and height of an image, ``across`` pixels wide; tall images are made lower."""
    return across, max(1, min(MOST_ASPECT * across, round(across * height / width)))


def contact_sheet(tiles: list[Image.Image], columns: int) -> Image.Image:
    """Tiles in rows; each row is as high as its highest tile."""
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    heights = [max(tile.height for tile in row) for row in rows]
    width = max(tile.width for tile in tiles)
    sheet = Image.new("RGB", (width * max(map(len, rows)), sum(heights)), "white")
    for i, row in enumerate(rows):
        for j, tile in enumerate(row):
            sheet.paste(tile, (width * j, sum(heights[:i])))
    return sheet


def labelled(picture: NDArray[np.uint8], caption: str) -> Image.Image:
    """An image (H, W, 3) above its caption, which has as many lines as it needs."""
    height, width = picture.shape[:2]
    font = ImageFont.load_default(FONT_SIZE)
    per_line = max(8, int((width - 2 * MARGIN) / font.getlength("n")))
    text = "\n".join(textwrap.wrap(caption, per_line))
    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    tile = Image.new("RGB", (width, height + int(box[3]) + 2 * MARGIN), "white")
    tile.paste(Image.fromarray(picture), (0, 0))
    ImageDraw.Draw(tile).multiline_text((MARGIN, height + MARGIN), text, fill="black", font=font)
    return tile


def side_by_side(
    image: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]], truth: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """An image (H, W, 3) once for each mask (H, W), which is drawn into it with the outline of the truth (H, W).

    Returns:
        The copies from left to right with white between them.
    """
    height, width = image.shape[:2]
    between = np.full((height, max(1, width // 80), 3), 255, np.uint8)
    parts: list[NDArray[np.uint8]] = []
    for mask in masks:
        canvas = np.array(image)
        draw_mask(canvas, mask)
        draw_outline(canvas, truth)
        parts += [between, canvas] if parts else [canvas]
    return np.concatenate(parts, axis=1)
