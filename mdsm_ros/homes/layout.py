"""Furnishes rooms: where everything stands, lies and hangs, without things running into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mdsm_ros.homes.fixtures import FIXTURES
from mdsm_ros.homes.furniture import FURNITURE, ROOM_CENTER
from mdsm_ros.homes.home import WALL_HEIGHT, Home, Item, Room
from mdsm_ros.homes.objects import OBJECTS
from mdsm_ros.homes.parts import COLORS, RGB, Part, bounds, dress, scaled, vary
from mdsm_ros.homes.rooms import ROOMS
from mdsm_ros.homes.textures import FLOOR_MATERIALS, PATTERNS, WALL_MATERIALS

SIZES = {"small": 0.78, "": 1.0, "big": 1.32}
SIZE_SHARES = (0.2, 0.55, 0.25)
PATTERN_SHARE = 0.35  # of the things that can wear one
TWIN_SHARE = 0.25  # of further things of a kind: the colour of the one before
COUNTS = (0.15, 0.28, 0.27, 0.20, 0.10)  # how often a kind of object comes once, twice, ...
KINDS = (17, 24)  # of objects that are put into a room
TOGETHER_SHARE = 0.6  # of the things of which one is somewhere already: to the same piece of furniture
PASSAGE = 0.6  # metres before a door that stay free
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
    def __init__(self, size: tuple[float, float], rng: np.random.Generator) -> None:
        self.rng = rng
        self.size = size
        self.items: list[Item] = []
        self.passages: list[tuple[float, float, float, float]] = []  # x, y and half-extents that stay free
        self.used: dict[tuple[int, int], list[tuple[float, float, float]]] = {}

    # -- free space --

    def _free(self, x: float, y: float, extent: tuple[float, float], margin: float, flat: bool = False) -> bool:
        """Nothing on the floor is in the way; rugs may lie under anything but each other."""
        standing = [
            (item.position[0], item.position[1], *item.extent)
            for item in self.items
            if item.place in ("wall-side", "floor") and (item.kind != "rug" or flat)
        ]
        return not any(
            abs(a - x) < ex + extent[0] + margin and abs(b - y) < ey + extent[1] + margin
            for a, b, ex, ey in (*standing, *([] if flat else self.passages))
        )

    def _wall_free(self, wall: int, x: float, y: float, extent: tuple[float, float], low: float, high: float) -> bool:
        """Nothing that hangs or stands at this wall covers the heights from low to high."""
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
        """A random place along a wall for something so wide, 10 cm from the corners."""
        return float(self.rng.uniform(-1, 1) * max(0.0, self.size[wall % 2] / 2 - half - 0.1))

    # -- fixtures --

    def add_fixture(self, kind: str) -> None:
        """A door, a window, a lamp on the ceiling..., if there is room."""
        fixture, rng = FIXTURES[kind], self.rng
        color = str(rng.choice(fixture.colors))
        parts, pattern = self._dressed(fixture.shape(vary(COLORS[color], rng), rng))
        if fixture.place == "ceiling":
            self._hang_from_ceiling(kind, color, parts)
            return
        parts, half, half_depth, height = _centered(parts)
        for _ in range(20):
            wall, along = self._choose_wall(fixture.over, half, kind)
            x, y = self._at_wall(wall, along, half_depth)
            extent = (half, half_depth) if wall % 2 == 0 else (half_depth, half)
            if abs(along) > self.size[wall % 2] / 2 - half:
                continue
            base = float(rng.uniform(*fixture.heights))
            item = Item(kind, color, "", parts, (x, y, base), YAWS[wall], extent, height, True, "wall", pattern=pattern)
            if fixture.place == "standing":
                deep = extent[1 - wall % 2] + PASSAGE / 2
                room_before = self._at_wall(wall, along, half_depth + PASSAGE / 2)
                reach = (extent[0], deep) if wall % 2 == 0 else (deep, extent[1])
                if self._free(*room_before, reach, 0.02) and self._wall_free(wall, x, y, extent, 0.0, height):
                    item.place = "wall-side"
                    self.items.append(item)
                    self.passages.append((*room_before, *reach))
                    return
            elif self._wall_free(wall, x, y, extent, base, base + height):
                item.above = self._below(item, wall)
                self.items.append(item)
                return

    def _choose_wall(self, over: Sequence[str], half: float, kind: str) -> tuple[int, float]:
        """A wall and a place along it: over furniture of some kinds or, for curtains, beside a window, if any."""
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
        """The furniture over which something hangs, if that is clear."""
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

    def _hang_from_ceiling(self, kind: str, color: str, parts: list[Part]) -> None:
        hx, hy, height = bounds(parts)
        for _ in range(10):
            x, y = (float(self.rng.uniform(-0.3, 0.3) * side) for side in self.size)
            others = [item for item in self.items if item.place == "ceiling"]
            if all(np.hypot(item.position[0] - x, item.position[1] - y) > 0.9 for item in others):
                at = (x, y, WALL_HEIGHT - height)
                self.items.append(Item(kind, color, "", parts, at, 0.0, (hx, hy), height, True, "ceiling"))
                return

    # -- furniture --

    def add_furniture(self, kind: str) -> None:
        """A piece of furniture with its back to a wall or, for some, in the room, if there is room."""
        rng = self.rng
        builder, colors = FURNITURE[kind]
        color = str(rng.choice(colors))
        piece = builder(vary(COLORS[color], rng), rng)
        parts, pattern = self._dressed(piece.parts)
        for _ in range(25):
            wall = int(rng.integers(4))
            extent = (piece.hx, piece.hy) if wall % 2 == 0 else (piece.hy, piece.hx)
            reach = (self.size[0] / 2 - extent[0], self.size[1] / 2 - extent[1])
            if min(reach) < 0:
                continue
            centered = kind in ROOM_CENTER and rng.random() < 0.8
            if centered:
                x, y = (0.5 * float(rng.uniform(-1, 1)) * r for r in reach)
            else:
                x, y = self._at_wall(wall, float(rng.uniform(-1, 1)) * reach[wall % 2], piece.hy + 0.015)
            if self._free(x, y, extent, 0.12 if kind != "rug" else 0.0, flat=kind == "rug") and (
                centered or self._wall_free(wall, x, y, extent, 0.0, piece.height)
            ):
                at = (x, y, 0.0)
                item = Item(kind, color, "", parts, at, YAWS[wall], extent, piece.height, True, "wall-side")
                item.pattern, item.surfaces = pattern, piece.surfaces
                self.items.append(item)
                return

    # -- objects --

    def _dressed(self, parts: list[Part]) -> tuple[list[Part], str]:
        """The parts, in a pattern or not, and the pattern's name."""
        if not any(part.main for part in parts) or self.rng.random() > PATTERN_SHARE:
            return parts, ""
        pattern = str(self.rng.choice(list(PATTERNS)))
        return dress(parts, pattern), pattern

    def _make(self, kind: str, color: str) -> tuple[list[Part], str, str]:
        """Parts, size and pattern of an object."""
        rng = self.rng
        size = str(rng.choice(list(SIZES), p=SIZE_SHARES))
        shape = OBJECTS[kind].shape(vary(COLORS[color], rng), rng)
        parts, pattern = self._dressed(scaled(shape, SIZES[size] * float(rng.uniform(0.96, 1.04))))
        return parts, size, pattern

    def add_object(self, kind: str, color: str) -> None:
        """An object in one of the places of its kind, if there is room."""
        places = sorted(OBJECTS[kind].places)
        self.rng.shuffle(places)
        for place in places:
            put = {"wall": self._hang, "floor": self._put_on_floor}.get(place)
            if put(kind, color) if put is not None else self._put_on(kind, color, place):
                return

    def _put_on(self, kind: str, color: str, place: str) -> bool:
        rng = self.rng
        parts, size, pattern = self._make(kind, color)
        hx, hy, height = bounds(parts)
        spots = [
            (i, j)
            for i, item in enumerate(self.items)
            for j, s in enumerate(item.surfaces)
            if s.place == place and s.clearance > height
        ]
        if not spots:
            return False
        company = {item.support for item in self.items if item.kind == kind and item.place == place}
        near = [spot for spot in spots if spot[0] in company]
        for _ in range(16):
            pool = near if near and rng.random() < TOGETHER_SHARE else spots
            i, j = pool[int(rng.integers(len(pool)))]
            holder, surface = self.items[i], self.items[i].surfaces[j]
            facing = 0.0 if kind == "pillow" else float(rng.normal(0, 0.35))
            c, s = abs(np.cos(facing)), abs(np.sin(facing))
            ex, ey = c * hx + s * hy, s * hx + c * hy
            if ex > surface.hx + 0.02 or ey > surface.hy + 0.04:
                continue
            u = float(rng.uniform(-1, 1) * max(0.0, surface.hx - ex))
            v = float(rng.uniform(-1, 1) * max(0.0, surface.hy - ey)) + surface.y
            used = self.used.setdefault((i, j), [])
            if any((u - a) ** 2 + (v - b) ** 2 < (r + max(ex, ey) + 0.01) ** 2 for a, b, r in used):
                continue
            used.append((u, v, max(ex, ey)))
            cos, sin = np.cos(holder.yaw), np.sin(holder.yaw)
            x, y = holder.position[0] + cos * u - sin * v, holder.position[1] + sin * u + cos * v
            extent = (ex, ey) if abs(cos) > 0.5 else (ey, ex)
            at = (float(x), float(y), surface.z)
            item = Item(
                kind, color, size, parts, at, holder.yaw + facing, extent, height, False, place, pattern=pattern
            )
            if place == "under":
                item.beneath = i
            else:
                item.support = i
            self.items.append(item)
            return True
        return False

    def _put_on_floor(self, kind: str, color: str) -> bool:
        rng = self.rng
        parts, size, pattern = self._make(kind, color)
        hx, hy, height = bounds(parts)
        radius = float(np.hypot(hx, hy))
        for _ in range(15):
            x = float(rng.uniform(-1, 1) * (self.size[0] / 2 - radius))
            y = float(rng.uniform(-1, 1) * (self.size[1] / 2 - radius))
            if not self._free(x, y, (radius, radius), 0.03):
                continue
            rug = next(
                (
                    i
                    for i, r in enumerate(self.items)
                    if r.kind == "rug" and abs(r.position[0] - x) < r.extent[0] and abs(r.position[1] - y) < r.extent[1]
                ),
                None,
            )
            at = (x, y, 0.0 if rug is None else self.items[rug].height)
            yaw = float(rng.uniform(-np.pi, np.pi))
            extent = (radius, radius)
            item = Item(kind, color, size, parts, at, yaw, extent, height, False, "floor", support=rug, pattern=pattern)
            self.items.append(item)
            return True
        return False

    def _hang(self, kind: str, color: str) -> bool:
        rng = self.rng
        parts, size, pattern = self._make(kind, color)
        parts, half, half_depth, height = _centered(parts)
        for _ in range(12):
            wall = int(rng.integers(4))
            x, y = self._at_wall(wall, self._along(wall, half), half_depth)
            base = float(rng.uniform(0.75, 1.0) if kind == "toilet paper" else rng.uniform(1.05, 1.55))
            extent = (half, half_depth) if wall % 2 == 0 else (half_depth, half)
            if base + height < WALL_HEIGHT - 0.1 and self._wall_free(wall, x, y, extent, base, base + height):
                at = (x, y, base)
                item = Item(kind, color, size, parts, at, YAWS[wall], extent, height, False, "wall", pattern=pattern)
                item.above = self._below(item, wall)
                self.items.append(item)
                return True
        return False


