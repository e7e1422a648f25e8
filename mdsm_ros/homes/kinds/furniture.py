"""Furniture, and its surfaces for objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mdsm_ros.homes.shapes.parts import (
    DARK,
    METAL,
    PAPER,
    RGB,
    Part,
    box,
    cylinder,
    ellipsoid,
    main,
    ring,
    shade,
    soft_box,
    sphere,
    turned,
)
from mdsm_ros.library import Surface


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
    seat = (hx - 0.2) / 2
    cushions = [main(soft_box(seat, 0.3, 0.075, (x, 0.09, 0.385), c, 0, "cloth")) for x in (-seat, seat)]
    backs = [main(soft_box(seat, 0.09, 0.2, (x, -0.2, 0.62), c, 0.15, "cloth")) for x in (-seat, seat)]
    feet = [cylinder(0.025, 0.03, (x, y, 0.03), DARK) for x in (-hx + 0.1, hx - 0.1) for y in (-0.33, 0.33)]
    parts = [
        soft_box(hx, 0.40, 0.14, (0, 0, 0.2), shade(c, 0.85), 0, "cloth", (0.15, 0.1)),
        soft_box(hx, 0.09, 0.27, (0, -0.32, 0.56), shade(c, 0.9), 0, "cloth", (0.25, 0.15)),
        *[
            soft_box(0.10, 0.40, 0.2, (x, 0, 0.42), shade(c, 0.95), 0, "cloth", (0.25, 0.15))
            for x in (hx - 0.1, 0.1 - hx)
        ],
        *cushions,
        *backs,
        *feet,
    ]
    return Furniture(parts, [Surface("soft", 0.45, hx - 0.22, 0.14, y=-0.02)], hx, 0.42, 0.82)


def _armchair(c: RGB, rng: np.random.Generator) -> Furniture:
    feet = [cylinder(0.02, 0.04, (x, y, 0.04), DARK) for x in (-0.34, 0.34) for y in (-0.3, 0.3)]
    parts = [
        soft_box(0.42, 0.38, 0.15, (0, 0, 0.22), shade(c, 0.85), 0, "cloth", (0.15, 0.12)),
        main(soft_box(0.27, 0.29, 0.06, (0, 0.07, 0.38), c, 0, "cloth")),
        main(soft_box(0.40, 0.09, 0.33, (0, -0.29, 0.56), c, 0.1, "cloth", (0.35, 0.3))),
        *[soft_box(0.08, 0.36, 0.15, (x, 0.01, 0.46), shade(c, 0.95), 0, "cloth", (0.3, 0.2)) for x in (0.34, -0.34)],
        *feet,
    ]
    return Furniture(parts, [Surface("soft", 0.42, 0.26, 0.14)], 0.42, 0.40, 0.89)


def _bed(c: RGB, rng: np.random.Generator) -> Furniture:
    hx = rng.uniform(0.55, 0.8)
    wood = (0.36, 0.24, 0.15)
    parts = [
        box(hx, 0.95, 0.12, (0, 0, 0.16), wood, material="wood"),
        soft_box(hx - 0.01, 0.94, 0.11, (0, 0, 0.38), PAPER, 0, "cloth", (0.3, 0.08)),
        main(soft_box(hx + 0.015, 0.67, 0.09, (0, 0.29, 0.42), c, 0, "cloth", (0.3, 0.08))),
        box(hx + 0.03, 0.04, 0.42, (0, -0.98, 0.46), wood, material="wood"),
        *[box(0.03, 0.03, 0.06, (x, y, 0.06), wood) for x in (-hx + 0.05, hx - 0.05) for y in (-0.9, 0.9)],
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
        ellipsoid(0.24, 0.17, 0.012, (0, 0.03, 0.83), (0.65, 0.67, 0.70)),
        ring(0.17, 0.02, (0, 0.03, 0.835), (0.95, 0.95, 0.95)),
        cylinder(0.016, 0.08, (0, -0.19, 0.90), METAL),
        box(0.014, 0.07, 0.014, (0, -0.13, 0.97), METAL),
    ]
    return Furniture(parts, [], 0.40, 0.28, 0.98)


def _bathtub(c: RGB, rng: np.random.Generator) -> Furniture:
    parts = [
        soft_box(0.78, 0.36, 0.3, (0, 0, 0.27), c, 0, None, (0.2, 0.3)),
        soft_box(0.80, 0.38, 0.03, (0, 0, 0.53), shade(c, 1.1), 0, None, (0.3, 0.3)),
        ellipsoid(0.66, 0.26, 0.012, (0, 0, 0.555), (0.55, 0.72, 0.80)),
        cylinder(0.018, 0.07, (-0.7, 0, 0.62), METAL),
    ]
    return Furniture(parts, [], 0.80, 0.38, 0.70)


def _toilet(c: RGB, rng: np.random.Generator) -> Furniture:
    parts = [
        soft_box(0.20, 0.10, 0.20, (0, -0.22, 0.58), c, 0, None, (0.15, 0.2)),
        box(0.03, 0.01, 0.01, (-0.12, -0.115, 0.7), METAL),
        turned([(0, 0), (0.13, 0), (0.10, 0.12), (0.14, 0.28), (0.18, 0.38), (0, 0.38)], (0, 0.06, 0), c),
        soft_box(0.20, 0.27, 0.035, (0, 0.08, 0.405), c, 0, None, (0.5, 0.75)),
        ellipsoid(0.13, 0.18, 0.012, (0, 0.10, 0.44), shade(c, 0.55)),
    ]
    return Furniture(parts, [], 0.21, 0.34, 0.80)


def _side_table(c: RGB, rng: np.random.Generator) -> Furniture:
    r, h = float(rng.uniform(0.22, 0.28)), float(rng.uniform(0.48, 0.58))
    top = [(0, h - 0.03), (r, h - 0.03), (r, h), (0, h)]
    foot = [(0, 0), (0.6 * r, 0), (0.55 * r, 0.02), (0.03, 0.06), (0.025, h - 0.05), (0.06, h - 0.03), (0, h - 0.03)]
    parts = [turned(top, (0, 0, 0), c, material="wood"), turned(foot, (0, 0, 0), shade(c, 0.75))]
    return Furniture(parts, [Surface("surface", h, 0.7 * r, 0.7 * r)], r, r, h)


def _bench(c: RGB, rng: np.random.Generator) -> Furniture:
    hx = float(rng.uniform(0.5, 0.65))
    legs = [box(0.03, 0.15, 0.2, (x, 0, 0.2), shade(c, 0.7), material="wood") for x in (-hx + 0.1, hx - 0.1)]
    parts = [*legs, box(hx, 0.18, 0.025, (0, 0, 0.425), c, material="wood")]
    surfaces = [Surface("soft", 0.45, hx - 0.06, 0.13), Surface("under", 0.0, hx - 0.22, 0.12, clearance=0.36)]
    return Furniture(parts, surfaces, hx, 0.19, 0.45)


def _island(c: RGB, rng: np.random.Generator) -> Furniture:
    hx = float(rng.uniform(0.6, 0.8))
    panels = [box(hx / 2 - 0.04, 0.008, 0.36, (s * hx / 2, 0.365, 0.45), shade(c, 1.12)) for s in (-1, 1)]
    parts = [
        box(hx - 0.04, 0.36, 0.43, (0, 0, 0.43), c, material="wood"),
        *panels,
        box(hx, 0.42, 0.025, (0, 0, 0.885), (0.85, 0.84, 0.82), material="stone"),
    ]
    return Furniture(parts, [Surface("surface", 0.91, hx - 0.04, 0.37)], hx, 0.42, 0.91)


def _front_loader(c: RGB, glass: RGB) -> list[Part]:
    return [
        box(0.30, 0.29, 0.425, (0, 0, 0.425), c),
        ring(0.19, 0.026, (0, 0.295, 0.4), METAL, np.pi / 2),
        ellipsoid(0.17, 0.03, 0.17, (0, 0.29, 0.4), glass),
        box(0.28, 0.006, 0.05, (0, 0.292, 0.77), shade(c, 0.8)),
        cylinder(0.03, 0.012, (0.18, 0.3, 0.77), METAL, np.pi / 2),
    ]


def _washing_machine(c: RGB, rng: np.random.Generator) -> Furniture:
    tray = box(0.09, 0.008, 0.03, (-0.16, 0.297, 0.77), shade(c, 0.6))
    parts = [*_front_loader(c, (0.35, 0.5, 0.62)), tray]
    return Furniture(parts, [Surface("surface", 0.85, 0.27, 0.26)], 0.30, 0.31, 0.85)


def _dryer(c: RGB, rng: np.random.Generator) -> Furniture:
    grille = [box(0.1, 0.006, 0.006, (-0.15, 0.295, 0.06 + 0.025 * i), DARK) for i in range(3)]
    parts = [*_front_loader(c, DARK), *grille]
    return Furniture(parts, [Surface("surface", 0.85, 0.27, 0.26)], 0.30, 0.31, 0.85)


def _piano(c: RGB, rng: np.random.Generator) -> Furniture:
    black = [box(0.009, 0.05, 0.008, (-0.6 + 0.05 * i, 0.22, 0.775), DARK) for i in range(25) if i % 7 not in (2, 6)]
    parts = [
        box(0.72, 0.16, 0.60, (0, -0.14, 0.60), c, material="wood"),
        box(0.72, 0.17, 0.04, (0, 0.17, 0.69), c),
        box(0.64, 0.075, 0.012, (0, 0.24, 0.76), PAPER),
        *black,
        *[box(0.04, 0.05, 0.32, (x, 0.26, 0.33), c) for x in (-0.67, 0.67)],
        box(0.2, 0.006, 0.12, (0, 0.03, 0.95), shade(c, 1.5)),
    ]
    return Furniture(parts, [Surface("surface", 1.20, 0.66, 0.12, y=-0.14)], 0.72, 0.34, 1.20)


def _crib(c: RGB, rng: np.random.Generator) -> Furniture:
    bars = [box(0.011, 0.011, 0.26, (-0.58 + 0.116 * i, y, 0.6), c) for i in range(11) for y in (-0.33, 0.33)]
    parts = [
        *bars,
        *[box(0.60, 0.02, 0.022, (0, y, z), c) for y in (-0.33, 0.33) for z in (0.33, 0.87)],
        *[box(0.022, 0.35, 0.475, (x, 0, 0.475), c, material="wood") for x in (-0.6, 0.6)],
        main(soft_box(0.57, 0.31, 0.07, (0, 0, 0.4), (0.85, 0.88, 0.95), 0, "cloth")),
    ]
    return Furniture(parts, [Surface("soft", 0.47, 0.45, 0.2, clearance=0.45)], 0.63, 0.36, 0.95)


def _filing_cabinet(c: RGB, rng: np.random.Generator) -> Furniture:
    return _chest(0.23, 0.28, float(rng.uniform(0.95, 1.15)), 3, c)


def _vanity(c: RGB, rng: np.random.Generator) -> Furniture:
    table = _table_like(0.5, 0.24, 0.74, c)
    glass = [
        ellipsoid(0.26, 0.012, 0.33, (0, -0.2, 1.1), c),
        ellipsoid(0.23, 0.012, 0.30, (0, -0.19, 1.1), (0.78, 0.87, 0.90)),
    ]
    drawers = [box(0.17, 0.2, 0.06, (x, 0.02, 0.66), shade(c, 0.9)) for x in (-0.3, 0.3)]
    return Furniture([*table.parts, *glass, *drawers], [Surface("surface", 0.74, 0.46, 0.14, y=0.08)], 0.5, 0.24, 1.43)


def _treadmill(c: RGB, rng: np.random.Generator) -> Furniture:
    parts = [
        box(0.36, 0.75, 0.08, (0, 0, 0.08), c),
        box(0.24, 0.7, 0.012, (0, 0.04, 0.165), DARK),
        *[box(0.025, 0.025, 0.55, (x, -0.62, 0.68), METAL, -0.08) for x in (-0.33, 0.33)],
        *[box(0.02, 0.22, 0.02, (x, -0.45, 1.0), DARK) for x in (-0.33, 0.33)],
        box(0.36, 0.05, 0.12, (0, -0.66, 1.27), c, 0.4),
        box(0.16, 0.01, 0.07, (0, -0.60, 1.28), (0.2, 0.45, 0.55), 0.4),
    ]
    return Furniture(parts, [], 0.38, 0.78, 1.38)


def _pool_table(c: RGB, rng: np.random.Generator) -> Furniture:
    wood = (0.38, 0.22, 0.12)
    legs = [box(0.07, 0.07, 0.33, (x, y, 0.33), wood) for x in (-0.75, 0.75) for y in (-0.38, 0.38)]
    rails = [box(0.88, 0.06, 0.05, (0, y, 0.82), wood, material="wood") for y in (-0.46, 0.46)]
    ends = [box(0.06, 0.4, 0.05, (x, 0, 0.82), wood, material="wood") for x in (-0.82, 0.82)]
    tones = ((0.9, 0.1, 0.1), (0.95, 0.8, 0.1), (0.1, 0.2, 0.8), (0.95, 0.95, 0.95), (0.1, 0.1, 0.1), (0.9, 0.45, 0.1))
    balls = [sphere(0.03, (*rng.uniform((-0.6, -0.28), (0.6, 0.28)).tolist(), 0.83), tone) for tone in tones]
    felt = box(0.82, 0.44, 0.07, (0, 0, 0.73), c, material="cloth")
    return Furniture([*legs, *rails, *ends, felt, *balls], [], 0.88, 0.52, 0.87)


def _tv_stand(c: RGB, rng: np.random.Generator) -> Furniture:
    return _chest(rng.uniform(0.65, 0.8), 0.22, 0.46, 1, c)


def _rug(c: RGB, rng: np.random.Generator) -> Furniture:
    hx, hy = rng.uniform(0.5, 0.8), rng.uniform(0.35, 0.5)
    parts = [
        box(hx, hy, 0.006, (0, 0, 0.006), shade(c, 0.75), material="carpet"),
        main(box(hx - 0.07, hy - 0.07, 0.008, (0, 0, 0.007), c, material="carpet")),
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
    "side table": (_side_table, (*WOODS, "red", "green", "blue")),
    "bench": (_bench, (*WOODS, "red", "blue", "green")),
    "kitchen island": (_island, (*WOODS, "blue", "green")),
    "washing machine": (_washing_machine, ("white", "gray", "black", "red")),
    "dryer": (_dryer, ("white", "gray", "black", "blue")),
    "piano": (_piano, ("black", "brown", "white")),
    "crib": (_crib, ("white", "brown", "gray", "pink", "blue")),
    "filing cabinet": (_filing_cabinet, ("gray", "black", "green", "blue", "red", "white")),
    "vanity": (_vanity, (*WOODS, "pink")),
    "treadmill": (_treadmill, ("black", "gray", "red", "blue")),
    "pool table": (_pool_table, ("green", "blue", "red")),
    "rug": (_rug, ("red", "blue", "green", "purple", "orange", "gray", "yellow", "pink")),
}
"""Builder and colours of every kind of furniture."""

ROOM_CENTER = ("table", "coffee table", "rug", "kitchen island", "pool table", "side table")
"""Furniture that may stand away from the walls."""
