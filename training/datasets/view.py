"""``mdsm-data view``: pictures, masks and instructions of a dataset on one sheet or page, for a person to look at."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.arguments import count, natural
from mdsm_ros.commands.options import add_model_arguments, check_picture_name
from mdsm_ros.commands.web.command import WebOptions, add_address_arguments, open_page
from mdsm_ros.dataset.format import Dataset, Instruction
from mdsm_ros.errors import CommandError, DatasetError
from mdsm_ros.pictures.files import write_picture
from mdsm_ros.pictures.sheet import contact_sheet, labelled, tile_size

MARK = np.array((255, 0, 255))
FILL = 0.2  # opacity of the mark's colour over the target
SHADES = " .:-=+*%"
SHEET, COUNT, COLUMNS, WIDTH = Path("contact_sheet.png"), 20, 5, 320
CHOICE = ("count", "seed", "split", "difficulty", "category", "absent")  # options that choose instructions
OF_SHEET = ("out", "columns", "width")
OF_PAGE = ("host", "port", "model", "device")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("dataset", type=Path, help="dataset folder")
    parser.add_argument("--out", type=Path, help=f"PNG or JPEG file to write (default: {SHEET})")
    parser.add_argument("--count", type=count, help=f"number of instructions (default: {COUNT})")
    parser.add_argument("--columns", type=count, help=f"number of images in a row (default: {COLUMNS})")
    parser.add_argument("--width", type=count, help=f"width of an image on the sheet in pixels (default: {WIDTH})")
    parser.add_argument("--seed", type=natural, help="random seed for choosing instructions (default: 0)")
    parser.add_argument("--split", help="only instructions of this split")
    parser.add_argument("--difficulty", choices=("easy", "medium", "hard"), help="only instructions of this difficulty")
    parser.add_argument("--category", help="only targets of this category")
    parser.add_argument("--absent", action="store_true", help="only instructions whose target is not in view")
    parser.add_argument("--ids", type=int, nargs="+", help="these instructions, in this order")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--ascii", action="store_true", help="draw in the terminal instead")
    instead.add_argument("--web", action="store_true", help="browse all of it on a local page instead, see mdsm web")
    web = parser.add_argument_group("with --web")
    add_address_arguments(web)
    add_model_arguments(web, steps=False)


def run(args: argparse.Namespace) -> int:
    """Draws the sheet; returns the exit status.

    Raises:
        CommandError: An option has no effect beside the others.
        ImageError: The file cannot be written.
    """
    _expect_effects(args)
    if args.web:
        return open_page(WebOptions(args.host, args.port, args.model, args.device, dataset=args.dataset, live=False))
    out = args.out or SHEET
    check_picture_name(out)
    data = Dataset(args.dataset)
    seed = args.seed or 0
    wanted = Wanted(args.count or COUNT, seed, args.split, args.difficulty, args.category, args.absent, args.ids)
    chosen = choose(data, wanted)
    if args.ascii:
        width = min(100, shutil.get_terminal_size().columns)
        for instruction in chosen:
            print(ascii_picture(data, instruction, width), f"\n{_caption(instruction)}\n")
        return 0
    tiles = [_tile(data, instruction, args.width or WIDTH) for instruction in chosen]
    write_picture(out, np.asarray(contact_sheet(tiles, args.columns or COLUMNS)))
    print(f"{out}: {len(chosen)} of {len(data.instructions)} instructions")
    return 0


def _expect_effects(args: argparse.Namespace) -> None:
    """Checks that every option that was given has an effect.

    Raises:
        CommandError: One has none.
    """
    idle: dict[str, tuple[str, ...]] = {}
    if args.web:
        idle["--web"] = (*OF_SHEET, *CHOICE, "ids")
    if args.ascii:
        idle["--ascii"] = OF_SHEET
    if args.ids is not None:
        idle["--ids"] = CHOICE
    for other, names in idle.items():
        for name in names:
            value = getattr(args, name)
            if value is not None and value is not False:
                shown = str(value) if isinstance(value, Path) else value
                raise CommandError(f"--{name} is {shown!r}, expected none with {other}")
    for name in OF_PAGE:
        value = getattr(args, name)
        if not args.web and value != getattr(WebOptions, name):
            raise CommandError(f"--{name} is {value!r}, expected it only with --web")


@dataclass(frozen=True)
class Wanted:
    """The choice of instructions.

    Attributes:
        count: Number of instructions.
        seed: Seed of their choice.
        split: Only instructions of this split.
        difficulty: Only instructions of this difficulty.
        category: Only instructions with a target of this category.
        absent: Whether to show only instructions whose target is not in view.
        ids: Exactly these instructions, in this order.
    """

    count: int = 20
    seed: int = 0
    split: str | None = None
    difficulty: str | None = None
    category: str | None = None
    absent: bool = False
    ids: Sequence[int] | None = None


def choose(data: Dataset, wanted: Wanted) -> list[Instruction]:
    """Chooses the instructions to show.

    Raises:
        DatasetError: No instruction matches.
    """
    if wanted.ids is not None:
        by_id = {i.id: i for i in data.instructions if i.id in wanted.ids}
        unknown = [i for i in wanted.ids if i not in by_id]
        if unknown:
            raise DatasetError(f"--ids names {unknown}, expected 1 to {len(data.instructions)}")
        return [by_id[i] for i in wanted.ids]
    fitting = [
        position
        for position, i in enumerate(data.instructions)
        if wanted.split in (None, i.split)
        and wanted.difficulty in (None, i.difficulty)
        and not (wanted.absent and i.annotation_ids)
        and (wanted.category is None or wanted.category in _categories(data, i))
    ]
    if not fitting:
        raise DatasetError(f"{data.root}: no instruction is such, expected --split, --category... of some")
    order = np.random.default_rng(wanted.seed).permutation(len(fitting))
    return [data.instructions[fitting[i]] for i in order[: wanted.count]]


def _categories(data: Dataset, instruction: Instruction) -> set[str]:
    return {data.categories[data.annotations[i].category_id] for i in instruction.annotation_ids}


def outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the mask's border pixels (H, W)."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside


def marked(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Draws the mask (H, W) tinted and outlined on the image (H, W, 3)."""
    result: NDArray[np.uint8] = image.copy()
    result[mask] = ((1 - FILL) * image[mask] + FILL * MARK).astype(np.uint8)
    result[outline(mask)] = MARK
    return result


