"""Furniture: what stands along the walls, and the surfaces that it offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mdsm_ros.homes.parts import DARK, METAL, PAPER, RGB, Part, box, cylinder, ellipsoid, shade


@dataclass(frozen=True)
class Surface:
    """A place for objects in the furniture's frame: "surface", "soft" or "under", a rectangle at height z.

    ``clearance`` is the height in metres above it that an object may have.
    """

    place: str
    z: float
    hx: float
    hy: float
    y: float = 0.0
    clearance: float = 1.0


@dataclass(frozen=True)
class Furniture:
    """Parts, surfaces and half-extents (hx, hy) of one piece; the back is at -y."""

    parts: list[Part]
    surfaces: list[Surface]
    hx: float
    hy: float
    height: float


Builder = Callable[[RGB, np.random.Generator], Furniture]


def _table_like(hx: float, hy: float, height: float, c: RGB) -> Furniture:
    legs = [
        box(0.03, 0.03, height / 2 - 0.02, (sx * (hx - 0.05), sy * (hy - 0.05), height / 2 - 0.02), shade(c, 0.7))
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    parts = [*legs, box(hx, hy, 0.02, (0, 0, height - 0.02), c, material="wood")]
    surfaces = [
        Surface("surface", height, hx - 0.04, hy - 0.04),
        Surface("under", 0.0, hx - 0.14, hy - 0.14, clearance=height - 0.08),
    ]
    return Furniture(parts, surfaces, hx, hy, height)


def _table(c: RGB, rng: np.random.Generator) -> Furniture:
    return _table_like(rng.uniform(0.55, 0.8), rng.uniform(0.38, 0.48), rng.uniform(0.70, 0.76), c)


def _coffee_table(c: RGB, rng: np.random.Generator) -> Furniture:
    return _table_like(rng.uniform(0.42, 0.58), rng.uniform(0.28, 0.36), rng.uniform(0.42, 0.48), c)


def _desk(c: RGB, rng: np.random.Generator) -> Furniture:
    desk = _table_like(rng.uniform(0.55, 0.75), 0.33, 0.73, c)
    return Furniture(
        [*desk.parts, box(0.14, 0.28, 0.28, (desk.hx - 0.18, 0, 0.42), shade(c, 0.9))],
        desk.surfaces[:1],
        desk.hx,
        desk.hy,
        0.73,
    )


def _chest(hx: float, hy: float, height: float, rows: int, c: RGB) -> Furniture:
    parts = [box(hx, hy, height / 2, (0, 0, height / 2), c, material="wood")]
    for i in range(rows):
        z = height * (i + 0.5) / rows
        parts.append(box(hx - 0.03, 0.008, height / rows / 2 - 0.02, (0, hy, z), shade(c, 1.18)))
        parts.append(box(0.05, 0.012, 0.009, (0, hy + 0.012, z), METAL))
    return Furniture(parts, [Surface("surface", height, hx - 0.02, hy - 0.02)], hx, hy + 0.02, height)


def _cabinet(c: RGB, rng: np.random.Generator) -> Furniture:
    return _chest(rng.uniform(0.40, 0.55), 0.22, rng.uniform(0.80, 0.95), 2, c)


def _dresser(c: RGB, rng: np.random.Generator) -> Furniture:
    return _chest(rng.uniform(0.50, 0.65), 0.25, rng.uniform(0.75, 0.9), 4, c)


def _nightstand(c: RGB, rng: np.random.Generator) -> Furniture:
    return _chest(0.26, 0.22, rng.uniform(0.48, 0.56), 2, c)


def _counter(c: RGB, rng: np.random.Generator) -> Furniture:
    counter = _chest(rng.uniform(0.6, 0.9), 0.30, 0.86, 1, c)
    top = box(counter.hx + 0.02, 0.33, 0.02, (0, 0, 0.88), (0.35, 0.35, 0.37), material="stone")
    return Furniture(
        [*counter.parts, top], [Surface("surface", 0.90, counter.hx - 0.02, 0.28)], counter.hx + 0.02, 0.33, 0.90
    )


def _shelf(c: RGB, rng: np.random.Generator) -> Furniture:
    hx, hy, levels, gap = rng.uniform(0.42, 0.58), 0.18, 4, 0.40
    height = gap * (levels - 1) + 0.12
    parts = [box(hx, 0.01, height / 2, (0, -hy + 0.01, height / 2), shade(c, 0.6))]
    parts += [box(0.015, hy, height / 2, (s * hx, 0, height / 2), c) for s in (-1, 1)]
    parts += [box(hx, hy, 0.014, (0, 0, 0.10 + gap * i), c, material="wood") for i in range(levels)]
    surfaces = [
        Surface("surface", 0.114 + gap * i, hx - 0.05, hy - 0.03, clearance=gap - 0.04 if i < levels - 1 else 1.0)
        for i in range(levels)
    ]
    return Furniture(parts, surfaces, hx + 0.015, hy, height)


def _sofa(c: RGB, rng: np.random.Generator) -> Furniture:
    hx = rng.uniform(0.80, 1.0)
    parts = [
        box(hx, 0.40, 0.20, (0, 0, 0.22), shade(c, 0.85), material="cloth"),
        box(hx, 0.10, 0.22, (0, -0.32, 0.60), c, material="cloth"),
        box(0.10, 0.40, 0.13, (hx - 0.1, 0, 0.50), c, material="cloth"),
        box(0.10, 0.40, 0.13, (-hx + 0.1, 0, 0.50), c, material="cloth"),
        box(hx - 0.21, 0.29, 0.02, (0, 0.09, 0.43), shade(c, 1.1), material="cloth"),
    ]
    return Furniture(parts, [Surface("soft", 0.45, hx - 0.22, 0.14, y=-0.02)], hx, 0.42, 0.82)


def _armchair(c: RGB, rng: np.random.Generator) -> Furniture:
    parts = [
        box(0.42, 0.38, 0.20, (0, 0, 0.22), shade(c, 0.85), material="cloth"),
        box(0.42, 0.09, 0.25, (0, -0.30, 0.64), c, material="cloth"),
        box(0.08, 0.38, 0.12, (0.34, 0, 0.52), c, material="cloth"),
        box(0.08, 0.38, 0.12, (-0.34, 0, 0.52), c, material="cloth"),
    ]
    return Furniture(parts, [Surface("soft", 0.42, 0.26, 0.14)], 0.42, 0.40, 0.89)


def _bed(c: RGB, rng: np.random.Generator) -> Furniture:
    hx = rng.uniform(0.55, 0.8)
    wood = (0.36, 0.24, 0.15)
    parts = [
        box(hx, 0.95, 0.12, (0, 0, 0.16), wood, material="wood"),
        box(hx - 0.02, 0.93, 0.10, (0, 0, 0.38), PAPER),
        box(hx, 0.66, 0.06, (0, 0.28, 0.45), c, material="cloth"),
        box(hx + 0.03, 0.04, 0.42, (0, -0.98, 0.46), wood, material="wood"),
    ]
    surfaces = [
        Surface("soft", 0.48, hx - 0.1, 0.13, y=-0.74),
        Surface("soft", 0.51, hx - 0.1, 0.45, y=0.25),
    ]
    return Furniture(parts, surfaces, hx + 0.03, 1.02, 0.88)


def _wardrobe(c: RGB, rng: np.random.Generator) -> Furniture:
    hx = rng.uniform(0.45, 0.6)
    parts = [
        box(hx, 0.28, 0.95, (0, 0, 0.95), c, material="wood"),
        box(hx / 2 - 0.02, 0.008, 0.90, (hx / 2, 0.285, 0.95), shade(c, 1.15)),
        box(hx / 2 - 0.02, 0.008, 0.90, (-hx / 2, 0.285, 0.95), shade(c, 1.15)),
        box(0.012, 0.02, 0.08, (0.05, 0.30, 0.95), METAL),
        box(0.012, 0.02, 0.08, (-0.05, 0.30, 0.95), METAL),
    ]
    return Furniture(parts, [], hx, 0.31, 1.9)


def _fridge(c: RGB, rng: np.random.Generator) -> Furniture:
    parts = [
        box(0.33, 0.32, 0.55, (0, 0, 0.57), c),
        box(0.33, 0.32, 0.27, (0, 0, 1.41), c),
        box(0.014, 0.02, 0.20, (0.25, 0.34, 0.75), METAL),
        box(0.014, 0.02, 0.10, (0.25, 0.34, 1.35), METAL),
    ]
    return Furniture(parts, [], 0.33, 0.35, 1.68)


def _stove(c: RGB, rng: np.random.Generator) -> Furniture:
    burners = [cylinder(0.09, 0.008, (x, y, 0.905), DARK) for x in (-0.15, 0.15) for y in (-0.13, 0.13)]
    knobs = [cylinder(0.022, 0.015, (x, 0.31, 0.80), METAL, np.pi / 2) for x in (-0.2, -0.07, 0.07, 0.2)]
    return Furniture(
        [box(0.31, 0.30, 0.45, (0, 0, 0.45), c), box(0.24, 0.008, 0.18, (0, 0.30, 0.45), DARK), *burners, *knobs],
        [],
        0.31,
        0.33,
        0.92,
    )


def _sink(c: RGB, rng: np.random.Generator) -> Furniture:
    parts = [
        box(0.38, 0.26, 0.38, (0, 0, 0.38), c, material="wood"),
        box(0.40, 0.28, 0.035, (0, 0, 0.795), (0.95, 0.95, 0.95)),
        ellipsoid(0.19, 0.15, 0.012, (0, 0.03, 0.83), (0.65, 0.67, 0.70)),
        cylinder(0.016, 0.08, (0, -0.19, 0.90), METAL),
        box(0.014, 0.07, 0.014, (0, -0.13, 0.97), METAL),
    ]
    return Furniture(parts, [], 0.40, 0.28, 0.98)


def _bathtub(c: RGB, rng: np.random.Generator) -> Furniture:
    parts = [
        box(0.78, 0.36, 0.26, (0, 0, 0.26), c),
        box(0.80, 0.38, 0.025, (0, 0, 0.53), shade(c, 1.1)),
        ellipsoid(0.66, 0.26, 0.012, (0, 0, 0.555), (0.55, 0.72, 0.80)),
        cylinder(0.018, 0.07, (-0.7, 0, 0.62), METAL),
    ]
    return Furniture(parts, [], 0.80, 0.38, 0.70)


def _toilet(c: RGB, rng: np.random.Generator) -> Furniture:
    parts = [
        box(0.20, 0.10, 0.20, (0, -0.22, 0.58), c),
        cylinder(0.13, 0.19, (0, 0.06, 0.19), c),
        ellipsoid(0.20, 0.27, 0.05, (0, 0.08, 0.40), c),
        ellipsoid(0.15, 0.20, 0.02, (0, 0.09, 0.44), shade(c, 0.6)),
    ]
    return Furniture(parts, [], 0.21, 0.34, 0.80)


def _tv_stand(c: RGB, rng: np.random.Generator) -> Furniture:
    return _chest(rng.uniform(0.65, 0.8), 0.22, 0.46, 1, c)


def _rug(c: RGB, rng: np.random.Generator) -> Furniture:
    hx, hy = rng.uniform(0.5, 0.8), rng.uniform(0.35, 0.5)
    parts = [
        box(hx, hy, 0.006, (0, 0, 0.006), c, material="cloth"),
        box(hx - 0.09, hy - 0.09, 0.008, (0, 0, 0.007), shade(c, 0.7), material="cloth"),
    ]
    return Furniture(parts, [Surface("floor", 0.015, hx - 0.1, hy - 0.1)], hx, hy, 0.015)


WOODS = ("brown", "white", "black", "gray")
CLOTHS = ("gray", "blue", "green", "red", "brown", "black", "purple", "white")

FURNITURE: dict[str, tuple[Builder, tuple[str, ...]]] = {
    "table": (_table, WOODS),
    "coffee table": (_coffee_table, WOODS),
    "desk": (_desk, WOODS),
    "cabinet": (_cabinet, (*WOODS, "blue", "green")),
    "dresser": (_dresser, (*WOODS, "blue")),
    "nightstand": (_nightstand, WOODS),
    "counter": (_counter, (*WOODS, "blue", "green")),
    "shelf": (_shelf, WOODS),
    "sofa": (_sofa, CLOTHS),
    "armchair": (_armchair, CLOTHS),
    "bed": (_bed, CLOTHS),
    "wardrobe": (_wardrobe, WOODS),
    "refrigerator": (_fridge, ("white", "gray", "black", "red")),
    "stove": (_stove, ("white", "gray", "black")),
    "sink": (_sink, WOODS),
    "bathtub": (_bathtub, ("white", "gray", "pink")),
    "toilet": (_toilet, ("white", "gray", "pink")),
    "tv stand": (_tv_stand, WOODS),
    "rug": (_rug, ("red", "blue", "green", "purple", "orange", "gray", "yellow", "pink")),
}
"""Builder and colours of every kind of furniture."""

ROOMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bedroom": (
        ("bed", "nightstand", "nightstand", "dresser", "wardrobe", "armchair", "shelf", "rug"),
        (
            "pillow",
            "lamp",
            "book",
            "teddy bear",
            "blanket",
            "clock",
            "picture",
            "plant",
            "jewelry box",
            "hat",
            "shoes",
            "tissue box",
            "suitcase",
            "backpack",
            "candle",
            "mirror",
            "radio",
        ),
    ),
    "living room": (
        ("sofa", "armchair", "coffee table", "tv stand", "shelf", "cabinet", "rug"),
        (
            "pillow",
            "lamp",
            "book",
            "radio",
            "vase",
            "plant",
            "picture",
            "clock",
            "mug",
            "candle",
            "globe",
            "trophy",
            "blanket",
            "basket",
            "ball",
            "teddy bear",
            "box",
            "fan",
            "stool",
        ),
    ),
    "kitchen": (
        ("counter", "counter", "refrigerator", "stove", "sink", "table", "shelf"),
        (
            "mug",
            "bottle",
            "bowl",
            "plate",
            "teapot",
            "toaster",
            "apple",
            "jar",
            "stool",
            "chair",
            "trash can",
            "towel",
            "radio",
            "basket",
            "bucket",
            "clock",
            "plant",
        ),
    ),
    "bathroom": (
        ("sink", "bathtub", "toilet", "cabinet", "shelf", "rug"),
        (
            "towel",
            "hanging towel",
            "bottle",
            "tissue box",
            "mirror",
            "bucket",
            "trash can",
            "candle",
            "jar",
            "basket",
            "plant",
            "stool",
            "hat",
        ),
    ),
    "office": (
        ("desk", "desk", "shelf", "cabinet", "armchair", "table"),
        (
            "laptop",
            "book",
            "lamp",
            "mug",
            "globe",
            "trophy",
            "chair",
            "trash can",
            "backpack",
            "clock",
            "picture",
            "plant",
            "box",
            "fan",
            "tissue box",
            "radio",
            "bottle",
        ),
    ),
    "dining room": (
        ("table", "cabinet", "shelf", "counter", "rug"),
        (
            "plate",
            "bowl",
            "mug",
            "bottle",
            "vase",
            "candle",
            "teapot",
            "chair",
            "apple",
            "picture",
            "clock",
            "plant",
            "mirror",
            "stool",
            "basket",
        ),
    ),
    "laundry room": (
        ("counter", "cabinet", "shelf", "sink", "table"),
        (
            "towel",
            "hanging towel",
            "basket",
            "bucket",
            "bottle",
            "box",
            "jar",
            "shoes",
            "ball",
            "suitcase",
            "stool",
            "trash can",
            "fan",
            "hat",
        ),
    ),
}
"""Furniture and objects found in each kind of room."""

ROOM_CENTER = ("table", "coffee table", "rug")
"""Furniture that may stand away from the walls."""
