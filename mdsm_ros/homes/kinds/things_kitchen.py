"""Tableware, food and kitchen objects: parts in a main colour, standing on z = 0, front to +y."""

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
    capsule,
    cylinder,
    ellipsoid,
    main,
    ring,
    shade,
    sphere,
    turned,
)


def mug(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A mug with a handle."""
    wall = [(0, 0), (0.042, 0), (0.048, 0.01), (0.048, 0.105), (0.042, 0.105), (0.040, 0.015), (0, 0.012)]
    return [turned(wall, (0, 0, 0), c), ring(0.026, 0.008, (0.056, 0, 0.055), c, np.pi / 2)]


def wine_glass(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A goblet on a stem."""
    shape = [(0, 0), (0.038, 0), (0.036, 0.006), (0.006, 0.012), (0.006, 0.09), (0.03, 0.105), (0.042, 0.14)]
    shape += [(0.036, 0.20), (0.032, 0.20), (0.037, 0.14), (0.02, 0.112), (0, 0.11)]
    return [turned(shape, (0, 0, 0), c)]


def bottle(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A bottle with a label and a dark cap."""
    shape = [(0, 0), (0.04, 0), (0.043, 0.01), (0.043, 0.17), (0.034, 0.20), (0.016, 0.225), (0.015, 0.275), (0, 0.275)]
    return [
        turned(shape, (0, 0, 0), c),
        cylinder(0.019, 0.014, (0, 0, 0.28), DARK),
        cylinder(0.0435, 0.03, (0, 0, 0.1), PAPER),
    ]


def bowl(c: RGB, rng: np.random.Generator) -> list[Part]:
    """An open bowl."""
    shape = [(0, 0), (0.045, 0), (0.05, 0.012), (0.09, 0.05), (0.11, 0.10), (0.104, 0.10), (0.085, 0.055), (0.04, 0.02)]
    return [turned([*shape, (0, 0.018)], (0, 0, 0), c)]


def fruit_bowl(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A wide bowl heaped with fruit."""
    shape = [(0, 0), (0.07, 0), (0.06, 0.015), (0.12, 0.05), (0.15, 0.09), (0.143, 0.09), (0.11, 0.055), (0, 0.03)]
    fruit = [(0.85, 0.12, 0.1), (0.95, 0.5, 0.08), (0.9, 0.78, 0.2), (0.45, 0.7, 0.2), (0.85, 0.12, 0.1)]
    around = [
        sphere(0.042, (0.07 * np.cos(a), 0.07 * np.sin(a), 0.10), tone)
        for a, tone in zip(np.linspace(0, 5, 5), fruit, strict=True)
    ]
    return [turned(shape, (0, 0, 0), c), *around, sphere(0.042, (0, 0, 0.145), fruit[1])]


def plate(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A plate with a sunken middle."""
    shape = [(0, 0), (0.08, 0), (0.13, 0.02), (0.13, 0.025), (0.085, 0.012), (0, 0.010)]
    return [turned(shape, (0, 0, 0), c), cylinder(0.082, 0.002, (0, 0, 0.011), shade(c, 0.8))]


def teapot(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A round pot with spout, lid and handle."""
    shape = [(0, 0), (0.06, 0), (0.095, 0.05), (0.09, 0.10), (0.05, 0.14), (0.045, 0.15), (0.015, 0.165), (0, 0.165)]
    return [
        turned(shape, (0, 0, 0), c),
        sphere(0.016, (0, 0, 0.18), shade(c, 0.5)),
        capsule(0.014, 0.05, (0, 0.115, 0.10), c, -0.9),
        ring(0.042, 0.009, (0, -0.105, 0.085), shade(c, 0.7), np.pi / 2),
    ]


def kettle(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A tall electric kettle on its base."""
    shape = [(0, 0.02), (0.08, 0.02), (0.085, 0.05), (0.06, 0.2), (0.055, 0.215), (0, 0.22)]
    return [
        cylinder(0.085, 0.01, (0, 0, 0.01), DARK),
        turned(shape, (0, 0, 0), c),
        box(0.014, 0.014, 0.075, (0, -0.105, 0.13), DARK),
        box(0.014, 0.03, 0.012, (0, -0.085, 0.2), DARK),
        box(0.016, 0.02, 0.012, (0, 0.065, 0.195), shade(c, 0.8)),
        sphere(0.014, (0, 0, 0.228), DARK),
    ]


def pan(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A frying pan with a long handle."""
    shape = [(0, 0), (0.11, 0), (0.13, 0.045), (0.125, 0.045), (0.105, 0.008), (0, 0.008)]
    return [turned(shape, (0, 0, 0), c), box(0.014, 0.09, 0.009, (0, -0.21, 0.045), DARK)]


def toaster(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A toaster with two slots."""
    return [
        box(0.15, 0.085, 0.085, (0, 0, 0.10), c),
        box(0.11, 0.012, 0.003, (0, 0.03, 0.186), DARK),
        box(0.11, 0.012, 0.003, (0, -0.03, 0.186), DARK),
        box(0.02, 0.02, 0.012, (0.165, 0, 0.12), DARK),
        box(0.15, 0.085, 0.009, (0, 0, 0.009), DARK),
    ]


def blender(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A blender: motor base, jug, lid."""
    jug = [(0, 0.14), (0.045, 0.14), (0.065, 0.32), (0.06, 0.32), (0.042, 0.15), (0, 0.15)]
    return [
        turned([(0, 0), (0.085, 0), (0.08, 0.02), (0.06, 0.13), (0, 0.13)], (0, 0, 0), c),
        cylinder(0.02, 0.006, (0, 0.072, 0.06), METAL, np.pi / 2),
        turned(jug, (0, 0, 0), (0.75, 0.83, 0.86)),
        cylinder(0.066, 0.012, (0, 0, 0.33), DARK),
    ]


def microwave(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A microwave oven."""
    return [
        box(0.25, 0.17, 0.145, (0, 0, 0.15), c),
        box(0.16, 0.006, 0.10, (-0.06, 0.17, 0.15), DARK),
        box(0.01, 0.012, 0.09, (0.115, 0.18, 0.15), METAL),
        box(0.045, 0.006, 0.022, (0.185, 0.17, 0.23), (0.2, 0.5, 0.4)),
        *[cylinder(0.014, 0.008, (0.185, 0.172, 0.17 - 0.05 * i), METAL, np.pi / 2) for i in range(3)],
    ]


def jar(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A storage jar with a metal lid."""
    return [
        turned([(0, 0), (0.058, 0), (0.062, 0.01), (0.062, 0.13), (0.05, 0.15), (0, 0.15)], (0, 0, 0), c),
        cylinder(0.054, 0.016, (0, 0, 0.165), METAL),
        box(0.04, 0.002, 0.03, (0, 0.062, 0.08), PAPER),
    ]


def canister(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A tin with a wooden lid and a knob."""
    return [
        main(turned([(0, 0), (0.075, 0), (0.075, 0.16), (0, 0.16)], (0, 0, 0), c)),
        cylinder(0.079, 0.014, (0, 0, 0.17), WOOD),
        sphere(0.018, (0, 0, 0.198), WOOD),
    ]


def cutting_board(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A board with a handle, leaning back."""
    return [
        box(0.12, 0.011, 0.17, (0, 0, 0.165), c, 0.2, "wood"),
        box(0.022, 0.011, 0.055, (0, -0.045, 0.38), c, 0.2, "wood"),
    ]


def knife_block(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A slanted block with knife handles."""
    handles = [box(0.009, 0.014, 0.045, (x, -0.075, 0.26), DARK, 0.45) for x in (-0.035, 0, 0.035)]
    return [box(0.055, 0.055, 0.11, (0, 0, 0.125), c, 0.45, "wood"), *handles]


def apple(c: RGB, rng: np.random.Generator) -> list[Part]:
    """An apple with stem and leaf."""
    shape = [(0, 0.006), (0.025, 0), (0.05, 0.035), (0.048, 0.07), (0.025, 0.09), (0.006, 0.083), (0, 0.083)]
    return [
        turned(shape, (0, 0, 0), c),
        cylinder(0.004, 0.014, (0, 0, 0.098), WOOD),
        ellipsoid(0.018, 0.008, 0.004, (0.016, 0, 0.105), LEAF),
    ]


def paper_towel(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A roll of paper on a stand."""
    return [
        cylinder(0.075, 0.01, (0, 0, 0.01), METAL),
        turned([(0.018, 0.02), (0.062, 0.02), (0.062, 0.25), (0.018, 0.25)], (0, 0, 0), c),
        cylinder(0.009, 0.15, (0, 0, 0.16), METAL),
        sphere(0.014, (0, 0, 0.31), METAL),
    ]
