"""Furnishes rooms: places all items without collisions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mdsm_ros.homes.furnishing.maker import Made, Maker, Wish
from mdsm_ros.homes.furnishing.plan import plan_room
from mdsm_ros.homes.furnishing.room_stock import RoomStock
from mdsm_ros.homes.furnishing.stock import Stock
from mdsm_ros.homes.home import WALL_HEIGHT, Home, Item, Room
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import ROOM_CENTER
from mdsm_ros.homes.kinds.rooms import ROOMS
from mdsm_ros.homes.looks.dressing import dress_room
from mdsm_ros.homes.shapes.parts import RGB
from mdsm_ros.homes.shapes.textures import FLOOR_MATERIALS, WALL_MATERIALS
from mdsm_ros.library import Surface

TOGETHER_SHARE = 0.6  # fraction of repeated objects that go to the same piece of furniture as the first
FIXTURE_HEIGHTS = (1.1, 1.5)  # metres: base of fixtures that only the library has
PASSAGE = 0.6  # metres in front of a door that stay free
FLAT = 0.03  # metres: lower items can be walked on
YAWS = (0.0, np.pi / 2, np.pi, -np.pi / 2)
"""Of what stands with its back to each of the four walls: at -y, +x, +y and -x."""

WALLS: dict[str, tuple[RGB, ...]] = {
    "white": ((0.90, 0.89, 0.86), (0.88, 0.89, 0.90)),
    "yellow": ((0.88, 0.82, 0.58),),
    "blue": ((0.62, 0.74, 0.86),),
    "green": ((0.68, 0.80, 0.66),),
    "pink": ((0.88, 0.74, 0.74),),
    "gray": ((0.66, 0.67, 0.69),),
}
WALL_SHARES = (0.5, 0.1, 0.12, 0.1, 0.08, 0.1)

FLOORS: dict[str, tuple[RGB, ...]] = {
    "planks": ((0.62, 0.46, 0.30), (0.48, 0.36, 0.26), (0.74, 0.60, 0.42)),
    "parquet": ((0.66, 0.48, 0.30), (0.50, 0.35, 0.22)),
    "tiles": ((0.80, 0.79, 0.76), (0.62, 0.64, 0.66), (0.76, 0.68, 0.58)),
    "carpet": ((0.62, 0.58, 0.52), (0.50, 0.52, 0.58), (0.68, 0.62, 0.54)),
    "stone": ((0.78, 0.76, 0.72), (0.60, 0.58, 0.56)),
}
assert set(FLOORS) == set(FLOOR_MATERIALS)


class _RoomBuilder:
    def __init__(self, size: tuple[float, float], rng: np.random.Generator, stock: RoomStock | None) -> None:
        self.rng = rng
        self.size = size
        self.stock = stock
        self.maker = Maker(rng, stock)
        self.items: list[Item] = []
        self.passages: list[tuple[float, float, float, float]] = []  # x, y and half-extents that stay free
        self.used: dict[tuple[int, int], list[tuple[float, float, float]]] = {}

    # -- free space --

    def _free(self, x: float, y: float, extent: tuple[float, float], margin: float, flat: bool = False) -> bool:
        """Whether a place on the floor is free; rugs may lie under anything except other rugs."""
        standing = [
            (item.position[0], item.position[1], *item.extent)
            for item in self.items
            if item.place in ("wall-side", "floor") and (not _is_flat(item) or flat)
        ]
        return not any(
            abs(a - x) < ex + extent[0] + margin and abs(b - y) < ey + extent[1] + margin
            for a, b, ex, ey in (*standing, *([] if flat else self.passages))
        )

    def _wall_free(self, wall: int, x: float, y: float, extent: tuple[float, float], low: float, high: float) -> bool:
        """Whether a place at a wall is free between the heights low and high."""
        axis = wall % 2
        for item in self.items:
            across = abs(item.position[1 - axis] - (x, y)[1 - axis])
            if (
                across < item.extent[1 - axis] + extent[1 - axis] + 0.1
                and abs(item.position[axis] - (x, y)[axis]) < item.extent[axis] + extent[axis] + 0.04
                and item.position[2] < high
                and item.position[2] + item.height > low - 0.03
                and item.place != "ceiling"
            ):
                return False
        return True

    def _at_wall(self, wall: int, along: float, half_depth: float) -> tuple[float, float]:
        depth = self.size[1 - wall % 2] / 2 - half_depth
        return ((along, -depth), (depth, along), (along, depth), (-depth, along))[wall]

    def _along(self, wall: int, half: float) -> float:
        """Draws a place along a wall for an item of this half-width, at least 10 cm from the corners."""
        return float(self.rng.uniform(-1, 1) * max(0.0, self.size[wall % 2] / 2 - half - 0.1))

    # -- fixtures --

    def add_fixture(self, kind: str) -> None:
        """Adds a fixture, such as a door or a window, if there is space."""
        made = self.maker.fixture(kind)
        if made is None:
            return
        fixture = FIXTURES.get(kind)
        over, heights = ((), FIXTURE_HEIGHTS) if fixture is None else (fixture.over, fixture.heights)
        if made.fixed == "ceiling":
            self._hang_from_ceiling(made)
            return
        made = made.centered()
        for _ in range(20):
            wall, along = self._choose_wall(over, made.hx, kind)
            x, y = self._at_wall(wall, along, made.hy)
            extent = (made.hx, made.hy) if wall % 2 == 0 else (made.hy, made.hx)
            if abs(along) > self.size[wall % 2] / 2 - made.hx:
                continue
            base = self._base(made, *heights)
            item = _item(made, (x, y, base), YAWS[wall], extent, "wall", furniture=True)
            if made.fixed == "standing":
                deep = extent[1 - wall % 2] + PASSAGE / 2
                room_before = self._at_wall(wall, along, made.hy + PASSAGE / 2)
                reach = (extent[0], deep) if wall % 2 == 0 else (deep, extent[1])
                if self._free(*room_before, reach, 0.02) and self._wall_free(wall, x, y, extent, 0.0, made.height):
                    item.place = "wall-side"
                    self._keep(item)
                    self.passages.append((*room_before, *reach))
                    return
            elif self._wall_free(wall, x, y, extent, base, base + made.height):
                item.above = self._below(item, wall)
                self._keep(item)
                return

    def _keep(self, item: Item) -> None:
        self.items.append(item)
        if self.stock is not None:
            self.stock.pay(item)

    def _base(self, made: Made, low: float, high: float) -> float:
        """Draws the height of the base of a wall item, metres, so that it fits below the ceiling."""
        base = float(self.rng.uniform(low, high))
        if made.fixed == "standing":
            return 0.0
        if not made.model:
            return base
        if made.elevation:
            base = made.elevation + 0.1 * (base - low) / max(high - low, 0.1)
        return max(0.0, min(base, WALL_HEIGHT - 0.08 - made.height))

    def _choose_wall(self, over: Sequence[str], half: float, kind: str) -> tuple[int, float]:
        """Draws a wall and a place along it: above given furniture or, for curtains, at a window, if any."""
        holders = [item for item in self.items if item.kind in over]
        if kind == "curtain":
            holders = [item for item in self.items if item.kind == "window"]
        if not holders:
            wall = int(self.rng.integers(4))
            return wall, self._along(wall, half)
        holder = holders[int(self.rng.integers(len(holders)))]
        wall = int(np.argmin([abs(np.cos(holder.yaw - yaw) - 1) for yaw in YAWS]))
        along = holder.position[wall % 2]
        if kind == "curtain":
            along += float(self.rng.choice((-1, 1))) * (holder.extent[wall % 2] + half + 0.05)
        return wall, along

    def _below(self, item: Item, wall: int) -> int | None:
        """Returns the furniture below a wall item, if it is unambiguous."""
        axis = wall % 2
        below = [
            i
            for i, other in enumerate(self.items)
            if other.place == "wall-side"
            and 0.3 < other.height < item.position[2] + 0.05
            and abs(other.position[axis] - item.position[axis]) < other.extent[axis] + item.extent[axis]
            and abs(other.position[1 - axis] - item.position[1 - axis]) < other.extent[1 - axis] + 0.5
        ]
        if len(below) != 1:
            return None
        holder = self.items[below[0]]
        return below[0] if abs(holder.position[axis] - item.position[axis]) < holder.extent[axis] else None

    def _hang_from_ceiling(self, made: Made) -> None:
        for _ in range(10):
            x, y = (float(self.rng.uniform(-0.3, 0.3) * side) for side in self.size)
            others = [item for item in self.items if item.place == "ceiling"]
            if all(np.hypot(item.position[0] - x, item.position[1] - y) > 0.9 for item in others):
                at = (x, y, WALL_HEIGHT - made.height)
                self._keep(_item(made, at, 0.0, (made.hx, made.hy), "ceiling", furniture=True))
                return

    # -- furniture --

    def add_furniture(self, kind: str) -> None:
        """Adds a piece of furniture with its back to a wall or, for some, free in the room, if there is space."""
        rng = self.rng
        piece = self.maker.furniture(kind)
        if piece is None:
            return
        flat = kind == "rug" or (bool(piece.model) and piece.height < FLAT)
        for _ in range(25):
            wall = int(rng.integers(4))
            extent = (piece.hx, piece.hy) if wall % 2 == 0 else (piece.hy, piece.hx)
            reach = (self.size[0] / 2 - extent[0], self.size[1] / 2 - extent[1])
            if min(reach) < 0:
                continue
            centered = (kind in ROOM_CENTER or flat) and rng.random() < 0.8
            if centered:
                x, y = (0.5 * float(rng.uniform(-1, 1)) * r for r in reach)
            else:
                x, y = self._at_wall(wall, float(rng.uniform(-1, 1)) * reach[wall % 2], piece.hy + 0.015)
            if self._free(x, y, extent, 0.0 if flat else 0.12, flat=flat) and (
                centered or self._wall_free(wall, x, y, extent, 0.0, piece.height)
            ):
                self._keep(_item(piece, (x, y, piece.base), YAWS[wall], extent, "wall-side", furniture=True))
                return

    # -- objects --

    def add_object(self, wish: Wish) -> None:
        """Adds an object at one of its possible places, if there is space."""
        if wish.model is not None and self.stock is not None and not self.stock.affords(wish.model):
            return
        places = sorted(wish.places)
        self.rng.shuffle(places)
        for place in places:
            put = {"wall": self._hang, "floor": self._put_on_floor}.get(place)
            if put(wish) if put is not None else self._put_on(wish, place):
                return

    def _put_on(self, wish: Wish, place: str) -> bool:
        rng = self.rng
        made = self.maker.object(wish)
        spots = [
            (i, j)
            for i, item in enumerate(self.items)
            for j, s in enumerate(item.surfaces)
            if _offers(item, s, place, made) and s.clearance > made.height
        ]
        if not spots:
            return False
        place = "surface" if place == "shelf" else place
        company = {item.support for item in self.items if item.kind == made.kind and item.place == place}
        near = [spot for spot in spots if spot[0] in company]
        for _ in range(16):
            pool = near if near and rng.random() < TOGETHER_SHARE else spots
            i, j = pool[int(rng.integers(len(pool)))]
            holder, surface = self.items[i], self.items[i].surfaces[j]
            facing = 0.0 if made.kind == "pillow" else float(rng.normal(0, 0.35))
            c, s = abs(np.cos(facing)), abs(np.sin(facing))
            ex, ey = c * made.hx + s * made.hy, s * made.hx + c * made.hy
            if ex > surface.hx + 0.02 or ey > surface.hy + 0.04:
                continue
            u = float(rng.uniform(-1, 1) * max(0.0, surface.hx - ex)) + surface.x
            v = float(rng.uniform(-1, 1) * max(0.0, surface.hy - ey)) + surface.y
            used = self.used.setdefault((i, j), [])
            if any((u - a) ** 2 + (v - b) ** 2 < (r + max(ex, ey) + 0.01) ** 2 for a, b, r in used):
                continue
            used.append((u, v, max(ex, ey)))
            cos, sin = np.cos(holder.yaw), np.sin(holder.yaw)
            x, y = holder.position[0] + cos * u - sin * v, holder.position[1] + sin * u + cos * v
            extent = (ex, ey) if abs(cos) > 0.5 else (ey, ex)
            item = _item(made, (float(x), float(y), holder.position[2] + surface.z), holder.yaw + facing, extent, place)
            if place == "under":
                item.beneath = i
            else:
                item.support = i
            self._keep(item)
            return True
        return False

    def _put_on_floor(self, wish: Wish) -> bool:
        rng = self.rng
        made = self.maker.object(wish)
        radius = float(np.hypot(made.hx, made.hy))
        for _ in range(15):
            x = float(rng.uniform(-1, 1) * (self.size[0] / 2 - radius))
            y = float(rng.uniform(-1, 1) * (self.size[1] / 2 - radius))
            if not self._free(x, y, (radius, radius), 0.03):
                continue
            rug = next(
                (
                    i
                    for i, r in enumerate(self.items)
                    if _is_flat(r) and abs(r.position[0] - x) < r.extent[0] and abs(r.position[1] - y) < r.extent[1]
                ),
                None,
            )
            at = (x, y, 0.0 if rug is None else self.items[rug].height)
            item = _item(made, at, float(rng.uniform(-np.pi, np.pi)), (radius, radius), "floor")
            item.support = rug
            self._keep(item)
            return True
        return False

    def _hang(self, wish: Wish) -> bool:
        rng = self.rng
        made = self.maker.object(wish).centered()
        for _ in range(12):
            wall = int(rng.integers(4))
            x, y = self._at_wall(wall, self._along(wall, made.hx), made.hy)
            base = self._base(made, *((0.75, 1.0) if made.kind == "toilet paper" else (1.05, 1.55)))
            extent = (made.hx, made.hy) if wall % 2 == 0 else (made.hy, made.hx)
            top = base + made.height
            if top < WALL_HEIGHT - (0.05 if made.model else 0.1) and self._wall_free(wall, x, y, extent, base, top):
                item = _item(made, (x, y, base), YAWS[wall], extent, "wall")
                item.above = self._below(item, wall)
                self._keep(item)
                return True
        return False


def _item(
    made: Made,
    at: tuple[float, float, float],
    yaw: float,
    extent: tuple[float, float],
    place: str,
    *,
    furniture: bool = False,
) -> Item:
    return Item(
        kind=made.kind,
        color=made.color,
        size=made.size,
        parts=made.parts,
        position=at,
        yaw=yaw,
        extent=extent,
        height=made.height,
        furniture=furniture,
        place=place,
        pattern=made.pattern,
        surfaces=made.surfaces,
        model=made.model,
        tints=made.tints,
        shows=made.shows,
    )


def _is_flat(item: Item) -> bool:
    """Whether an item is as flat as a rug, so that others may stand on it."""
    return item.kind == "rug" or (bool(item.model) and item.place == "wall-side" and item.height < FLAT)


def _offers(item: Item, surface: Surface, place: str, made: Made) -> bool:
    """Whether a surface fits an object's place: procedural objects lie on shelves as on tables."""
    if surface.place == "shelf":
        return place == "shelf" or (place == "surface" and not made.model)
    return surface.place == place or (place == "shelf" and surface.place == "surface" and item.kind == "shelf")


