"""Fixtures of a room: doors, windows and items fixed to walls and ceiling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mdsm_ros.homes.shapes.parts import (
    DARK,
    METAL,
    PAPER,
    RGB,
    WOOD,
    Part,
    box,
    cylinder,
    ellipsoid,
    hanging_cloth,
    main,
    ring,
    shade,
    sphere,
    turned,
)

GLOW: RGB = (1.0, 0.95, 0.82)
GLASS: RGB = (0.75, 0.85, 0.88)


@dataclass(frozen=True)
class Fixture:
    """A category of fixtures; its back is at y = 0, its front to +y, its base at z = 0.

    Attributes:
        shape: Function that makes its parts in a main colour.
        colors: Names of its possible colours.
        place: "ceiling", "standing" (on the floor before a wall) or "wall".
        heights: Lowest and highest height of its base above the floor in metres; unused for the ceiling.
        over: Categories of furniture that it hangs above, if present; () for anywhere.
    """

    shape: Callable[[RGB, np.random.Generator], list[Part]]
    colors: tuple[str, ...]
    place: str
    heights: tuple[float, float] = (0.0, 0.0)
    over: tuple[str, ...] = ()


def _door(c: RGB, rng: np.random.Generator) -> list[Part]:
    panels = [
        box(0.15, 0.006, h, (x, 0.05, z), shade(c, 0.85)) for x in (-0.2, 0.2) for z, h in ((0.5, 0.33), (1.42, 0.42))
    ]
    side = float(rng.choice((-1, 1)))
    return [
        box(0.48, 0.02, 1.04, (0, 0.02, 1.04), shade(c, 0.7)),
        box(0.42, 0.022, 1.0, (0, 0.026, 1.0), c, material="wood"),
        *panels,
        sphere(0.032, (side * 0.35, 0.085, 1.0), METAL),
    ]


def _window(c: RGB, rng: np.random.Generator) -> list[Part]:
    hx, hz = float(rng.uniform(0.4, 0.65)), float(rng.uniform(0.4, 0.55))
    return [
        box(hx, 0.02, hz, (0, 0.02, hz), c),
        box(hx - 0.05, hz - 0.05, 0.004, (0, 0.038, hz), PAPER, -np.pi / 2, "outside"),
        box(0.018, 0.008, hz - 0.04, (0, 0.045, hz), c),
        box(hx - 0.04, 0.008, 0.018, (0, 0.045, hz), c),
        box(hx + 0.05, 0.06, 0.016, (0, 0.06, -0.016 + 0.016), shade(c, 0.95)),
    ]


def _curtain(c: RGB, rng: np.random.Generator) -> list[Part]:
    hx = float(rng.uniform(0.2, 0.3))
    return [
        main(hanging_cloth(hx, 0.95, 0.08, 5, (0, 0.09, 0.97), c)),
        box(hx + 0.08, 0.014, 0.014, (0, 0.09, 1.93), METAL),
        *[sphere(0.026, (x, 0.09, 1.93), METAL) for x in (-hx - 0.08, hx + 0.08)],
    ]


def _blinds(c: RGB, rng: np.random.Generator) -> list[Part]:
    hx, count = float(rng.uniform(0.35, 0.55)), 14
    slats = [
        box(hx, 0.022, 0.004, (0, 0.045, 0.04 + 0.07 * i), shade(c, 0.9 + 0.1 * (i % 2)), 0.5) for i in range(count)
    ]
    return [
        box(hx + 0.02, 0.01, 0.5, (0, 0.01, 0.5), GLASS),
        *slats,
        box(hx + 0.02, 0.03, 0.03, (0, 0.04, 0.07 * count + 0.03), c),
    ]


def _fireplace(c: RGB, rng: np.random.Generator) -> list[Part]:
    logs = [cylinder(0.04, 0.16, (x, 0.2, 0.1), WOOD, np.pi / 2 + 0.2) for x in (-0.12, 0.0, 0.12)]
    flames = [ellipsoid(0.05, 0.05, 0.13, (x, 0.2, 0.2), (1.0, 0.55, 0.1)) for x in (-0.08, 0.06)]
    return [
        *[box(0.2, 0.17, 0.5, (x, 0.17, 0.5), c, material="bricks") for x in (-0.5, 0.5)],
        box(0.7, 0.17, 0.13, (0, 0.17, 0.87), c, material="bricks"),
        box(0.3, 0.02, 0.4, (0, 0.04, 0.4), DARK),
        box(0.3, 0.15, 0.02, (0, 0.17, 0.02), DARK),
        *logs,
        *flames,
        box(0.76, 0.21, 0.035, (0, 0.2, 1.035), WOOD, material="wood"),
    ]


def _radiator(c: RGB, rng: np.random.Generator) -> list[Part]:
    fins = [box(0.032, 0.04, 0.28, (-0.4 + 0.1 * i, 0.07, 0.36), c) for i in range(9)]
    feet = [box(0.02, 0.03, 0.06, (x, 0.07, 0.06), c) for x in (-0.35, 0.35)]
    return [*fins, *feet, *[box(0.44, 0.02, 0.02, (0, 0.07, z), c) for z in (0.14, 0.58)]]


def _shower(c: RGB, rng: np.random.Generator) -> list[Part]:
    posts = [box(0.016, 0.016, 1.0, (x, 0.82, 1.04), METAL) for x in (-0.42, 0.42)]
    return [
        box(0.44, 0.42, 0.04, (0, 0.42, 0.04), (0.93, 0.93, 0.93)),
        box(0.44, 0.01, 1.0, (0, 0.012, 1.04), c, material="tiles"),
        *posts,
        box(0.44, 0.016, 0.02, (0, 0.82, 2.05), METAL),
        cylinder(0.012, 0.45, (0, 0.06, 1.45), METAL),
        turned([(0, 0.03), (0.02, 0.03), (0.09, 0), (0, 0)], (0, 0.2, 1.85), METAL),
        box(0.012, 0.08, 0.012, (0, 0.13, 1.89), METAL),
        hanging_cloth(0.18, 0.95, 0.06, 4, (-0.24, 0.80, 1.05), c),
    ]


def _ceiling_light(c: RGB, rng: np.random.Generator) -> list[Part]:
    bowl = [(0, 0), (0.1, 0.01), (0.2, 0.06), (0.22, 0.11), (0.05, 0.12), (0, 0.12)]
    return [turned(bowl, (0, 0, 0), GLOW), ring(0.215, 0.018, (0, 0, 0.1), c)]


def _chandelier(c: RGB, rng: np.random.Generator) -> list[Part]:
    arms = np.linspace(0, 2 * np.pi, 7)[:-1]
    lights: list[Part] = []
    for a in arms:
        x, y = 0.26 * np.cos(a), 0.26 * np.sin(a)
        lights += [cylinder(0.016, 0.045, (x, y, 0.12), PAPER), sphere(0.026, (x, y, 0.185), GLOW)]
    return [
        ring(0.26, 0.016, (0, 0, 0.07), c),
        ring(0.13, 0.014, (0, 0, 0.02), c),
        sphere(0.055, (0, 0, 0.055), c),
        cylinder(0.012, 0.2, (0, 0, 0.25), c),
        *lights,
    ]


def _ceiling_fan(c: RGB, rng: np.random.Generator) -> list[Part]:
    turn = float(rng.uniform(0, np.pi / 2))
    blades: list[Part] = []
    for i in range(4):
        a = turn + i * np.pi / 2
        for r in (0.2, 0.32, 0.44):
            blades.append(ellipsoid(0.085, 0.085, 0.008, (r * np.cos(a), r * np.sin(a), 0.1), c))
    return [
        *blades,
        cylinder(0.09, 0.05, (0, 0, 0.1), METAL),
        sphere(0.075, (0, 0, 0.03), GLOW),
        cylinder(0.015, 0.12, (0, 0, 0.26), METAL),
    ]


def _wall_lamp(c: RGB, rng: np.random.Generator) -> list[Part]:
    cone = [(0.06, 0.06), (0.095, 0.22), (0.088, 0.22), (0.055, 0.06), (0.06, 0.06)]
    return [
        box(0.045, 0.012, 0.07, (0, 0.012, 0.07), METAL),
        box(0.012, 0.05, 0.012, (0, 0.06, 0.06), METAL),
        turned(cone, (0, 0.11, 0), c),
        sphere(0.03, (0, 0.11, 0.14), GLOW),
    ]


def _light_switch(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [box(0.045, 0.008, 0.065, (0, 0.008, 0.065), c), box(0.014, 0.012, 0.026, (0, 0.014, 0.065), shade(c, 0.75))]


def _thermostat(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.06, 0.014, (0, 0.014, 0.06), c, np.pi / 2),
        cylinder(0.042, 0.004, (0, 0.03, 0.06), DARK, np.pi / 2),
        box(0.018, 0.002, 0.008, (0, 0.035, 0.06), (0.3, 0.9, 0.5)),
    ]


def _vent(c: RGB, rng: np.random.Generator) -> list[Part]:
    slats = [box(0.15, 0.008, 0.008, (0, 0.014, 0.03 + 0.032 * i), shade(c, 0.65)) for i in range(5)]
    return [box(0.18, 0.008, 0.095, (0, 0.008, 0.095), c), *slats]


def _wall_cabinet(c: RGB, rng: np.random.Generator) -> list[Part]:
    hx = float(rng.uniform(0.35, 0.5))
    doors = [box(hx / 2 - 0.015, 0.008, 0.27, (s * hx / 2, 0.31, 0.3), shade(c, 1.12)) for s in (-1, 1)]
    knobs = [sphere(0.014, (s * 0.04, 0.33, 0.1), METAL) for s in (-1, 1)]
    return [box(hx, 0.15, 0.3, (0, 0.15, 0.3), c, material="wood"), *doors, *knobs]


def _range_hood(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.31, 0.22, 0.035, (0, 0.22, 0.035), c),
        box(0.2, 0.16, 0.06, (0, 0.18, 0.12), c),
        box(0.11, 0.11, 0.3, (0, 0.13, 0.47), c),
        box(0.12, 0.004, 0.012, (0, 0.445, 0.035), DARK),
    ]


def _whiteboard(c: RGB, rng: np.random.Generator) -> list[Part]:
    lines = [
        box(float(rng.uniform(0.15, 0.4)), 0.002, 0.006, (-0.15, 0.028, 0.2 + 0.12 * i), tone)
        for i, tone in enumerate(((0.1, 0.2, 0.7), (0.75, 0.1, 0.1), (0.1, 0.2, 0.7), (0.1, 0.5, 0.2)))
    ]
    return [
        box(0.72, 0.012, 0.42, (0, 0.012, 0.42), c),
        box(0.68, 0.004, 0.38, (0, 0.024, 0.42), (0.97, 0.97, 0.97)),
        *lines,
        box(0.3, 0.03, 0.008, (0, 0.05, 0.02), c),
    ]


FRAMES = ("white", "brown", "black", "gray")

FIXTURES: dict[str, Fixture] = {
    "door": Fixture(_door, ("brown", "white", "red", "blue", "green", "black"), "standing"),
    "fireplace": Fixture(_fireplace, ("red", "brown", "gray", "white"), "standing"),
    "radiator": Fixture(_radiator, ("white", "gray", "black"), "standing"),
    "shower": Fixture(_shower, ("white", "blue", "green", "pink", "gray"), "standing"),
    "window": Fixture(_window, FRAMES, "wall", (0.95, 1.2)),
    "blinds": Fixture(_blinds, ("white", "brown", "gray", "green", "blue"), "wall", (1.0, 1.15)),
    "curtain": Fixture(
        _curtain, ("red", "blue", "green", "white", "purple", "yellow", "brown", "pink"), "wall", (0.1, 0.3)
    ),
    "wall lamp": Fixture(_wall_lamp, ("red", "white", "yellow", "green", "black", "blue"), "wall", (1.4, 1.7)),
    "light switch": Fixture(_light_switch, ("white", "black", "brown", "gray"), "wall", (1.0, 1.2)),
    "thermostat": Fixture(_thermostat, ("white", "black", "gray"), "wall", (1.35, 1.5)),
    "vent": Fixture(_vent, ("white", "gray", "brown"), "wall", (1.95, 2.2)),
    "wall cabinet": Fixture(
        _wall_cabinet,
        ("brown", "white", "gray", "blue", "green", "black"),
        "wall",
        (1.4, 1.5),
        ("counter", "washing machine", "dryer", "sink", "desk"),
    ),
    "range hood": Fixture(_range_hood, ("gray", "white", "black", "red"), "wall", (1.5, 1.55), ("stove",)),
    "whiteboard": Fixture(_whiteboard, ("gray", "black", "brown"), "wall", (1.0, 1.2)),
    "ceiling light": Fixture(_ceiling_light, ("gray", "brown", "black", "white"), "ceiling"),
    "chandelier": Fixture(_chandelier, ("yellow", "black", "gray"), "ceiling"),
    "ceiling fan": Fixture(_ceiling_fan, ("brown", "white", "black"), "ceiling"),
}