def _centered(parts: Sequence[Part]) -> tuple[list[Part], float, float, float]:
    """Parts with their back at y = 0 moved so that the origin is in their middle; half-extents and height."""
    half, depth, height = bounds(parts)
    moved = [replace(p, position=(p.position[0], p.position[1] - depth / 2, p.position[2])) for p in parts]
    return moved, half, depth / 2, height


def build_room(kind: str, seed: int, rng: np.random.Generator) -> Room:
    """Furnishes one room. Few kinds come several times each, so that a kind alone seldom says which one is meant."""
    builder = _RoomBuilder((float(rng.uniform(3.5, 5.2)), float(rng.uniform(3.4, 4.8))), rng)
    room = ROOMS[kind]
    fixtures = [name for index, name in enumerate(room.fixtures) if index < 2 or rng.random() < 0.6]
    before = [
        name for name in fixtures if FIXTURES[name].place == "standing" or name in ("window", "curtain", "blinds")
    ]
    for name in sorted(before, key=lambda name: FIXTURES[name].place != "standing"):
        builder.add_fixture(name)
    for index, name in enumerate(room.furniture):
        if index < 3 or rng.random() < 0.7:
            builder.add_furniture(name)
    for name in fixtures:
        if name not in before:
            builder.add_fixture(name)
    wishes: list[tuple[str, str]] = []
    for name in rng.choice(room.objects, size=min(len(room.objects), int(rng.integers(*KINDS))), replace=False):
        color = ""
        for _ in range(1 + int(rng.choice(len(COUNTS), p=COUNTS))):
            color = color if color and rng.random() < TWIN_SHARE else str(rng.choice(OBJECTS[name].colors))
            wishes.append((str(name), color))
    rng.shuffle(wishes)
    for name, color in wishes:
        builder.add_object(str(name), str(color))
    wall = str(rng.choice(list(WALLS), p=WALL_SHARES))
    floor = str(rng.choice(room.floors))
    return Room(
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


def build_home(seed: int) -> Home:
    """Builds a home of four to six rooms of different kinds; the same seed gives the same home."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(ROOMS), size=int(rng.integers(4, 7)), replace=False)
    rooms = []
    for kind in kinds:
        room_seed = int(rng.integers(2**31))
        rooms.append(build_room(str(kind), room_seed, np.random.default_rng(room_seed)))
    return Home(seed, rooms)
