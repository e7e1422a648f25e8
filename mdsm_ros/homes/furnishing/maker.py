"""Makes the items of a room: procedural shapes, and models of the library if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mdsm_ros.homes.furnishing.room_stock import RoomStock
from mdsm_ros.homes.furnishing.stock import fixed_at
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.homes.shapes.parts import COLORS, Part, bounds, dress, scaled, vary
from mdsm_ros.homes.shapes.textures import PATTERNS
from mdsm_ros.library import Model, Surface

SIZES = {"small": 0.78, "": 1.0, "big": 1.32}
SIZE_SHARES = (0.2, 0.55, 0.25)
PATTERN_SHARE = 0.35  # fraction of the items that can have a pattern
TWIN_SHARE = 0.25  # fraction of further items of a category that look like the previous one
COUNTS = (0.15, 0.28, 0.27, 0.20, 0.10)  # probability that a category appears once, twice, ...


@dataclass(frozen=True)
class Wish:
    """A requested object: its category, with a colour or a model of the library."""

    kind: str
    color: str = ""
    model: Model | None = None

    @property
    def places(self) -> frozenset[str]:
        """The possible places of the object."""
        return self.model.places if self.model is not None else OBJECTS[self.kind].places


@dataclass(frozen=True)
class Made:
    """An item without a place; the fields are those of :class:`mdsm_ros.homes.home.Item`.

    Attributes:
        hx, hy: Half-extents of its footprint, metres.
        elevation: Usual height of its base above the floor, metres; 0 if unknown.
        fixed: Place of a fixture, see :class:`mdsm_ros.homes.kinds.fixtures.Fixture`.
    """

    kind: str
    color: str
    size: str
    pattern: str
    parts: list[Part]
    hx: float
    hy: float
    height: float
    surfaces: list[Surface] = field(default_factory=list)
    model: str = ""
    tints: frozenset[str] = frozenset()
    shows: frozenset[str] = frozenset()
    elevation: float = 0.0
    fixed: str = ""

    @property
    def base(self) -> float:
        """Height of the base of a piece of furniture, metres; above 0 for a wash basin, which hangs on the wall."""
        return self.elevation if self.model and self.fixed == "wall" else 0.0

    def centered(self) -> Made:
        """Moves the origin to the centre of the footprint; procedural items for walls have it at their back."""
        if self.model:
            return self
        parts = [replace(p, position=(p.position[0], p.position[1] - self.hy / 2, p.position[2])) for p in self.parts]
        return replace(self, parts=parts, hy=self.hy / 2)


class Maker:
    """Makes the items of one room.

    Args:
        rng: Random generator.
        stock: Models of the library for the room; None for procedural objects only.
    """

    def __init__(self, rng: np.random.Generator, stock: RoomStock | None) -> None:
        self._rng, self._stock = rng, stock

    def fixture(self, kind: str) -> Made | None:
        """Makes a fixture; None for a category of the library only, if the room's budget is exhausted."""
        model = self._draw(kind)
        if model is not None:
            return self._of_library(model)
        if kind not in FIXTURES:
            return None
        rng = self._rng
        color = str(rng.choice(FIXTURES[kind].colors))
        parts, pattern = self._dressed(FIXTURES[kind].shape(vary(COLORS[color], rng), rng))
        return Made(kind, color, "", pattern, parts, *bounds(parts), fixed=FIXTURES[kind].place)

    def furniture(self, kind: str) -> Made | None:
        """Makes a piece of furniture; None as for fixtures."""
        model = self._draw(kind)
        if model is not None:
            return self._of_library(model)
        if kind not in FURNITURE:
            return None
        rng = self._rng
        builder, colors = FURNITURE[kind]
        color = str(rng.choice(colors))
        piece = builder(vary(COLORS[color], rng), rng)
        parts, pattern = self._dressed(piece.parts)
        return Made(kind, color, "", pattern, parts, piece.hx, piece.hy, piece.height, piece.surfaces)

    def object(self, wish: Wish) -> Made:
        """Makes a requested object."""
        if wish.model is not None:
            return self._of_library(wish.model)
        rng = self._rng
        size = str(rng.choice(list(SIZES), p=SIZE_SHARES))
        shape = OBJECTS[wish.kind].shape(vary(COLORS[wish.color], rng), rng)
        parts, pattern = self._dressed(scaled(shape, SIZES[size] * float(rng.uniform(0.96, 1.04))))
        return Made(wish.kind, wish.color, size, pattern, parts, *bounds(parts))

    def wishes(self, kinds: Sequence[str]) -> list[Wish]:
        """Returns requests for objects of some categories, most of them several times."""
        wishes: list[Wish] = []
        for kind in kinds:
            last = Wish(kind)
            for _ in range(1 + int(self._rng.choice(len(COUNTS), p=COUNTS))):
                again = bool(last.color or last.model) and self._rng.random() < TWIN_SHARE
                if not again:
                    model = self._draw(kind)
                    if model is None and kind not in OBJECTS:
                        continue
                    color = str(self._rng.choice(OBJECTS[kind].colors)) if model is None else ""
                    last = Wish(kind, color, model)
                wishes.append(last)
        return wishes

    def _draw(self, kind: str) -> Model | None:
        return None if self._stock is None else self._stock.draw(kind, self._rng)

    def _of_library(self, model: Model) -> Made:
        assert self._stock is not None
        shape = self._stock.shape(model)
        return Made(
            kind=model.kind,
            color=self._stock.color(model),
            size="",
            pattern="",
            parts=list(shape.parts),
            hx=shape.extent[0],
            hy=shape.extent[1],
            height=shape.height,
            surfaces=self._stock.surfaces(model),
            model=model.id,
            tints=shape.colors.tints,
            shows=self._stock.shows(model),
            elevation=model.elevation,
            fixed=fixed_at(model),
        )

    def _dressed(self, parts: list[Part]) -> tuple[list[Part], str]:
        """Returns the parts, with or without a pattern, and the pattern's name."""
        if not any(part.main for part in parts) or self._rng.random() > PATTERN_SHARE:
            return parts, ""
        pattern = str(self._rng.choice(list(PATTERNS)))
        return dress(parts, pattern), pattern
