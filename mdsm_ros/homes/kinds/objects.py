"""The categories of movable objects in a home, and their places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mdsm_ros.homes.kinds import things_decor as decor
from mdsm_ros.homes.kinds import things_floor as floor
from mdsm_ros.homes.kinds import things_kitchen as kitchen
from mdsm_ros.homes.kinds import things_personal as personal
from mdsm_ros.homes.shapes.parts import COLORS, RGB, Part

Shape = Callable[[RGB, np.random.Generator], list[Part]]


@dataclass(frozen=True)
class ObjectKind:
    """A category of objects.

    Attributes:
        shape: Function that makes its parts in a main colour.
        places: Any of "surface", "floor", "soft" (bed, sofa), "wall", "under".
        colors: Names of its possible colours.
        portable: Whether a robot may be asked to bring it.
    """

    shape: Shape
    places: frozenset[str]
    colors: tuple[str, ...] = tuple(COLORS)
    portable: bool = True


SURFACE = frozenset({"surface"})
FLOOR = frozenset({"floor"})
ANYWHERE = frozenset({"surface", "floor", "under"})
SOFT = frozenset({"soft"})
WALL = frozenset({"wall"})

WARM = ("red", "orange", "yellow", "brown", "white", "pink")
WOODEN = ("brown", "black", "white", "gray")
DULL = ("black", "white", "gray", "brown")

OBJECTS: dict[str, ObjectKind] = {
    # tableware, food, kitchen
    "mug": ObjectKind(kitchen.mug, SURFACE),
    "wine glass": ObjectKind(kitchen.wine_glass, SURFACE, ("white", "blue", "green", "red", "purple")),
    "bottle": ObjectKind(kitchen.bottle, SURFACE),
    "bowl": ObjectKind(kitchen.bowl, SURFACE),
    "fruit bowl": ObjectKind(kitchen.fruit_bowl, SURFACE),
    "plate": ObjectKind(kitchen.plate, SURFACE),
    "teapot": ObjectKind(kitchen.teapot, SURFACE),
    "kettle": ObjectKind(kitchen.kettle, SURFACE, ("red", "white", "gray", "black", "blue", "green")),
    "pan": ObjectKind(kitchen.pan, SURFACE, ("black", "gray", "red", "blue", "green", "orange")),
    "toaster": ObjectKind(kitchen.toaster, SURFACE, ("red", "white", "gray", "black", "blue", "green", "yellow")),
    "blender": ObjectKind(kitchen.blender, SURFACE, ("red", "white", "gray", "black", "blue", "green", "orange")),
    "microwave": ObjectKind(kitchen.microwave, SURFACE, ("white", "black", "gray", "red"), portable=False),
    "jar": ObjectKind(kitchen.jar, SURFACE),
    "canister": ObjectKind(kitchen.canister, SURFACE),
    "cutting board": ObjectKind(kitchen.cutting_board, SURFACE, ("brown", "white", "green", "blue", "red")),
    "knife block": ObjectKind(kitchen.knife_block, SURFACE, ("brown", "black", "white", "red")),
    "apple": ObjectKind(kitchen.apple, SURFACE, ("red", "green", "yellow")),
    "paper towel": ObjectKind(kitchen.paper_towel, SURFACE, ("white", "brown", "blue", "green")),
    # decoration
    "lamp": ObjectKind(decor.lamp, SURFACE),
    "floor lamp": ObjectKind(decor.floor_lamp, FLOOR, portable=False),
    "lantern": ObjectKind(decor.lantern, frozenset({"surface", "floor"})),
    "candle": ObjectKind(decor.candle, SURFACE),
    "candlestick": ObjectKind(decor.candlestick, SURFACE, ("yellow", "gray", "black", "white", "brown")),
    "vase": ObjectKind(decor.vase, SURFACE),
    "flowers": ObjectKind(decor.flowers, SURFACE, ("red", "orange", "yellow", "purple", "pink", "white", "blue")),
    "plant": ObjectKind(decor.plant, frozenset({"surface", "floor"})),
    "tree": ObjectKind(decor.tree, FLOOR, portable=False),
    "globe": ObjectKind(decor.globe, SURFACE, ("blue", "green", "brown", "red", "yellow")),
    "trophy": ObjectKind(decor.trophy, SURFACE, ("yellow", "gray", "orange", "blue", "red")),
    "statue": ObjectKind(decor.statue, frozenset({"surface", "floor"}), ("white", "gray", "black", "brown", "green")),
    "sculpture": ObjectKind(decor.sculpture, SURFACE),
    "clock": ObjectKind(decor.clock, WALL, portable=False),
    "alarm clock": ObjectKind(decor.alarm_clock, SURFACE),
    "picture": ObjectKind(decor.picture, WALL),
    "photo": ObjectKind(decor.photo, SURFACE),
    "mirror": ObjectKind(decor.mirror, WALL, portable=False),
    "wreath": ObjectKind(decor.wreath, WALL, ("red", "yellow", "white", "purple", "blue", "orange")),
    "mask": ObjectKind(decor.mask, WALL),
    "chess board": ObjectKind(decor.chess_board, SURFACE, ("brown", "black", "green", "red", "blue")),
    "basket": ObjectKind(decor.basket, ANYWHERE),
    "jewelry box": ObjectKind(decor.jewelry_box, SURFACE),
    "pillow": ObjectKind(decor.pillow, SOFT),
    "blanket": ObjectKind(decor.blanket, frozenset({"soft", "surface"})),
    "book": ObjectKind(decor.book, frozenset({"surface", "soft", "under"})),
    "stack of books": ObjectKind(decor.stack_of_books, frozenset({"surface", "under"})),
    # clothes, bags, toys, bathroom
    "towel": ObjectKind(personal.towel, frozenset({"surface", "soft"})),
    "hanging towel": ObjectKind(personal.hanging_towel, WALL),
    "hanging shirt": ObjectKind(personal.hanging_shirt, WALL),
    "hat": ObjectKind(personal.hat, frozenset({"surface", "soft"})),
    "shoes": ObjectKind(personal.shoes, frozenset({"floor", "under"})),
    "boots": ObjectKind(personal.boots, FLOOR),
    "backpack": ObjectKind(personal.backpack, frozenset({"floor", "soft", "under"})),
    "purse": ObjectKind(personal.purse, frozenset({"surface", "soft", "floor"})),
    "suitcase": ObjectKind(personal.suitcase, FLOOR),
    "umbrella": ObjectKind(personal.umbrella, FLOOR),
    "tissue box": ObjectKind(personal.tissue_box, SURFACE),
    "soap dispenser": ObjectKind(personal.soap_dispenser, SURFACE),
    "toilet paper": ObjectKind(personal.toilet_paper, WALL, ("white", "pink", "blue", "yellow")),
    "teddy bear": ObjectKind(personal.bear, frozenset({"soft", "surface", "floor"})),
    "ball": ObjectKind(personal.ball, frozenset({"floor", "under"})),
    "toy car": ObjectKind(personal.toy_car, frozenset({"floor", "surface", "under"})),
    "guitar": ObjectKind(personal.guitar, FLOOR, (*WARM, "black", "blue")),
    "dumbbell": ObjectKind(personal.dumbbell, frozenset({"floor", "under"})),
    "box": ObjectKind(personal.box_with_lid, ANYWHERE),
    # technical objects and objects on the floor
    "radio": ObjectKind(floor.radio, SURFACE),
    "speaker": ObjectKind(floor.speaker, frozenset({"surface", "floor"}), ("black", "white", "brown", "gray", "red")),
    "laptop": ObjectKind(floor.laptop, SURFACE, ("gray", "black", "white", "blue", "pink", "red")),
    "monitor": ObjectKind(floor.monitor, SURFACE, ("black", "white", "gray"), portable=False),
    "tv": ObjectKind(floor.tv, SURFACE, ("black", "white", "gray"), portable=False),
    "keyboard": ObjectKind(floor.keyboard, SURFACE, ("black", "white", "gray", "pink", "blue")),
    "phone": ObjectKind(floor.phone, SURFACE),
    "remote control": ObjectKind(
        floor.remote_control, frozenset({"surface", "soft"}), ("black", "white", "gray", "blue")
    ),
    "printer": ObjectKind(floor.printer, SURFACE, ("white", "gray", "black", "blue"), portable=False),
    "fan": ObjectKind(floor.fan, frozenset({"surface", "floor"})),
    "heater": ObjectKind(floor.heater, FLOOR, ("white", "gray", "black", "red", "blue")),
    "vacuum cleaner": ObjectKind(floor.vacuum_cleaner, FLOOR),
    "stool": ObjectKind(floor.stool, FLOOR),
    "chair": ObjectKind(floor.chair, FLOOR, (*WARM, "black", "blue", "green", "gray"), portable=False),
    "office chair": ObjectKind(floor.office_chair, FLOOR, ("black", "gray", "blue", "red", "green"), portable=False),
    "ottoman": ObjectKind(floor.ottoman, FLOOR, portable=False),
    "trash can": ObjectKind(floor.trash_can, frozenset({"floor", "under"})),
    "bucket": ObjectKind(floor.bucket, frozenset({"floor", "under"})),
    "laundry basket": ObjectKind(floor.laundry_basket, FLOOR),
}
