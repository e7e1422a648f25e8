"""Instructions grouped by their image, in a few arrays: a million of them take 24 MB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]


class Groups(Sequence[Positions]):
    """Groups of positions, each a part of one array.

    Args:
        order: All positions, group after group.
        starts, counts: First place of each group in ``order``, and number of its positions.
    """

    def __init__(self, order: Positions, starts: Positions, counts: Positions) -> None:
        self._order, self._starts, self._counts = order, starts, counts

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> Positions: ...

    @overload
    def __getitem__(self, index: slice) -> Groups: ...

    def __getitem__(self, index: int | slice) -> Positions | Groups:
        if isinstance(index, slice):
            return Groups(self._order, self._starts[index], self._counts[index])
        start = self._starts[index]
        return self._order[start : start + self._counts[index]]

    def firsts(self) -> Positions:
        """The first position of each group."""
        return self._order[self._starts]

    def chosen(self, numbers: Positions) -> Groups:
        """The groups with some numbers."""
        return Groups(self._order, self._starts[numbers], self._counts[numbers])


class ByImage(Mapping[int, Positions]):
    """The positions of the instructions about each image; images are in the order of their first instruction.

    Args:
        image_ids: Image of each instruction.
    """

    def __init__(self, image_ids: Positions) -> None:
        self._ids, firsts, counts = np.unique(image_ids, return_index=True, return_counts=True)
        self._sequence = np.argsort(firsts)  # numbers of the sorted ids, by their first instruction
        order = np.argsort(image_ids, kind="stable").astype(np.int64)
        self._sorted = Groups(order, np.cumsum(counts) - counts, counts)
        self.groups = self._sorted.chosen(self._sequence)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        return (int(self._ids[number]) for number in self._sequence)

    def __getitem__(self, image_id: int) -> Positions:
        number = int(np.searchsorted(self._ids, image_id))
        if number == len(self._ids) or self._ids[number] != image_id:
            raise KeyError(image_id)
        return self._sorted[number]
