"""The kinds of things a robot is sent for: their shapes and the places where they are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mdsm_ros.homes.parts import (
    COLORS,
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
    shade,
    sphere,
)

Shape = Callable[[RGB, np.random.Generator], list[Part]]


@dataclass(frozen=True)
class ObjectKind:
    """A kind of object.

    Attributes:
        shape: parts in the main colour given.
        places: any of "surface", "floor", "soft" (bed, sofa), "wall", "under".
        colors: names it comes in.
        verbs: what one asks a robot to do with it, beside fetching it.
    """

    shape: Shape
    places: frozenset[str]
    colors: tuple[str, ...] = tuple(COLORS)
    verbs: tuple[str, ...] = ()
    portable: bool = True


def _mug(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.048, 0.052, (0, 0, 0.052), c),
        cylinder(0.040, 0.002, (0, 0, 0.105), shade(c, 0.35)),
        box(0.022, 0.008, 0.030, (0.064, 0, 0.055), c),
    ]


def _bottle(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.042, 0.095, (0, 0, 0.095), c),
        cylinder(0.016, 0.040, (0, 0, 0.225), shade(c, 0.8)),
        cylinder(0.019, 0.014, (0, 0, 0.275), DARK),
        cylinder(0.043, 0.03, (0, 0, 0.1), PAPER),
    ]


def _bowl(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        ellipsoid(0.105, 0.105, 0.065, (0, 0, 0.065), c),
        cylinder(0.092, 0.006, (0, 0, 0.098), shade(c, 0.5)),
        cylinder(0.05, 0.008, (0, 0, 0.008), c),
    ]


def _book(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.085, 0.12, 0.005, (0, 0, 0.005), c),
        box(0.08, 0.115, 0.016, (0.003, 0, 0.026), PAPER),
        box(0.085, 0.12, 0.005, (0, 0, 0.047), c),
        box(0.005, 0.12, 0.026, (-0.085, 0, 0.026), c),
    ]


def _lamp(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.07, 0.012, (0, 0, 0.012), METAL),
        cylinder(0.012, 0.12, (0, 0, 0.14), METAL),
        cylinder(0.11, 0.075, (0, 0, 0.315), c),
        cylinder(0.085, 0.012, (0, 0, 0.40), shade(c, 1.15)),
    ]


def _radio(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.14, 0.045, 0.08, (0, 0, 0.08), c),
        cylinder(0.045, 0.006, (-0.07, 0.046, 0.085), DARK, np.pi / 2),
        box(0.05, 0.005, 0.022, (0.07, 0.046, 0.11), PAPER),
        cylinder(0.004, 0.10, (0.12, -0.02, 0.25), METAL),
        cylinder(0.014, 0.006, (0.07, 0.048, 0.05), METAL, np.pi / 2),
    ]


def _clock(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.12, 0.018, (0, 0.0, 0.12), c, np.pi / 2),
        cylinder(0.10, 0.003, (0, 0.018, 0.12), PAPER, np.pi / 2),
        box(0.005, 0.003, 0.036, (0, 0.022, 0.15), DARK),
        box(0.032, 0.003, 0.005, (0.03, 0.022, 0.12), DARK),
    ]


def _vase(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        ellipsoid(0.075, 0.075, 0.11, (0, 0, 0.11), c),
        cylinder(0.032, 0.05, (0, 0, 0.23), c),
        cylinder(0.048, 0.008, (0, 0, 0.285), shade(c, 0.8)),
        cylinder(0.045, 0.01, (0, 0, 0.01), c),
    ]


def _box(c: RGB, rng: np.random.Generator) -> list[Part]:
    a, b, h = rng.uniform(0.10, 0.16), rng.uniform(0.09, 0.14), rng.uniform(0.08, 0.13)
    return [box(a, b, h, (0, 0, h), c), box(a + 0.006, b + 0.006, 0.016, (0, 0, 2 * h), shade(c, 0.75))]


def _basket(c: RGB, rng: np.random.Generator) -> list[Part]:
    rings = [
        cylinder(0.13 + 0.008 * i, 0.016, (0, 0, 0.018 + 0.038 * i), shade(c, 1.0 if i % 2 else 0.7)) for i in range(5)
    ]
    return [
        *rings,
        cylinder(0.14, 0.004, (0, 0, 0.19), shade(c, 0.3)),
        box(0.15, 0.01, 0.01, (0, 0, 0.30), c),
        box(0.01, 0.01, 0.06, (0.14, 0, 0.24), c),
        box(0.01, 0.01, 0.06, (-0.14, 0, 0.24), c),
    ]


def _laptop(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.17, 0.115, 0.01, (0, 0, 0.01), c),
        box(0.15, 0.07, 0.002, (0, -0.02, 0.021), DARK),
        box(0.17, 0.008, 0.115, (0, -0.135, 0.13), c, 0.25),
        box(0.155, 0.004, 0.098, (0, -0.127, 0.13), (0.25, 0.4, 0.6), 0.25),
    ]


def _plant(c: RGB, rng: np.random.Generator) -> list[Part]:
    leaves = [
        ellipsoid(
            0.035,
            0.02,
            0.11,
            (0.07 * np.cos(a), 0.07 * np.sin(a), rng.uniform(0.24, 0.32)),
            shade(LEAF, rng.uniform(0.8, 1.3)),
        )
        for a in np.linspace(0, 2 * np.pi, 7)[:-1]
    ]
    return [
        cylinder(0.075, 0.07, (0, 0, 0.07), c),
        cylinder(0.085, 0.014, (0, 0, 0.14), c),
        sphere(0.09, (0, 0, 0.25), LEAF),
        *leaves,
    ]


def _bear(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        ellipsoid(0.085, 0.07, 0.10, (0, 0, 0.10), c),
        sphere(0.07, (0, 0.01, 0.25), c),
        sphere(0.026, (0.055, 0, 0.31), c),
        sphere(0.026, (-0.055, 0, 0.31), c),
        ellipsoid(0.03, 0.03, 0.022, (0, 0.07, 0.235), PAPER),
        ellipsoid(0.035, 0.065, 0.033, (0.06, 0.08, 0.035), c),
        ellipsoid(0.035, 0.065, 0.033, (-0.06, 0.08, 0.035), c),
        ellipsoid(0.028, 0.028, 0.06, (0.10, 0.02, 0.14), c),
        ellipsoid(0.028, 0.028, 0.06, (-0.10, 0.02, 0.14), c),
    ]


def _candle(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.06, 0.01, (0, 0, 0.01), METAL),
        cylinder(0.034, 0.085, (0, 0, 0.105), c),
        ellipsoid(0.010, 0.010, 0.024, (0, 0, 0.215), (1.0, 0.75, 0.2)),
    ]


def _plate(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [cylinder(0.13, 0.009, (0, 0, 0.009), c), cylinder(0.085, 0.003, (0, 0, 0.019), shade(c, 0.75))]


def _teapot(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        ellipsoid(0.095, 0.095, 0.075, (0, 0, 0.075), c),
        cylinder(0.045, 0.010, (0, 0, 0.148), shade(c, 0.7)),
        sphere(0.018, (0, 0, 0.172), shade(c, 0.5)),
        capsule(0.016, 0.05, (0, 0.12, 0.10), c, -0.9),
        box(0.010, 0.028, 0.04, (0, -0.115, 0.085), shade(c, 0.7)),
    ]


def _tissue_box(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [box(0.12, 0.062, 0.045, (0, 0, 0.045), c), ellipsoid(0.05, 0.018, 0.045, (0, 0, 0.10), (0.98, 0.98, 0.98))]


def _toaster(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.15, 0.085, 0.085, (0, 0, 0.10), c),
        box(0.11, 0.012, 0.003, (0, 0.03, 0.186), DARK),
        box(0.11, 0.012, 0.003, (0, -0.03, 0.186), DARK),
        box(0.02, 0.02, 0.012, (0.165, 0, 0.12), DARK),
        box(0.15, 0.085, 0.009, (0, 0, 0.009), DARK),
    ]


def _ball(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [sphere(0.12, (0, 0, 0.12), c), cylinder(0.1205, 0.012, (0, 0, 0.12), shade(c, 0.6), 0.5)]


def _apple(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        ellipsoid(0.052, 0.052, 0.047, (0, 0, 0.047), c),
        cylinder(0.004, 0.014, (0, 0, 0.105), WOOD),
        ellipsoid(0.018, 0.008, 0.004, (0.016, 0, 0.11), LEAF),
    ]


def _jar(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.062, 0.075, (0, 0, 0.075), c),
        cylinder(0.066, 0.018, (0, 0, 0.168), METAL),
        box(0.04, 0.002, 0.03, (0, 0.062, 0.08), PAPER),
    ]


def _globe(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.075, 0.012, (0, 0, 0.012), WOOD),
        cylinder(0.012, 0.04, (0, 0, 0.06), WOOD),
        sphere(0.12, (0, 0, 0.215), c),
        cylinder(0.123, 0.006, (0, 0, 0.215), METAL, 0.4),
    ]


def _trophy(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.05, 0.05, 0.025, (0, 0, 0.025), DARK),
        cylinder(0.014, 0.05, (0, 0, 0.10), c),
        ellipsoid(0.062, 0.062, 0.085, (0, 0, 0.21), c),
        box(0.095, 0.008, 0.012, (0, 0, 0.25), c),
        box(0.095, 0.008, 0.012, (0, 0, 0.19), c),
    ]


def _pillow(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [ellipsoid(0.21, 0.085, 0.16, (0, 0, 0.15), c, 0.35), box(0.14, 0.045, 0.11, (0, 0, 0.15), c, 0.35)]


def _towel(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.13, 0.09, 0.018, (0, 0, 0.018), c),
        box(0.13, 0.088, 0.018, (0, 0, 0.054), shade(c, 0.88)),
        box(0.131, 0.02, 0.038, (0, 0.0, 0.036), shade(c, 1.25)),
    ]


def _hanging_towel(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.16, 0.012, 0.26, (0, 0.03, 0.26), c),
        box(0.161, 0.014, 0.025, (0, 0.03, 0.09), shade(c, 0.6)),
        box(0.19, 0.02, 0.012, (0, 0.015, 0.53), METAL),
    ]


def _blanket(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.26, 0.19, 0.024, (0, 0, 0.024), c),
        box(0.25, 0.18, 0.02, (0, 0, 0.068), shade(c, 0.82)),
        box(0.262, 0.03, 0.046, (0, 0.08, 0.046), shade(c, 1.3)),
    ]


def _hat(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.16, 0.006, (0, 0, 0.006), c),
        ellipsoid(0.095, 0.095, 0.11, (0, 0, 0.02), c),
        cylinder(0.097, 0.014, (0, 0, 0.028), DARK),
    ]


def _stool(c: RGB, rng: np.random.Generator) -> list[Part]:
    legs = [box(0.018, 0.018, 0.20, (x, y, 0.20), WOOD) for x in (-0.12, 0.12) for y in (-0.12, 0.12)]
    return [*legs, cylinder(0.19, 0.03, (0, 0, 0.43), c)]


def _chair(c: RGB, rng: np.random.Generator) -> list[Part]:
    legs = [box(0.02, 0.02, 0.21, (x, y, 0.21), shade(c, 0.7)) for x in (-0.19, 0.19) for y in (-0.19, 0.19)]
    return [*legs, box(0.22, 0.22, 0.025, (0, 0, 0.445), c), box(0.22, 0.02, 0.20, (0, -0.20, 0.72), c)]


def _trash_can(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.14, 0.17, (0, 0, 0.17), c),
        cylinder(0.15, 0.014, (0, 0, 0.345), METAL),
        cylinder(0.12, 0.004, (0, 0, 0.36), DARK),
    ]


def _suitcase(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.20, 0.11, 0.28, (0, 0, 0.31), c),
        box(0.09, 0.015, 0.012, (0, 0, 0.72), DARK),
        box(0.01, 0.012, 0.06, (0.08, 0, 0.65), METAL),
        box(0.01, 0.012, 0.06, (-0.08, 0, 0.65), METAL),
        box(0.202, 0.112, 0.012, (0, 0, 0.42), shade(c, 0.5)),
        box(0.202, 0.112, 0.012, (0, 0, 0.2), shade(c, 0.5)),
        box(0.18, 0.09, 0.015, (0, 0, 0.015), DARK),
    ]


def _bucket(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.11, 0.07, (0, 0, 0.07), c),
        cylinder(0.13, 0.06, (0, 0, 0.18), c),
        cylinder(0.118, 0.003, (0, 0, 0.242), shade(c, 0.3)),
        box(0.005, 0.13, 0.006, (0, 0, 0.31), METAL),
        box(0.005, 0.006, 0.035, (0, 0.125, 0.275), METAL),
        box(0.005, 0.006, 0.035, (0, -0.125, 0.275), METAL),
    ]


def _fan(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        cylinder(0.14, 0.015, (0, 0, 0.015), c),
        cylinder(0.018, 0.22, (0, 0, 0.24), METAL),
        cylinder(0.18, 0.03, (0, 0.02, 0.62), shade(c, 0.7), np.pi / 2),
        cylinder(0.15, 0.006, (0, 0.05, 0.62), PAPER, np.pi / 2),
        sphere(0.05, (0, 0.05, 0.62), c),
        box(0.14, 0.004, 0.02, (0, 0.058, 0.62), c),
        box(0.02, 0.004, 0.14, (0, 0.058, 0.62), c),
    ]


def _backpack(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        ellipsoid(0.16, 0.10, 0.24, (0, 0, 0.24), c),
        box(0.13, 0.08, 0.15, (0, 0, 0.15), c),
        box(0.10, 0.03, 0.07, (0, 0.10, 0.13), shade(c, 0.65)),
        box(0.03, 0.012, 0.03, (0, 0, 0.49), DARK),
    ]


def _picture(c: RGB, rng: np.random.Generator) -> list[Part]:
    a, b = rng.uniform(0.16, 0.30), rng.uniform(0.14, 0.24)
    art = tuple(rng.uniform(0.2, 0.9, 3))
    spots = [
        ellipsoid(
            a * rng.uniform(0.15, 0.4),
            0.004,
            b * rng.uniform(0.15, 0.4),
            (a * rng.uniform(-0.4, 0.4), 0.026, b * (1 + rng.uniform(-0.4, 0.4))),
            tuple(rng.uniform(0.1, 0.95, 3)),
        )
        for _ in range(3)
    ]
    return [box(a, 0.016, b, (0, 0.012, b), c), box(0.82 * a, 0.006, 0.80 * b, (0, 0.024, b), art), *spots]


def _mirror(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        ellipsoid(0.22, 0.02, 0.32, (0, 0.01, 0.32), c),
        ellipsoid(0.18, 0.012, 0.275, (0, 0.022, 0.32), (0.72, 0.82, 0.88)),
    ]


def _shoe(c: RGB, rng: np.random.Generator) -> list[Part]:
    pair: list[Part] = []
    for x in (-0.06, 0.06):
        pair += [
            ellipsoid(0.045, 0.13, 0.045, (x, 0.02, 0.045), c),
            box(0.038, 0.06, 0.05, (x, -0.05, 0.06), c),
            box(0.045, 0.13, 0.010, (x, 0.01, 0.010), PAPER),
        ]
    return pair


def _drawer_box(c: RGB, rng: np.random.Generator) -> list[Part]:
    return [
        box(0.15, 0.11, 0.10, (0, 0, 0.10), shade(c, 0.7)),
        box(0.155, 0.115, 0.03, (0, 0, 0.2), c),
        box(0.03, 0.01, 0.02, (0, 0.12, 0.16), METAL),
    ]


SURFACE, FLOOR = frozenset({"surface"}), frozenset({"floor", "under"})
BOTH = frozenset({"surface", "floor", "under"})
SOFT, WALL = frozenset({"soft"}), frozenset({"wall"})

OBJECTS: dict[str, ObjectKind] = {
    "mug": ObjectKind(_mug, SURFACE, verbs=("fill", "wash")),
    "bottle": ObjectKind(_bottle, SURFACE, verbs=("open", "put away")),
    "bowl": ObjectKind(_bowl, SURFACE, verbs=("wash", "empty")),
    "book": ObjectKind(_book, frozenset({"surface", "soft"}), verbs=("close", "put away")),
    "lamp": ObjectKind(_lamp, SURFACE, verbs=("turn on", "turn off", "dust")),
    "radio": ObjectKind(_radio, SURFACE, verbs=("turn on", "turn off")),
    "clock": ObjectKind(_clock, frozenset({"wall"}), verbs=("wind", "dust"), portable=False),
    "vase": ObjectKind(_vase, SURFACE, verbs=("dust", "rinse")),
    "box": ObjectKind(_box, BOTH, verbs=("open", "empty")),
    "basket": ObjectKind(_basket, BOTH, verbs=("empty",)),
    "laptop": ObjectKind(
        _laptop, SURFACE, ("black", "white", "gray", "blue", "pink", "red"), verbs=("close", "turn on")
    ),
    "plant": ObjectKind(_plant, BOTH, verbs=("water",)),
    "teddy bear": ObjectKind(_bear, frozenset({"surface", "soft", "floor"}), verbs=("put away",)),
    "candle": ObjectKind(_candle, SURFACE, verbs=("light", "blow out")),
    "plate": ObjectKind(_plate, SURFACE, verbs=("wash", "clear")),
    "teapot": ObjectKind(_teapot, SURFACE, verbs=("fill", "empty")),
    "tissue box": ObjectKind(_tissue_box, SURFACE, verbs=("refill",)),
    "toaster": ObjectKind(
        _toaster, SURFACE, ("red", "black", "white", "gray", "blue", "yellow"), verbs=("unplug", "clean")
    ),
    "ball": ObjectKind(_ball, FLOOR, verbs=("put away",)),
    "apple": ObjectKind(_apple, SURFACE, ("red", "green", "yellow"), verbs=("wash",)),
    "jar": ObjectKind(_jar, SURFACE, verbs=("open", "refill")),
    "globe": ObjectKind(_globe, SURFACE, ("blue", "green", "brown", "white", "red"), verbs=("spin", "dust")),
    "trophy": ObjectKind(_trophy, SURFACE, ("yellow", "gray", "orange", "blue"), verbs=("polish", "dust")),
    "pillow": ObjectKind(_pillow, SOFT, verbs=("fluff", "straighten")),
    "towel": ObjectKind(_towel, frozenset({"surface", "soft"}), verbs=("fold", "put away")),
    "hanging towel": ObjectKind(_hanging_towel, WALL, verbs=("replace", "fold")),
    "blanket": ObjectKind(_blanket, SOFT, verbs=("fold",)),
    "hat": ObjectKind(_hat, frozenset({"surface", "soft"}), verbs=("hang up",)),
    "stool": ObjectKind(_stool, frozenset({"floor"}), verbs=("move", "wipe")),
    "chair": ObjectKind(_chair, frozenset({"floor"}), verbs=("push in", "wipe")),
    "trash can": ObjectKind(_trash_can, frozenset({"floor"}), verbs=("empty",)),
    "suitcase": ObjectKind(_suitcase, frozenset({"floor"}), verbs=("unpack", "move")),
    "bucket": ObjectKind(_bucket, FLOOR, verbs=("fill", "empty")),
    "fan": ObjectKind(_fan, frozenset({"floor"}), verbs=("turn on", "turn off")),
    "backpack": ObjectKind(_backpack, frozenset({"floor", "soft"}), verbs=("unpack", "hang up")),
    "picture": ObjectKind(
        _picture,
        WALL,
        ("black", "brown", "white", "red", "blue", "yellow"),
        verbs=("straighten", "dust"),
        portable=False,
    ),
    "mirror": ObjectKind(
        _mirror, WALL, ("black", "brown", "white", "yellow", "red"), verbs=("clean", "wipe"), portable=False
    ),
    "shoes": ObjectKind(_shoe, FLOOR, verbs=("put away", "clean")),
    "jewelry box": ObjectKind(
        _drawer_box, SURFACE, ("brown", "red", "blue", "purple", "pink"), verbs=("open", "close")
    ),
}
"""All object kinds by the noun that names them."""
