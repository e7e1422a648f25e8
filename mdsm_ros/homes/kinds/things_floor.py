"""Technical objects and objects on the floor: parts in a main colour, standing on z = 0, front to +y."""

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
    capsule,
    cylinder,
    ellipsoid,
    main,
    ring,
    shade,
    soft_box,
    sphere,
    turned,
)

SCREEN: RGB = (0.16, 0.2, 0.26)


def radio(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A portable radio with an aerial."""
    return [
        soft_box(0.14, 0.045, 0.08, (0, 0, 0.08), c, squareness=(0.2, 0.2)),
        cylinder(0.045, 0.006, (-0.07, 0.046, 0.085), DARK, np.pi / 2),
        box(0.05, 0.005, 0.022, (0.07, 0.046, 0.11), PAPER),
        cylinder(0.004, 0.10, (0.12, -0.02, 0.25), METAL),
        cylinder(0.014, 0.006, (0.07, 0.048, 0.05), METAL, np.pi / 2),
    ]


def speaker(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A loudspeaker with two cones."""
    return [
        box(0.09, 0.08, 0.17, (0, 0, 0.17), c),
        cylinder(0.065, 0.006, (0, 0.08, 0.12), DARK, np.pi / 2),
        cylinder(0.03, 0.008, (0, 0.08, 0.12), METAL, np.pi / 2),
        cylinder(0.035, 0.006, (0, 0.08, 0.26), DARK, np.pi / 2),
    ]


def laptop(c: RGB, rng: np.random.Generator) -> list[Part]:
    """An open laptop."""
    return [
        box(0.17, 0.115, 0.01, (0, 0, 0.01), c),
        box(0.15, 0.07, 0.002, (0, -0.02, 0.021), DARK),
        box(0.17, 0.008, 0.115, (0, -0.135, 0.13), c, 0.25),
        box(0.155, 0.004, 0.098, (0, -0.127, 0.13), (0.25, 0.4, 0.6), 0.25),
    ]


def monitor(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A computer monitor on a foot."""
    return [
        box(0.11, 0.08, 0.008, (0, 0, 0.008), c),
        box(0.02, 0.015, 0.08, (0, -0.02, 0.09), c),
        box(0.27, 0.018, 0.165, (0, 0, 0.32), c),
        box(0.255, 0.002, 0.15, (0, 0.019, 0.322), SCREEN),
    ]


def tv(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A flat television on two feet."""
    return [
        *[box(0.02, 0.1, 0.01, (x, 0, 0.01), DARK) for x in (-0.3, 0.3)],
        *[box(0.012, 0.015, 0.04, (x, 0, 0.05), DARK) for x in (-0.3, 0.3)],
        box(0.5, 0.025, 0.29, (0, 0, 0.36), c),
        box(0.485, 0.003, 0.272, (0, 0.026, 0.362), SCREEN),
    ]


def keyboard(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A computer keyboard with rows of keys."""
    rows = [box(0.19, 0.011, 0.004, (0, 0.045 - 0.03 * i, 0.019), shade(c, 0.6)) for i in range(4)]
    return [box(0.21, 0.07, 0.008, (0, 0, 0.008), c), *rows]


def phone(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A desk telephone with its receiver."""
    keys = [box(0.012, 0.012, 0.004, (x, y, 0.052), PAPER, -0.2) for x in (-0.01, 0.02, 0.05) for y in (-0.02, 0.015)]
    return [
        soft_box(0.10, 0.085, 0.03, (0, 0, 0.03), c, squareness=(0.3, 0.3)),
        *keys,
        soft_box(0.024, 0.095, 0.016, (-0.06, 0, 0.078), shade(c, 0.75)),
        *[sphere(0.026, (-0.06, y, 0.066), shade(c, 0.75)) for y in (-0.075, 0.075)],
    ]


def remote_control(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A remote control with buttons."""
    dots = [cylinder(0.007, 0.003, (x, y, 0.026), PAPER) for x in (-0.012, 0.012) for y in (-0.05, -0.02, 0.01, 0.04)]
    return [soft_box(0.03, 0.10, 0.013, (0, 0, 0.013), c, squareness=(0.3, 0.3)), *dots]


def printer(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A printer with paper in its tray."""
    return [
        box(0.22, 0.16, 0.08, (0, 0, 0.09), c),
        box(0.17, 0.005, 0.018, (0, 0.16, 0.07), DARK),
        box(0.14, 0.06, 0.004, (0, 0.2, 0.06), PAPER),
        box(0.14, 0.005, 0.09, (0, -0.14, 0.24), PAPER, 0.3),
        box(0.06, 0.03, 0.004, (0.13, 0.1, 0.172), SCREEN),
    ]


def fan(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A table fan."""
    blades = [
        ellipsoid(0.03, 0.006, 0.06, (0.05 * np.cos(a), 0.03, 0.33 + 0.05 * np.sin(a)), c) for a in (0.5, 2.6, 4.7)
    ]
    return [
        turned([(0, 0), (0.09, 0), (0.08, 0.02), (0.014, 0.03), (0.014, 0.25), (0, 0.25)], (0, 0, 0), c),
        cylinder(0.03, 0.05, (0, -0.02, 0.33), DARK, np.pi / 2),
        ring(0.13, 0.009, (0, 0.03, 0.33), c, np.pi / 2),
        ring(0.085, 0.004, (0, 0.05, 0.33), METAL, np.pi / 2),
        *blades,
    ]


def heater(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A small heater with a glowing grille."""
    bars = [box(0.14, 0.004, 0.008, (0, 0.082, 0.10 + 0.06 * i), (0.95, 0.35, 0.1)) for i in range(4)]
    return [
        soft_box(0.18, 0.08, 0.19, (0, 0, 0.21), c, squareness=(0.2, 0.2)),
        box(0.155, 0.004, 0.13, (0, 0.078, 0.19), DARK),
        *bars,
        *[box(0.03, 0.1, 0.012, (x, 0, 0.012), DARK) for x in (-0.12, 0.12)],
    ]


def vacuum_cleaner(c: RGB, rng: np.random.Generator) -> list[Part]:
    """An upright vacuum cleaner."""
    return [
        soft_box(0.16, 0.12, 0.05, (0, 0.08, 0.05), c, squareness=(0.3, 0.3)),
        capsule(0.085, 0.17, (0, -0.03, 0.34), c, 0.15),
        cylinder(0.014, 0.28, (0, -0.13, 0.82), METAL, 0.15),
        ring(0.045, 0.012, (0, -0.18, 1.12), DARK, np.pi / 2 - 0.4),
        *[cylinder(0.05, 0.015, (x, -0.05, 0.05), DARK, 0) for x in (-0.12, 0.12)],
    ]


def stool(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A round stool on four legs."""
    legs = [box(0.018, 0.018, 0.20, (x, y, 0.20), WOOD) for x in (-0.12, 0.12) for y in (-0.12, 0.12)]
    return [*legs, turned([(0, 0.4), (0.19, 0.4), (0.2, 0.43), (0.18, 0.46), (0, 0.465)], (0, 0, 0), c)]


def chair(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A chair with a straight back."""
    legs = [box(0.02, 0.02, 0.21, (x, y, 0.21), shade(c, 0.7)) for x in (-0.19, 0.19) for y in (-0.19, 0.19)]
    posts = [box(0.02, 0.02, 0.25, (x, -0.19, 0.69), shade(c, 0.7)) for x in (-0.19, 0.19)]
    seat = box(0.22, 0.22, 0.025, (0, 0, 0.445), c)
    if rng.random() < 0.5:
        back = [box(0.18, 0.014, 0.035, (0, -0.19, 0.62 + 0.12 * i), c) for i in range(3)]
    else:
        back = [box(0.18, 0.014, 0.17, (0, -0.19, 0.74), c)]
    return [*legs, *posts, seat, *back]


def office_chair(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A swivel chair on five castors."""
    feet = np.linspace(0, 2 * np.pi, 6)[:-1]
    castors = [sphere(0.03, (0.24 * np.cos(a), 0.24 * np.sin(a), 0.03), DARK) for a in feet]
    arms = [capsule(0.018, 0.10, (0.12 * np.cos(a), 0.12 * np.sin(a), 0.07), METAL, np.pi / 2) for a in (feet[1],)]
    return [
        *castors,
        *arms,
        turned([(0, 0.05), (0.25, 0.055), (0.05, 0.09), (0, 0.09)], (0, 0, 0), METAL),
        cylinder(0.025, 0.17, (0, 0, 0.25), METAL),
        soft_box(0.23, 0.22, 0.05, (0, 0, 0.47), c, 0, "cloth"),
        soft_box(0.2, 0.04, 0.26, (0, -0.21, 0.82), c, 0.08, "cloth"),
        *[box(0.02, 0.13, 0.014, (x, -0.02, 0.66), DARK) for x in (-0.25, 0.25)],
        *[box(0.012, 0.014, 0.08, (x, -0.02, 0.58), METAL) for x in (-0.25, 0.25)],
    ]


def ottoman(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A low upholstered cube."""
    feet = [sphere(0.03, (x, y, 0.03), WOOD) for x in (-0.2, 0.2) for y in (-0.17, 0.17)]
    return [*feet, main(soft_box(0.27, 0.23, 0.17, (0, 0, 0.21), c, 0, "cloth", (0.25, 0.2)))]


def trash_can(c: RGB, rng: np.random.Generator) -> list[Part]:
    """An open bin with a metal rim."""
    wall = [(0, 0), (0.12, 0), (0.15, 0.35), (0.138, 0.35), (0.11, 0.02), (0, 0.02)]
    return [turned(wall, (0, 0, 0), c), ring(0.147, 0.008, (0, 0, 0.35), METAL)]


def bucket(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A bucket with its handle up."""
    wall = [(0, 0), (0.095, 0), (0.13, 0.23), (0.12, 0.23), (0.085, 0.012), (0, 0.012)]
    return [turned(wall, (0, 0, 0), c), ring(0.125, 0.006, (0, 0, 0.23), METAL, np.pi / 2)]


def laundry_basket(c: RGB, rng: np.random.Generator) -> list[Part]:
    """A tall woven hamper with linen showing."""
    wall = [(0, 0), (0.2, 0), (0.22, 0.5), (0.205, 0.5), (0.18, 0.03), (0, 0.03)]
    return [
        turned(wall, (0, 0, 0), c, material="woven"),
        *[ellipsoid(0.11, 0.1, 0.06, (x, y, 0.5), (0.93, 0.93, 0.9)) for x, y in ((-0.08, 0.03), (0.08, -0.03))],
    ]