def build_room(kind: str, seed: int, rng: np.random.Generator, stock: Stock | None = None) -> Room:
    """Furnishes one room. Few categories appear several times each, so that they seldom identify an item.

    Args:
        kind: Type of room.
        seed: Random seed of textures and lights.
        rng: Random generator of everything else.
        stock: The library of models; None for procedural items only.
    """
    room_stock = None if stock is None else RoomStock(stock, kind)
    builder = _RoomBuilder((float(rng.uniform(3.5, 5.2)), float(rng.uniform(3.4, 4.8))), rng, room_stock)
    plan = plan_room(kind, rng, room_stock)
    before = [
        name
        for name in plan.fixtures
        if name in FIXTURES and (FIXTURES[name].place == "standing" or name in ("window", "curtain", "blinds"))
    ]
    for name in sorted(before, key=lambda name: FIXTURES[name].place != "standing"):
        builder.add_fixture(name)
    for name in plan.furniture():
        builder.add_furniture(name)
    for name in plan.fixtures:
        if name not in before:
            builder.add_fixture(name)
    wishes = builder.maker.wishes(plan.objects())
    rng.shuffle(wishes)  # type: ignore[arg-type]
    for wish in wishes:
        builder.add_object(wish)
    wall = str(rng.choice(list(WALLS), p=WALL_SHARES))
    floor = str(rng.choice(ROOMS[kind].floors))
    room = Room(
        kind=kind,
        size=builder.size,
        items=builder.items,
        seed=seed,
        wall=wall,
        wall_color=WALLS[wall][int(rng.integers(len(WALLS[wall])))],
        wall_material=str(rng.choice(WALL_MATERIALS)),
        floor_color=FLOORS[floor][int(rng.integers(len(FLOORS[floor])))],
        floor_material=floor,
    )
    return room if stock is None or room_stock is None else dress_room(room, stock, room_stock.places(), rng)


def build_home(seed: int, stock: Stock | None = None) -> Home:
    """Builds a home of four to six rooms of different types; the same seed and stock give the same home."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(ROOMS), size=int(rng.integers(4, 7)), replace=False)
    rooms = []
    for kind in kinds:
        room_seed = int(rng.integers(2**31))
        rooms.append(build_room(str(kind), room_seed, np.random.default_rng(room_seed), stock))
    return Home(seed, rooms)
