"""A home in memory, rendered by a worker process: without PyTorch, which the process that trains has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mdsm_ros.dataset.writer import MemoryWriter

if TYPE_CHECKING:
    from mdsm_ros.homes.furnishing.stock import StockOptions

HOME_SIZE = (256, 192)  # pixels, twice the input of mdsm-tiny


def render_home(seed: int, split: str, stock: StockOptions | None = None) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A home as ``mdsm-data homes`` would write it: the content of its JSON file, and its pictures by name."""
    from mdsm_ros.homes import CATEGORIES
    from mdsm_ros.homes.generate import write_home

    writer = MemoryWriter(CATEGORIES, part=f"{seed:08d}")
    write_home(writer, seed, split=split, size=HOME_SIZE, depth=False, stock=stock)
    return writer.content(), writer.files
