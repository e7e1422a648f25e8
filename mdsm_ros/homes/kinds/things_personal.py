"""Clothes, bags, toys and bathroom objects: parts in a main colour, standing on z = 0, front to +y."""

from __future__ import annotations

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
    soft_box,
    sphere,
    turned,
)


def towel(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A folded towel."""
    return [
        main(soft_box(0.13, 0.09, 0.02, (0, 0, 0.02), c, 0, "cloth", (0.3, 0.15))),
        main(soft_box(0.13, 0.088, 0.02, (0, 0, 0.058), c, 0, "cloth", (0.3, 0.15))),
        box(0.131, 0.02, 0.04, (0, 0.0, 0.039), shade(c, 1.25)),
    ]


def hanging_towel(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A towel over a rail on the wall."""
    return [
        main(hanging_cloth(0.16, 0.27, 0.03, 2, (0, 0.04, 0.27), c)),
        box(0.2, 0.014, 0.012, (0, 0.035, 0.535), METAL),
        *[box(0.008, 0.03, 0.012, (x, 0.02, 0.535), METAL) for x in (-0.19, 0.19)],
    ]


def hanging_shirt(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A shirt on a hanger on the wall."""
    return [
        main(hanging_cloth(0.17, 0.26, 0.03, 2, (0, 0.045, 0.28), c)),
        *[box(0.05, 0.018, 0.13, (x, 0.045, 0.42), shade(c, 0.92)) for x in (-0.21, 0.21)],
        box(0.2, 0.01, 0.01, (0, 0.045, 0.555), WOOD),
        ring(0.022, 0.005, (0, 0.045, 0.59), METAL, np.pi / 2),
    ]


def hat(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A hat with a brim and a dark band."""
    shape = [(0, 0.004), (0.16, 0), (0.16, 0.008), (0.10, 0.012), (0.095, 0.09), (0.06, 0.12), (0, 0.115)]
    return [turned(shape, (0, 0, 0), c), cylinder(0.1, 0.012, (0, 0, 0.026), DARK)]


def shoes(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A pair of low shoes."""
    parts: list[Part] = []
    for x in (-0.065, 0.065):
        parts += [
            box(0.042, 0.125, 0.012, (x, 0, 0.012), PAPER if c != PAPER else DARK),
            ellipsoid(0.043, 0.085, 0.045, (x, 0.04, 0.04), c),
            ellipsoid(0.042, 0.06, 0.07, (x, -0.06, 0.055), c),
            cylinder(0.03, 0.004, (x, -0.06, 0.12), DARK),
        ]
    return parts


def boots(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A pair of high boots."""
    parts: list[Part] = []
    for x in (-0.07, 0.07):
        parts += [
            ellipsoid(0.046, 0.10, 0.05, (x, 0.04, 0.05), c),
            turned([(0.045, 0.02), (0.05, 0.1), (0.055, 0.3), (0.047, 0.3), (0.04, 0.05), (0, 0.03)], (x, -0.04, 0), c),
            box(0.045, 0.12, 0.01, (x, 0.01, 0.01), DARK),
        ]
    return parts


def backpack(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A rucksack with a front pocket."""
    return [
        main(soft_box(0.16, 0.09, 0.22, (0, 0, 0.22), c, 0, "cloth", (0.4, 0.4))),
        soft_box(0.11, 0.045, 0.10, (0, 0.095, 0.14), shade(c, 0.75), 0, "cloth", (0.4, 0.4)),
        ring(0.035, 0.008, (0, 0, 0.45), DARK, np.pi / 2),
        box(0.10, 0.003, 0.006, (0, 0.142, 0.2), METAL),
    ]


def purse(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A handbag with a hoop handle and a clasp."""
    return [
        main(soft_box(0.15, 0.06, 0.10, (0, 0, 0.10), c, 0, "leather", (0.3, 0.3))),
        ring(0.08, 0.009, (0, 0, 0.21), shade(c, 0.6), np.pi / 2),
        box(0.022, 0.006, 0.018, (0, 0.06, 0.15), (0.9, 0.75, 0.25)),
    ]


def suitcase(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A suitcase on wheels with its handle out."""
    ribs = [box(0.012, 0.004, 0.24, (x, 0.112, 0.33), shade(c, 0.7)) for x in (-0.12, -0.04, 0.04, 0.12)]
    wheels = [sphere(0.025, (x, y, 0.025), DARK) for x in (-0.15, 0.15) for y in (-0.07, 0.07)]
    poles = [box(0.008, 0.008, 0.1, (x, -0.08, 0.70), METAL) for x in (-0.08, 0.08)]
    return [
        soft_box(0.21, 0.112, 0.28, (0, 0, 0.33), c, squareness=(0.2, 0.2)),
        *ribs,
        *wheels,
        *poles,
        box(0.09, 0.014, 0.014, (0, -0.08, 0.80), DARK),
    ]


def umbrella(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A closed umbrella in a stand."""
    return [
        turned([(0, 0), (0.10, 0), (0.09, 0.22), (0.082, 0.22), (0.09, 0.02), (0, 0.02)], (0, 0, 0), METAL),
        turned([(0, 0.05), (0.02, 0.06), (0.05, 0.5), (0.012, 0.6), (0, 0.6)], (0, 0, 0), c),
        cylinder(0.008, 0.09, (0, 0, 0.68), DARK),
        ring(0.035, 0.009, (0.035, 0, 0.77), WOOD, np.pi / 2),
    ]


def tissue_box(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A box with a tissue sticking out."""
    return [
        main(box(0.12, 0.062, 0.045, (0, 0, 0.045), c)),
        ellipsoid(0.05, 0.018, 0.045, (0, 0, 0.10), (0.98, 0.98, 0.98)),
    ]


def soap_dispenser(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A pump bottle."""
    return [
        turned([(0, 0), (0.04, 0), (0.042, 0.02), (0.042, 0.11), (0.015, 0.135), (0, 0.135)], (0, 0, 0), c),
        cylinder(0.008, 0.025, (0, 0, 0.155), METAL),
        box(0.012, 0.03, 0.008, (0, 0.02, 0.185), METAL),
    ]


def toilet_paper(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A roll of toilet paper on a holder on the wall."""
    return [
        box(0.035, 0.006, 0.035, (0, 0.006, 0.055), METAL),
        cylinder(0.008, 0.045, (0, 0.05, 0.055), METAL, np.pi / 2),
        turned([(0.018, -0.05), (0.055, -0.05), (0.055, 0.05), (0.018, 0.05)], (0, 0.065, 0.055), c, np.pi / 2),
        box(0.05, 0.002, 0.04, (0, 0.118, 0.04), c),
    ]


def bear(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A sitting teddy bear."""
    return [
        ellipsoid(0.085, 0.07, 0.10, (0, 0, 0.10), c),
        sphere(0.07, (0, 0.01, 0.25), c),
        *[sphere(0.026, (x, 0, 0.31), c) for x in (-0.055, 0.055)],
        ellipsoid(0.03, 0.03, 0.022, (0, 0.07, 0.235), PAPER),
        *[sphere(0.009, (x, 0.072, 0.27), DARK) for x in (-0.025, 0.025)],
        *[ellipsoid(0.035, 0.065, 0.033, (x, 0.08, 0.035), c) for x in (-0.06, 0.06)],
        *[ellipsoid(0.028, 0.028, 0.06, (x, 0.02, 0.14), c) for x in (-0.10, 0.10)],
    ]


def ball(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A ball with a stripe."""
    return [sphere(0.12, (0, 0, 0.12), c), cylinder(0.1205, 0.012, (0, 0, 0.12), shade(c, 0.6), 0.5)]


def toy_car(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A toy car."""
    wheels = [cylinder(0.03, 0.012, (x, y, 0.03), DARK, np.pi / 2) for x in (-0.075, 0.075) for y in (-0.062, 0.062)]
    return [
        soft_box(0.13, 0.06, 0.032, (0, 0, 0.06), c),
        soft_box(0.065, 0.052, 0.032, (-0.01, 0, 0.105), (0.55, 0.7, 0.8)),
        box(0.05, 0.045, 0.006, (-0.01, 0, 0.137), c),
        *wheels,
    ]


def guitar(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A guitar that leans on its stand."""
    tilt = 0.15
    return [
        ellipsoid(0.19, 0.045, 0.2, (0, 0.0, 0.22), c, tilt),
        ellipsoid(0.145, 0.045, 0.16, (0, -0.03, 0.44), c, tilt),
        cylinder(0.05, 0.006, (0, 0.028, 0.36), DARK, np.pi / 2 + tilt),
        box(0.022, 0.012, 0.26, (0, -0.06, 0.78), DARK, tilt),
        box(0.036, 0.012, 0.065, (0, -0.105, 1.08), c, tilt),
        box(0.12, 0.09, 0.012, (0, -0.05, 0.012), DARK),
    ]


def dumbbell(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A dumbbell."""
    ends = [soft_box(0.045, 0.055, 0.055, (x, 0, 0.055), c, squareness=(0.5, 0.5)) for x in (-0.1, 0.1)]
    return [*ends, box(0.09, 0.015, 0.015, (0, 0, 0.055), METAL)]


def box_with_lid(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A carton with a lid."""
    a, b, h = (float(rng.uniform(*r)) for r in ((0.10, 0.16), (0.09, 0.14), (0.08, 0.13)))
    return [
        main(box(a, b, h, (0, 0, h), c)),
        box(a + 0.006, b + 0.006, 0.016, (0, 0, 2 * h), shade(c, 0.75)),
        box(0.03, 0.002, 0.018, (0, b + 0.001, h), PAPER),
    ]
