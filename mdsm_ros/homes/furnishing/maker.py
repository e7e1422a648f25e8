"""Makes the things of a room: procedural shapes, and models of the library where there is one."""

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
PATTERN_SHARE = 0.35  # of the things that can wear one
TWIN_SHARE = 0.25  # of further things of a kind: like the one before
COUNTS = (0.15, 0.28, 0.27, 0.20, 0.10)  # how often a kind of object comes once, twice, ...


@dataclass(frozen=True)
class Wish:
    """An object that a room should get: of a kind, in a colour or as a model of the library."""

    kind: str
    color: str = ""
    model: Model | None = None

    @property
    def places(self) -> frozenset[str]:
        """Where it may lie, stand or hang."""
        return self.model.places if self.model is not None else OBJECTS[self.kind].places


@dataclass(frozen=True)
class Made:
    """A thing before it has its place; the fields are those of :class:`mdsm_ros.homes.home.Item`.

    Attributes:
        hx, hy: Half-extents of its footprint, metres.
        elevation: Usual height of its base above the floor, metres; 0 if that is not known.
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
        """Height of the base of a piece of furniture, metres: a wash basin hangs on the wall."""
        return self.elevation if self.model and self.fixed == "wall" else 0.0

    def centered(self) -> Made:
        """With its origin in the middle of its footprint; procedural things for walls have their back there."""
        if self.model:
            return self
        parts = [replace(p, position=(p.position[0], p.position[1] - self.hy / 2, p.position[2])) for p in self.parts]
        return replace(self, parts=parts, hy=self.hy / 2)


class Maker:
    """Makes things for one room.

    Args:
        rng: Draws them.
        stock: Models of the library for the room; None for procedural objects only.
    """

    def __init__(self, rng: np.random.Generator, stock: RoomStock | None) -> None:
        self._rng, self._stock = rng, stock

    def fixture(self, kind: str) -> Made | None:
        """A fixture; None for a kind that only the library has where the room can have no more of it."""
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
        """A piece of furniture; None as for fixtures."""
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
        """An object as wished."""
        if wish.model is not None:
            return self._of_library(wish.model)
        rng = self._rng
        size = str(rng.choice(list(SIZES), p=SIZE_SHARES))
        shape = OBJECTS[wish.kind].shape(vary(COLORS[wish.color], rng), rng)
        parts, pattern = self._dressed(scaled(shape, SIZES[size] * float(rng.uniform(0.96, 1.04))))
        return Made(wish.kind, wish.color, size, pattern, parts, *bounds(parts))

    def wishes(self, kinds: Sequence[str]) -> list[Wish]:
        """Objects of some kinds, most of them several times."""
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
        """The parts, in a pattern or not, and the pattern's name."""
        if not any(part.main for part in parts) or self._rng.random() > PATTERN_SHARE:
            return parts, ""
        pattern = str(self._rng.choice(list(PATTERNS)))
        return dress(parts, pattern), pattern
