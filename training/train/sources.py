"""The sources of training instructions: a folder, shards, or homes rendered ahead of training.

Streamed data are divided into blocks, which are datasets in memory for a fixed number of steps each. The next block is
made while training uses the current one. The block of a step depends on the step and the seed alone, so that a resumed
run sees the same data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from mdsm_ros.dataset.format import Dataset, MemoryDataset
from mdsm_ros.dataset.merging import merge_contents
from mdsm_ros.errors import ConfigError, DatasetError
from training.datasets.dataset import Adapt, InstructionDataset
from training.datasets.shards import INDEX_FILE, is_address, read_index, read_shard
from training.homes.render import render_home
from training.train.config import LoopConfig
from training.workers import WorkerPool

HOMES = "homes:"


@dataclass(frozen=True)
class Block:
    """The data of the steps from ``first_step`` up to, but without, ``last_step``."""

    data: InstructionDataset
    first_step: int
    last_step: int


class Source(Protocol):
    """The interface of a source: the data of every step."""

    def first(self) -> InstructionDataset:
        """The data of step 0, from which vocabulary and categories are taken."""

    def blocks(self, first_step: int, last_step: int) -> Iterator[Block]:
        """The datasets for the steps from the first up to, but without, the last, in order and without gaps."""

    def close(self) -> None:
        """Ends the processes that make data, if there are any."""


class FolderSource:
    """One dataset for all steps."""

    def __init__(self, data: InstructionDataset) -> None:
        self._data = data

    def first(self) -> InstructionDataset:
        """The dataset."""
        return self._data

    def blocks(self, first_step: int, last_step: int) -> Iterator[Block]:
        """The dataset, for all steps."""
        if first_step < last_step:
            yield Block(self._data, first_step, last_step)

    def close(self) -> None:
        """Does nothing: there are no processes to end."""


class StreamSource:
    """A sequence of datasets that serve ``steps`` steps each.

    Args:
        make: Function that makes the dataset of a block, by its number from 0.
        steps: Number of steps per block.
        pool: Processes that ``make`` uses, which :meth:`close` ends.
    """

    def __init__(self, make: Callable[[int], InstructionDataset], steps: int, pool: Executor | None = None) -> None:
        self._make, self._steps, self._pool = make, steps, pool
        self._first: InstructionDataset | None = None

    def first(self) -> InstructionDataset:
        """The dataset of block 0, which is then kept for its steps."""
        self._first = self._first or self._make(0)
        return self._first

    def _block(self, number: int) -> InstructionDataset:
        return self._first if number == 0 and self._first is not None else self._make(number)

    def blocks(self, first_step: int, last_step: int) -> Iterator[Block]:
        """One block after another; the next is made meanwhile."""
        if first_step >= last_step:
            return
        numbers = range(first_step // self._steps, -(-last_step // self._steps))
        with ThreadPoolExecutor(1) as ahead:
            coming = [ahead.submit(self._block, number) for number in numbers[:1]]
            for number in numbers:
                data = coming.pop().result()
                if number + 1 in numbers:
                    coming.append(ahead.submit(self._block, number + 1))
                begin, end = number * self._steps, (number + 1) * self._steps
                yield Block(data, max(begin, first_step), min(end, last_step))

    def close(self) -> None:
        """Ends the processes that make blocks, if there are any."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def open_source(
    where: str,
    split: str,
    image_size: int,
    config: LoopConfig,
    *,
    limit: int | None = None,
    adapt: Adapt | None = None,
) -> Source:
    """Opens the source with a name, see :data:`SOURCES`.

    Args:
        where: Name of the source.
        split: Split of the instructions.
        image_size: Side of the square that images are resized to, pixels.
        config: Configuration of the run.
        limit: Number of first instructions of a folder; None for all.
        adapt: Function that changes or leaves out instructions; None for none.

    Raises:
        DatasetError: The data do not exist, contain no instruction of the split, or are streamed despite the limit.
    """
    sharded = is_address(where) or (Path(where) / INDEX_FILE).exists()
    streamed = where.startswith(HOMES) or sharded
    if limit is not None and streamed:
        raise DatasetError(f"--limit is {limit}, expected none for the streamed data of {where}")
    make = partial(InstructionDataset, split=split, image_size=image_size, adapt=adapt)
    if where.startswith(HOMES):
        pool = WorkerPool(config.stream_workers)
        return StreamSource(_homes(where.removeprefix(HOMES), split, make, config, pool), config.block_steps, pool)
    if sharded:
        return StreamSource(_shards(where, split, make, config), config.block_steps)
    return FolderSource(make(Dataset(Path(where)), cache=config.cache, limit=limit))


def images_in_epoch(source: Source, config: LoopConfig) -> int:
    """Number of images after which all of a source were seen; of a stream, those of its first block.

    Raises:
        ConfigError: Epochs are to be evaluated, and the data are streamed.
    """
    if config.evaluate_epochs and not isinstance(source, FolderSource):
        raise ConfigError(f"evaluate_epochs is {list(config.evaluate_epochs)}, expected none for streamed data")
    return len(source.first().by_image)


def _shards(
    where: str, split: str, make: Callable[..., InstructionDataset], config: LoopConfig
) -> Callable[[int], InstructionDataset]:
    index = read_index(where)
    shards = [shard for shard in index.shards if shard.instructions.get(split)]
    if not shards:
        raise DatasetError(f"{where}: no shard has an instruction of split {split!r}")

    def block(number: int) -> InstructionDataset:
        epoch, position = divmod(number, len(shards))
        order = np.random.default_rng((config.seed, epoch, 2)).permutation(len(shards))
        return make(read_shard(index, shards[order[position]]), cache=True)

    return block


def _homes(
    seeds_of: str, split: str, make: Callable[..., InstructionDataset], config: LoopConfig, pool: Executor
) -> Callable[[int], InstructionDataset]:
    from mdsm_ros.homes.furnishing.options import SPLIT_MODELS, stock_of_cache
    from mdsm_ros.homes.generate import SEEDS_PER_SPLIT, SPLIT_SEEDS

    if seeds_of not in SPLIT_SEEDS:
        raise DatasetError(f"homes:{seeds_of} is not there, expected one of {[HOMES + name for name in SPLIT_SEEDS]}")
    stock = stock_of_cache(SPLIT_MODELS.get(seeds_of, "all"))

    def block(number: int) -> InstructionDataset:
        first = number * config.homes_per_block
        seeds = [SPLIT_SEEDS[seeds_of] + i % SEEDS_PER_SPLIT for i in range(first, first + config.homes_per_block)]
        rendered = list(pool.map(partial(render_home, split=split, stock=stock), seeds))
        content = merge_contents(content for content, _ in rendered) | {"categories": rendered[0][0]["categories"]}
        files = {name: data for _, part in rendered for name, data in part.items()}
        return make(MemoryDataset(content, files, f"homes from {seeds[0]}"), cache=True)

    return block