def _caption(instruction: Instruction) -> str:
    absent = "" if instruction.annotation_ids else "[not in view] "
    return f"{instruction.id}. {absent}{instruction.text}"


def _tile(data: Dataset, instruction: Instruction, width: int) -> Image.Image:
    image = data.image(instruction.image_id)
    size = tile_size(image.shape[1], image.shape[0], width)
    small = np.asarray(Image.fromarray(image).resize(size))
    mask = Image.fromarray(data.mask(instruction)).resize(size, Image.Resampling.NEAREST)
    return labelled(marked(small, np.asarray(mask)), _caption(instruction))


def ascii_picture(data: Dataset, instruction: Instruction, width: int) -> str:
    """Draws an image of characters, ``width`` wide, with the target as "#"."""
    record = data.images[instruction.image_id]
    size = (
        width,
        max(1, tile_size(record.width, record.height, width)[1] // 2),
    )  # a character is twice as high as wide
    gray = np.asarray(Image.fromarray(data.image(instruction.image_id)).convert("L").resize(size))
    target = np.asarray(Image.fromarray(data.mask(instruction)).resize(size, Image.Resampling.NEAREST))
    shades = np.array(list(SHADES))[gray.astype(int) * len(SHADES) // 256]
    shades[target] = "#"
    return "\n".join("".join(row) for row in shades)
