"""Procedural homes: which rooms there are, what stands in them, and where everything lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mdsm_ros.homes.furniture import FURNITURE, ROOM_CENTER, ROOMS, Surface
from mdsm_ros.homes.objects import OBJECTS
from mdsm_ros.homes.parts import COLORS, RGB, Part, vary

WALL_HEIGHT = 2.5
SIZES = {"small": 0.78, "": 1.0, "big": 1.32}


@dataclass
class Item:
    """One object or piece of furniture in a room.

    Attributes:
        position: centre of the base in the room's frame, metres (x, y on the floor, z up, origin in the middle).
        yaw: rotation about z, radians.
        extent: half-extents (x, y) of the footprint after rotation, metres.
        support: index of the furniture it lies on, None for the floor or a wall.
        beneath: index of the furniture it lies under.
        above: index of the furniture it hangs above.
    """

    kind: str
    color: str
    size: str
    parts: list[Part]
    position: tuple[float, float, float]
    yaw: float
    extent: tuple[float, float]
    height: float
    furniture: bool
    place: str
    support: int | None = None
    beneath: int | None = None
    above: int | None = None
    pattern: str = ""
    surfaces: list[Surface] = field(default_factory=list)

    @property
    def center(self) -> tuple[float, float, float]:
        """Centre of the item in the room, metres."""
        x, y, z = self.position
        return x, y, z + self.height / 2


@dataclass
class Room:
    """A rectangular room; ``size`` is its extent along x and y in metres."""

    kind: str
    size: tuple[float, float]
    items: list[Item]
    seed: int


@dataclass
class Home:
    """The rooms of one seed."""

    seed: int
    rooms: list[Room]


def _scaled(parts: Sequence[Part], scale: float) -> list[Part]:
    scaled = []
    for part in parts:
        x, y, z = (scale * c for c in part.position)
        scaled.append(replace(part, size=tuple(scale * s for s in part.size), position=(x, y, z)))
    return scaled


def _bounds(parts: Sequence[Part]) -> tuple[float, float, float]:
    """Half-extents in x and y about the origin, and the height, of a list of parts."""
    hx = hy = top = 0.0
    for part in parts:
        sx, sy, sz = half_extents(part)
        hx = max(hx, abs(part.position[0]) + sx)
        hy = max(hy, abs(part.position[1]) + sy)
        top = max(top, part.position[2] + sz)
    return hx, hy, top


def half_extents(part: Part) -> tuple[float, float, float]:
    """Axis-aligned half-extents of a part, its tilt included."""
    a, b, c = part.size
    if part.shape == "cylinder":
        x, y, z = a, a, b
    elif part.shape == "capsule":
        x, y, z = a, a, a + b
    elif part.shape == "sphere":
        x = y = z = a
    else:
        x, y, z = a, b, c
    cos, sin = abs(np.cos(part.tilt)), abs(np.sin(part.tilt))
    return x, float(cos * y + sin * z), float(sin * y + cos * z)


class _RoomBuilder:
    def __init__(self, kind: str, rng: np.random.Generator) -> None:
        self.kind = kind
        self.rng = rng
        self.size = (float(rng.uniform(3.4, 5.0)), float(rng.uniform(3.2, 4.6)))
        self.items: list[Item] = []
        self.used: dict[tuple[int, int], list[tuple[float, float, float]]] = {}

    def _free(self, x: float, y: float, extent: tuple[float, float], margin: float, flat: bool = False) -> bool:
        for item in self.items:
            if item.place not in ("wall-side", "floor") or (item.kind == "rug" and not flat):
                continue
            if (
                abs(item.position[0] - x) < item.extent[0] + extent[0] + margin
                and abs(item.position[1] - y) < item.extent[1] + extent[1] + margin
            ):
                return False
        return True

    def add_furniture(self, kind: str) -> None:
        rng = self.rng
        builder, colors = FURNITURE[kind]
        color = str(rng.choice(colors))
        piece = builder(vary(COLORS[color], rng), rng)
        for _ in range(25):
            wall = int(rng.integers(4))
            centered = kind in ROOM_CENTER and rng.random() < 0.8
            yaw = (0.0, np.pi / 2, np.pi, -np.pi / 2)[wall]
            extent = (piece.hx, piece.hy) if wall % 2 == 0 else (piece.hy, piece.hx)
            reach = (self.size[0] / 2 - extent[0], self.size[1] / 2 - extent[1])
            if min(reach) < 0:
                continue
            x, y = float(rng.uniform(-reach[0], reach[0])), float(rng.uniform(-reach[1], reach[1]))
            if centered:
                x, y = 0.5 * x, 0.5 * y
            elif wall == 0:
                y = -reach[1] + 0.02
            elif wall == 1:
                x = reach[0] - 0.02
            elif wall == 2:
                y = reach[1] - 0.02
            else:
                x = -reach[0] + 0.02
            if self._free(x, y, extent, 0.12 if kind != "rug" else 0.0, flat=kind == "rug"):
                self.items.append(
                    Item(
                        kind,
                        color,
                        "",
                        piece.parts,
                        (x, y, 0.0),
                        yaw,
                        extent,
                        piece.height,
                        True,
                        "wall-side",
                        surfaces=piece.surfaces,
                    )
                )
                return

    def _make(self, kind: str, color: str) -> tuple[list[Part], str, tuple[float, float], float]:
        rng = self.rng
        size = str(rng.choice(list(SIZES), p=(0.2, 0.55, 0.25)))
        parts = _scaled(
            OBJECTS[kind].shape(vary(COLORS[color], rng), rng), SIZES[size] * float(rng.uniform(0.96, 1.04))
        )
        hx, hy, height = _bounds(parts)
        return parts, size, (hx, hy), height

    def add_object(self, kind: str, color: str) -> None:
        places = sorted(OBJECTS[kind].places)
        self.rng.shuffle(places)
        for place in places:
            if place == "wall":
                done = self._hang(kind, color)
            elif place == "floor":
                done = self._put_on_floor(kind, color)
            else:
                done = self._put_on(kind, color, place)
            if done:
                return

    def _put_on(self, kind: str, color: str, place: str) -> bool:
        rng = self.rng
        parts, size, (hx, hy), height = self._make(kind, color)
        spots = [
            (i, j)
            for i, item in enumerate(self.items)
            for j, s in enumerate(item.surfaces)
            if s.place == place and s.clearance > height
        ]
        if not spots:
            return False
        for _ in range(12):
            i, j = spots[int(rng.integers(len(spots)))]
            holder, surface = self.items[i], self.items[i].surfaces[j]
            facing = 0.0 if kind == "pillow" else float(rng.normal(0, 0.35))
            c, s = abs(np.cos(facing)), abs(np.sin(facing))
            ex, ey = c * hx + s * hy, s * hx + c * hy
            if ex > surface.hx + 0.02 or ey > surface.hy + 0.04:
                continue
            u = float(rng.uniform(-1, 1) * max(0.0, surface.hx - ex))
            v = float(rng.uniform(-1, 1) * max(0.0, surface.hy - ey)) + surface.y
            used = self.used.setdefault((i, j), [])
            if any((u - a) ** 2 + (v - b) ** 2 < (r + max(ex, ey) + 0.015) ** 2 for a, b, r in used):
                continue
            used.append((u, v, max(ex, ey)))
            cos, sin = np.cos(holder.yaw), np.sin(holder.yaw)
            x, y = holder.position[0] + cos * u - sin * v, holder.position[1] + sin * u + cos * v
            extent = (ex, ey) if abs(cos) > 0.5 else (ey, ex)
            item = Item(
                kind,
                color,
                size,
                parts,
                (float(x), float(y), surface.z),
                holder.yaw + facing,
                extent,
                height,
                False,
                place,
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
        parts, size, (hx, hy), height = self._make(kind, color)
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
            z = 0.0 if rug is None else self.items[rug].height
            yaw = float(rng.uniform(-np.pi, np.pi))
            self.items.append(
                Item(kind, color, size, parts, (x, y, z), yaw, (radius, radius), height, False, "floor", support=rug)
            )
            return True
        return False

    def _hang(self, kind: str, color: str) -> bool:
        rng = self.rng
        parts, size, (hx, _), height = self._make(kind, color)
        for _ in range(12):
            wall = int(rng.integers(4))
            length = self.size[wall % 2]
            along = float(rng.uniform(-1, 1) * (length / 2 - hx - 0.1))
            base = float(rng.uniform(1.05, 1.55))
            depth = self.size[1 - wall % 2] / 2
            x, y = ((along, -depth), (depth, along), (along, depth), (-depth, along))[wall]
            extent = (hx, 0.05) if wall % 2 == 0 else (0.05, hx)
            reach = (extent[0] + 0.06, extent[1] + 0.5) if wall % 2 == 0 else (extent[0] + 0.5, extent[1] + 0.06)
            beside = [
                i
                for i, o in enumerate(self.items)
                if abs(o.position[0] - x) < o.extent[0] + reach[0] and abs(o.position[1] - y) < o.extent[1] + reach[1]
            ]
            if any(
                o.position[2] + o.height > base - 0.03 and o.position[2] < base + height
                for o in (self.items[i] for i in beside)
            ):
                continue
            yaw = (0.0, np.pi / 2, np.pi, -np.pi / 2)[wall]
            item = Item(kind, color, size, parts, (x, y, base), yaw, extent, height, False, "wall")
            below = [i for i in beside if self.items[i].furniture and self.items[i].height > 0.3]
            if len(below) == 1:
                holder = self.items[below[0]]
                axis = wall % 2
                if abs(holder.position[axis] - (x, y)[axis]) < holder.extent[axis]:
                    item.above = below[0]
            self.items.append(item)
            return True
        return False


def build_room(kind: str, seed: int, rng: np.random.Generator) -> Room:
    """Furnishes one room. Few kinds come several times each, so that a kind alone seldom says which one is meant."""
    builder = _RoomBuilder(kind, rng)
    furniture, objects = ROOMS[kind]
    for index, name in enumerate(furniture):
        if index < 3 or rng.random() < 0.75:
            builder.add_furniture(name)
    chosen = list(rng.choice(objects, size=min(len(objects), int(rng.integers(8, 12))), replace=False))
    wishes: list[tuple[str, str]] = []
    for name in chosen:
        colors = OBJECTS[name].colors
        for _ in range(int(rng.choice((1, 2, 3, 4), p=(0.20, 0.35, 0.28, 0.17)))):
            same = [c for n, c in wishes if n == name]
            color = same[-1] if same and rng.random() < 0.18 else str(rng.choice(colors))
            wishes.append((name, color))
    rng.shuffle(wishes)
    for name, color in wishes:
        builder.add_object(str(name), str(color))
    return Room(kind, builder.size, builder.items, seed)


def build_home(seed: int) -> Home:
    """Builds a home of four to six rooms of different kinds; the same seed gives the same home."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(list(ROOMS), size=int(rng.integers(4, 7)), replace=False)
    rooms = []
    for kind in kinds:
        room_seed = int(rng.integers(2**31))
        rooms.append(build_room(str(kind), room_seed, np.random.default_rng(room_seed)))
    return Home(seed, rooms)


def wall_colors(rng: np.random.Generator) -> tuple[RGB, RGB]:
    """Muted colours of walls and floor."""
    walls = (
        (0.86, 0.84, 0.78),
        (0.80, 0.85, 0.88),
        (0.88, 0.82, 0.80),
        (0.82, 0.87, 0.80),
        (0.90, 0.89, 0.86),
        (0.74, 0.77, 0.82),
    )
    floors = ((0.62, 0.46, 0.30), (0.48, 0.36, 0.26), (0.70, 0.66, 0.60), (0.55, 0.55, 0.53), (0.72, 0.60, 0.45))
    return walls[int(rng.integers(len(walls)))], floors[int(rng.integers(len(floors)))]
