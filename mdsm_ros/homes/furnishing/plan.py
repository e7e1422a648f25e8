"""Plans the categories of items in a room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mdsm_ros.homes.furnishing.room_stock import RoomStock
from mdsm_ros.homes.furnishing.stock import FREE_GROUPS
from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS
from mdsm_ros.homes.kinds.rooms import ROOMS

KINDS = (17, 24)  # range of the number of object categories in a room
EXTRA_FURNITURE, EXTRA_FIXTURES = 3, 2  # largest number of further categories, from the library only
TYPICAL_WEIGHT = 1.5  # weight of categories typical of a room, against others of the library
LIVING_WEIGHT = 0.3  # people and pets


@dataclass(frozen=True)
class Plan:
    """The planned categories of a room.

    Attributes:
        fixtures: Categories of fixtures in the order of placement.
    """

    room: str
    fixtures: list[str]
    rng: np.random.Generator
    stock: RoomStock | None

    def furniture(self) -> Iterator[str]:
        """Yields categories of furniture, the most typical first; each is drawn after the previous one was placed."""
        typical = ROOMS[self.room].furniture
        for index, name in enumerate(typical):
            if index < 3 or self.rng.random() < 0.7:
                yield name
        if self.stock is not None:
            yield from _some(self.stock.kinds("furniture"), typical, EXTRA_FURNITURE, self.rng)

    def objects(self) -> list[str]:
        """Returns categories of objects."""
        typical = ROOMS[self.room].objects
        count = int(self.rng.integers(*KINDS))
        if self.stock is None:
            drawn = self.rng.choice(typical, size=min(len(typical), count), replace=False)
            return [str(name) for name in drawn]
        further = [kind for kind in self.stock.kinds("object") if kind not in typical]
        names = [*dict.fromkeys(typical), *further]
        weights = np.array([TYPICAL_WEIGHT if name in typical else _weight(name) for name in names])
        drawn = self.rng.choice(names, size=min(len(names), count), replace=False, p=weights / weights.sum())
        return [str(name) for name in drawn]


def plan_room(room: str, rng: np.random.Generator, stock: RoomStock | None) -> Plan:
    """Draws the plan of a room.

    Args:
        room: Type of room.
        rng: Random generator.
        stock: The library for the room, if there is one.
    """
    typical = ROOMS[room].fixtures
    fixtures = [name for index, name in enumerate(typical) if index < 2 or rng.random() < 0.6]
    if stock is not None:
        fixtures += _some(stock.kinds("fixture"), typical, EXTRA_FIXTURES, rng)
    return Plan(room, fixtures, rng, stock)


def _weight(kind: str) -> float:
    return LIVING_WEIGHT if LIBRARY_KINDS[kind].group in FREE_GROUPS else 1.0


def _some(kinds: Sequence[str], without: Sequence[str], most: int, rng: np.random.Generator) -> list[str]:
    options = [kind for kind in kinds if kind not in without]
    count = min(len(options), int(rng.integers(most + 1)))
    return [str(kind) for kind in rng.choice(options, size=count, replace=False)] if count else []
