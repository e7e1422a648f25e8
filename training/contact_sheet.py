"""``mdsm-data sheet``: pictures, targets and instructions of a dataset on one sheet, for a person to look at."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mdsm_ros.annotations import Dataset, Instruction

OUTLINE = (255, 0, 255)
CAPTION_HEIGHT = 62
SHADES = " .:-=+*%"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("dataset", type=Path, help="dataset folder")
    parser.add_argument("--out", type=Path, default=Path("contact_sheet.png"), help="PNG file to write")
    parser.add_argument("--count", type=int, default=20, help="number of instructions")
    parser.add_argument("--columns", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="which instructions are drawn")
    parser.add_argument("--ascii", action="store_true", help="draw in the terminal instead")


def run(args: argparse.Namespace) -> int:
    """Draws the sheet; returns the exit status."""
    data = Dataset(args.dataset)
    order = np.random.default_rng(args.seed).permutation(len(data.instructions))
    chosen = [data.instructions[i] for i in order[: args.count]]
    if args.ascii:
        width = min(100, shutil.get_terminal_size().columns)
        for instruction in chosen:
            print(ascii_picture(data, instruction, width), f"\n{_caption(instruction)}\n")
        return 0
    tiles = [_tile(data, instruction) for instruction in chosen]
    width, height = max(t.width for t in tiles), max(t.height for t in tiles)
    rows = -(-len(tiles) // args.columns)
    sheet = Image.new("RGB", (width * min(args.columns, len(tiles)), height * rows), "white")
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (width * (i % args.columns), height * (i // args.columns)))
    sheet.save(args.out)
    print(f"{args.out}: {len(tiles)} of {len(data.instructions)} instructions")
    return 0


def outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask's border pixels (H, W)."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside


def _caption(instruction: Instruction) -> str:
    return instruction.text if instruction.annotation_ids else f"[not in view] {instruction.text}"


def _tile(data: Dataset, instruction: Instruction) -> Image.Image:
    image = data.image(instruction.image_id).copy()
    image[outline(data.mask(instruction))] = OUTLINE
    height, width = image.shape[:2]
    tile = Image.new("RGB", (width, height + CAPTION_HEIGHT), "white")
    tile.paste(Image.fromarray(image), (0, 0))
    lines = textwrap.wrap(_caption(instruction), width // 6)
    ImageDraw.Draw(tile).text((3, height + 2), "\n".join(lines), fill="black")
    return tile


def ascii_picture(data: Dataset, instruction: Instruction, width: int) -> str:
    """A picture of characters, ``width`` wide; the target is drawn with "#"."""
    record = data.images[instruction.image_id]
    size = (width, max(1, width * record.height // record.width // 2))  # a character is twice as high as wide
    gray = np.asarray(Image.fromarray(data.image(instruction.image_id)).convert("L").resize(size))
    target = np.asarray(Image.fromarray(data.mask(instruction)).resize(size, Image.Resampling.NEAREST))
    shades = np.array(list(SHADES))[gray.astype(int) * len(SHADES) // 256]
    shades[target] = "#"
    return "\n".join("".join(row) for row in shades)
