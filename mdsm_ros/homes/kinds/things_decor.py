"""Decoration, light, plants and pictures: parts in a main colour, standing on z = 0, front to +y."""

from __future__ import annotations

import numpy as np

from mdsm_ros.homes.shapes.parts import (
    DARK,
    LEAF,
    METAL,
    PAPER,
    RGB,
    WOOD,
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

GLOW: RGB = (1.0, 0.93, 0.75)
SAND: RGB = (0.75, 0.66, 0.52)


def lamp(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A table lamp with a coloured shade."""
    foot = [(0, 0), (0.07, 0), (0.065, 0.015), (0.03, 0.04), (0.05, 0.10), (0.03, 0.17), (0.01, 0.2), (0.01, 0.26)]
    cone = [(0.13, 0.24), (0.085, 0.40), (0.08, 0.40), (0.125, 0.24)]
    return [
        turned([*foot, (0, 0.26)], (0, 0, 0), METAL),
        main(turned([*cone, cone[0]], (0, 0, 0), c)),
        sphere(0.035, (0, 0, 0.31), GLOW),
    ]


def floor_lamp(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A lamp on a tall pole."""
    cone = [(0.2, 1.30), (0.13, 1.55), (0.122, 1.55), (0.19, 1.30)]
    return [
        cylinder(0.15, 0.015, (0, 0, 0.015), DARK),
        cylinder(0.015, 0.66, (0, 0, 0.69), METAL),
        main(turned([*cone, cone[0]], (0, 0, 0), c)),
        sphere(0.05, (0, 0, 1.4), GLOW),
    ]


def lantern(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A lantern with a glass body, posts and a ring."""
    posts = [box(0.008, 0.008, 0.09, (x, y, 0.11), c) for x in (-0.06, 0.06) for y in (-0.06, 0.06)]
    return [
        box(0.075, 0.075, 0.01, (0, 0, 0.01), c),
        *posts,
        cylinder(0.028, 0.06, (0, 0, 0.08), GLOW),
        turned([(0.105, 0.20), (0.09, 0.21), (0.02, 0.27), (0, 0.27)], (0, 0, 0), c),
        ring(0.03, 0.006, (0, 0, 0.295), c, np.pi / 2),
    ]


def candle(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A candle on a dish, with a flame."""
    return [
        turned([(0, 0), (0.06, 0), (0.065, 0.02), (0.06, 0.02), (0.05, 0.008), (0, 0.008)], (0, 0, 0), METAL),
        cylinder(0.034, 0.085, (0, 0, 0.093), c),
        ellipsoid(0.010, 0.010, 0.024, (0, 0, 0.205), (1.0, 0.75, 0.2)),
    ]


def candlestick(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A tall stick with a white candle."""
    stick = [(0, 0), (0.06, 0), (0.05, 0.02), (0.015, 0.04), (0.028, 0.09), (0.012, 0.13), (0.02, 0.2), (0.035, 0.22)]
    return [
        turned([*stick, (0.03, 0.235), (0, 0.235)], (0, 0, 0), c),
        cylinder(0.016, 0.07, (0, 0, 0.3), PAPER),
        ellipsoid(0.009, 0.009, 0.02, (0, 0, 0.388), (1.0, 0.75, 0.2)),
    ]


def vase(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A bellied vase, open at the top."""
    belly = rng.uniform(0.06, 0.09)
    outside = [(0, 0), (0.045, 0), (belly, 0.07), (belly, 0.13), (0.03, 0.21), (0.032, 0.25), (0.05, 0.285)]
    return [main(turned([*outside, (0.043, 0.285), (0.022, 0.22), (0, 0.2)], (0, 0, 0), c))]


def flowers(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A bunch of flowers in a clear vase; the blossoms have the colour."""
    angles = np.linspace(0, 2 * np.pi, 7)[:-1]
    blossoms = [
        sphere(0.034, (0.075 * np.cos(a), 0.075 * np.sin(a), float(rng.uniform(0.29, 0.34))), c) for a in angles
    ]
    leaves = [ellipsoid(0.05, 0.02, 0.05, (0.04 * np.cos(a), 0.04 * np.sin(a), 0.25), LEAF) for a in angles[::2]]
    glass = [(0, 0), (0.04, 0), (0.05, 0.18), (0.045, 0.18), (0.035, 0.01), (0, 0.01)]
    return [
        turned(glass, (0, 0, 0), (0.72, 0.82, 0.85)),
        cylinder(0.02, 0.08, (0, 0, 0.2), LEAF),
        *leaves,
        *blossoms,
        sphere(0.038, (0, 0, 0.36), c),
    ]


def plant(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A leafy plant in a coloured pot."""
    leaves = [
        ellipsoid(
            0.035,
            0.02,
            0.11,
            (0.07 * np.cos(a), 0.07 * np.sin(a), float(rng.uniform(0.24, 0.32))),
            shade(LEAF, float(rng.uniform(0.8, 1.3))),
        )
        for a in np.linspace(0, 2 * np.pi, 7)[:-1]
    ]
    pot = [(0, 0), (0.055, 0), (0.08, 0.13), (0.088, 0.13), (0.088, 0.155), (0.07, 0.155), (0.06, 0.13), (0, 0.13)]
    return [turned(pot, (0, 0, 0), c), sphere(0.09, (0, 0, 0.25), LEAF), *leaves]


def tree(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A big plant with a trunk, in a coloured tub."""
    crown = [
        ellipsoid(
            0.17, 0.17, 0.14, (0.14 * np.cos(a), 0.14 * np.sin(a), z), shade(LEAF, float(rng.uniform(0.75, 1.25)))
        )
        for a, z in zip(np.linspace(0, 9, 6), np.linspace(0.85, 1.25, 6), strict=True)
    ]
    tub = [(0, 0), (0.13, 0), (0.19, 0.3), (0.17, 0.3), (0.15, 0.26), (0, 0.26)]
    return [turned(tub, (0, 0, 0), c), cylinder(0.028, 0.35, (0, 0, 0.58), WOOD), *crown]


def globe(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A globe on a wooden foot."""
    return [
        turned([(0, 0), (0.075, 0), (0.07, 0.02), (0.014, 0.035), (0.012, 0.09), (0, 0.09)], (0, 0, 0), WOOD),
        sphere(0.12, (0, 0, 0.215), c),
        ring(0.128, 0.006, (0, 0, 0.215), METAL, 1.2),
    ]


def trophy(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A cup with two handles on a dark foot."""
    cup = [(0, 0.05), (0.02, 0.05), (0.012, 0.12), (0.05, 0.16), (0.068, 0.28), (0.06, 0.28), (0.04, 0.17), (0, 0.16)]
    return [
        box(0.05, 0.05, 0.025, (0, 0, 0.025), DARK),
        turned(cup, (0, 0, 0), c),
        ring(0.035, 0.007, (0.08, 0, 0.22), c, np.pi / 2),
        ring(0.035, 0.007, (-0.08, 0, 0.22), c, np.pi / 2),
    ]


def statue(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A bust on a pedestal."""
    return [
        box(0.07, 0.06, 0.03, (0, 0, 0.03), shade(c, 0.6)),
        turned([(0, 0.06), (0.035, 0.06), (0.03, 0.09), (0, 0.09)], (0, 0, 0), c),
        ellipsoid(0.10, 0.06, 0.06, (0, 0, 0.13), c),
        cylinder(0.026, 0.03, (0, 0, 0.2), c),
        ellipsoid(0.05, 0.058, 0.07, (0, 0.005, 0.28), c),
        ellipsoid(0.012, 0.02, 0.02, (0, 0.06, 0.275), c),
    ]


def sculpture(c: RGB, rng: np.random.Generator) -> list[Part]:
    """Rings and a ball, abstract, on a slab."""
    return [
        box(0.08, 0.05, 0.015, (0, 0, 0.015), DARK),
        ring(0.075, 0.014, (-0.01, 0, 0.115), c, np.pi / 2),
        ring(0.055, 0.012, (0.02, 0, 0.24), c, np.pi / 2 - 0.5),
        sphere(0.03, (0.02, 0, 0.33), c),
    ]


def clock(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A round clock for the wall."""
    return [
        cylinder(0.13, 0.018, (0, 0.018, 0.13), c, np.pi / 2),
        cylinder(0.105, 0.003, (0, 0.036, 0.13), PAPER, np.pi / 2),
        box(0.005, 0.003, 0.036, (0, 0.042, 0.16), DARK),
        box(0.032, 0.003, 0.005, (0.03, 0.042, 0.13), DARK),
    ]


def alarm_clock(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A small clock with two bells."""
    return [
        cylinder(0.06, 0.025, (0, 0, 0.075), c, np.pi / 2),
        cylinder(0.05, 0.002, (0, 0.026, 0.075), PAPER, np.pi / 2),
        box(0.003, 0.002, 0.02, (0, 0.03, 0.09), DARK),
        box(0.016, 0.002, 0.003, (0.014, 0.03, 0.075), DARK),
        sphere(0.024, (0.038, 0, 0.135), METAL),
        sphere(0.024, (-0.038, 0, 0.135), METAL),
        sphere(0.012, (0.035, 0, 0.012), c),
        sphere(0.012, (-0.035, 0, 0.012), c),
    ]


def _framed(hx: float, hz: float, width: float, c: RGB, rng: np.random.Generator) -> list[Part]:
    """Art in a frame that hangs flat on a wall."""
    art = box(hx - width, hz - width, 0.004, (0, 0.028, hz), PAPER, -np.pi / 2, f"art:{int(rng.integers(2**31))}")
    return [box(hx, 0.013, hz, (0, 0.013, hz), c), art]


def picture(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A picture in a coloured frame."""
    return _framed(float(rng.uniform(0.18, 0.4)), float(rng.uniform(0.16, 0.3)), 0.03, c, rng)


def photo(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A small framed photo that stands by itself."""
    art = box(0.06, 0.08, 0.003, (0, 0.0, 0.095), PAPER, -np.pi / 2 - 0.2, f"art:{int(rng.integers(2**31))}")
    return [
        box(0.078, 0.008, 0.098, (0, -0.012, 0.097), c, 0.2),
        art,
        box(0.02, 0.05, 0.004, (0, -0.06, 0.04), DARK, 0.7),
    ]


def mirror(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A mirror in a coloured frame."""
    hx, hz = float(rng.uniform(0.22, 0.38)), float(rng.uniform(0.3, 0.45))
    return [
        box(hx, 0.013, hz, (0, 0.013, hz), c),
        box(hx - 0.035, 0.004, hz - 0.035, (0, 0.026, hz), (0.78, 0.87, 0.90)),
        box(0.012, 0.002, hz * 0.5, (-hx * 0.3, 0.031, hz), (0.93, 0.97, 0.98), 0.0),
    ]


def wreath(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A leafy ring with coloured berries."""
    berries = [
        sphere(0.024, (0.15 * np.cos(a), 0.06, 0.19 + 0.15 * np.sin(a)), c) for a in np.linspace(0, 2 * np.pi, 10)[:-1]
    ]
    return [ring(0.15, 0.04, (0, 0.04, 0.19), LEAF, np.pi / 2), *berries]


def mask(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A face to hang on the wall."""
    return [
        ellipsoid(0.10, 0.04, 0.16, (0, 0.03, 0.16), c),
        *[ellipsoid(0.022, 0.012, 0.014, (x, 0.064, 0.19), DARK) for x in (-0.04, 0.04)],
        ellipsoid(0.035, 0.012, 0.012, (0, 0.062, 0.09), DARK),
        ellipsoid(0.014, 0.02, 0.035, (0, 0.07, 0.145), shade(c, 0.8)),
    ]


def chess_board(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A board with pieces of two colours."""
    men = [
        turned([(0, 0.024), (0.014, 0.024), (0.006, 0.05), (0.011, 0.062), (0, 0.072)], (x, y, 0), tone)
        for y, tone in ((-0.12, DARK), (0.12, PAPER))
        for x in (-0.12, -0.04, 0.04, 0.12)
    ]
    return [box(0.18, 0.18, 0.012, (0, 0, 0.012), c, material="checkered"), *men]


def basket(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A wicker basket with a handle."""
    wall = [(0, 0), (0.12, 0), (0.155, 0.19), (0.142, 0.19), (0.11, 0.015), (0, 0.015)]
    return [turned(wall, (0, 0, 0), c, material="woven"), ring(0.145, 0.011, (0, 0, 0.19), shade(c, 0.8), np.pi / 2)]


def jewelry_box(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A small chest with a domed lid and a clasp."""
    return [
        box(0.09, 0.06, 0.045, (0, 0, 0.045), c),
        ellipsoid(0.09, 0.06, 0.035, (0, 0, 0.09), shade(c, 1.15)),
        box(0.015, 0.005, 0.018, (0, 0.062, 0.085), (0.9, 0.75, 0.25)),
    ]


def pillow(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A square cushion, leaning."""
    return [main(soft_box(0.21, 0.085, 0.20, (0, 0, 0.18), c, 0.35, "cloth", (0.7, 0.45)))]


def blanket(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A folded blanket."""
    return [
        main(soft_box(0.26, 0.19, 0.026, (0, 0, 0.026), c, 0, "cloth", (0.3, 0.15))),
        main(soft_box(0.25, 0.18, 0.024, (0, 0, 0.072), c, 0, "cloth", (0.3, 0.15))),
    ]


def book(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A closed book, lying."""
    return [
        box(0.085, 0.12, 0.005, (0, 0, 0.005), c),
        box(0.08, 0.115, 0.016, (0.003, 0, 0.026), PAPER),
        box(0.085, 0.12, 0.005, (0, 0, 0.047), c),
        box(0.005, 0.12, 0.026, (-0.085, 0, 0.026), c),
        box(0.05, 0.012, 0.001, (0, 0.05, 0.053), shade(c, 1.6)),
    ]


def stack_of_books(c: RGB, rng: np.random.Generator) -> list[Part]:
    """Several books of one colour in a pile, or standing in a row."""
    parts: list[Part] = []
    if rng.random() < 0.5:
        for i in range(4):
            tone, z = shade(c, 0.8 + 0.13 * i), 0.022 + 0.046 * i
            x = float(rng.uniform(-0.02, 0.02))
            parts += [box(0.12, 0.085, 0.021, (x, 0, z), tone), box(0.121, 0.08, 0.014, (x + 0.004, 0, z), PAPER)]
    else:
        for i in range(5):
            tone, height = shade(c, 0.8 + 0.1 * i), float(rng.uniform(0.1, 0.13))
            parts.append(box(0.018, 0.08, height, (-0.08 + 0.04 * i, 0, height), tone))
    return parts
