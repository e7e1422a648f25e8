"""The contents of each type of room."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RoomKind:
    """A type of room: names of furniture, objects and fixtures, the most typical first, and of floor materials."""

    furniture: tuple[str, ...]
    objects: tuple[str, ...]
    fixtures: tuple[str, ...]
    floors: tuple[str, ...] = ("planks", "parquet", "carpet")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


ROOMS: dict[str, RoomKind] = {
    "bedroom": RoomKind(
        _names("bed, nightstand, nightstand, dresser, wardrobe, armchair, rug, vanity, shelf, bench"),
        _names(
            "pillow, lamp, book, teddy bear, blanket, alarm clock, picture, plant, jewelry box, hat, shoes, "
            "tissue box, suitcase, backpack, candle, mirror, radio, photo, purse, boots, flowers, "
            "stack of books, clock, phone, floor lamp, hanging shirt, laundry basket, remote control, tv, "
            "guitar, vase, trash can, box, basket, towel"
        ),
        _names("window, curtain, ceiling light, door, wall lamp, ceiling fan, light switch, radiator, vent, blinds"),
    ),
    "living room": RoomKind(
        _names("sofa, armchair, coffee table, tv stand, side table, shelf, cabinet, rug, piano, sofa"),
        _names(
            "pillow, lamp, book, radio, vase, plant, picture, clock, mug, candle, globe, trophy, blanket, "
            "basket, ball, teddy bear, box, fan, stool, tv, speaker, remote control, floor lamp, tree, statue, "
            "sculpture, flowers, photo, chess board, stack of books, lantern, candlestick, guitar, phone, "
            "ottoman, toy car, mirror, mask"
        ),
        _names("window, curtain, fireplace, door, chandelier, ceiling light, wall lamp, light switch, thermostat"),
    ),
    "kitchen": RoomKind(
        _names("counter, stove, refrigerator, counter, sink, table, kitchen island, shelf"),
        _names(
            "mug, bottle, bowl, plate, teapot, toaster, apple, jar, stool, chair, trash can, towel, radio, "
            "basket, bucket, clock, plant, kettle, pan, blender, microwave, canister, cutting board, "
            "knife block, paper towel, fruit bowl, wine glass, flowers, soap dispenser, hanging towel, candle, "
            "phone, vacuum cleaner, picture"
        ),
        _names("window, wall cabinet, range hood, wall cabinet, ceiling light, door, light switch, vent, blinds"),
        ("tiles", "tiles", "planks", "stone"),
    ),
    "bathroom": RoomKind(
        _names("sink, toilet, bathtub, cabinet, sink, shelf, rug, bench"),
        _names(
            "towel, hanging towel, bottle, tissue box, mirror, bucket, trash can, candle, jar, basket, plant, "
            "stool, soap dispenser, toilet paper, laundry basket, hat, flowers, vase, picture, lantern, mug, "
            "box, heater, hanging shirt, radio, canister, jewelry box"
        ),
        _names("shower, window, wall lamp, door, ceiling light, vent, light switch, radiator, blinds, wall cabinet"),
        ("tiles", "tiles", "stone"),
    ),
    "office": RoomKind(
        _names("desk, shelf, desk, filing cabinet, cabinet, armchair, table, side table, rug"),
        _names(
            "laptop, book, lamp, mug, globe, trophy, office chair, trash can, backpack, clock, picture, plant, "
            "box, fan, tissue box, radio, bottle, monitor, keyboard, phone, printer, stack of books, photo, "
            "speaker, chair, tree, statue, floor lamp, heater, umbrella, alarm clock, chess board"
        ),
        _names("whiteboard, window, blinds, ceiling light, door, light switch, thermostat, radiator, vent"),
        ("carpet", "planks", "parquet"),
    ),
    "dining room": RoomKind(
        _names("table, cabinet, shelf, counter, rug, side table, bench"),
        _names(
            "plate, bowl, mug, bottle, vase, candle, teapot, chair, chair, apple, picture, clock, plant, "
            "mirror, stool, basket, wine glass, candlestick, fruit bowl, flowers, canister, statue, tree, "
            "lantern, tissue box, pan, paper towel, trophy, wreath, photo"
        ),
        _names("chandelier, window, curtain, door, fireplace, wall lamp, light switch, radiator, thermostat"),
        ("parquet", "planks", "stone"),
    ),
    "laundry room": RoomKind(
        _names("washing machine, dryer, counter, cabinet, shelf, sink, table, bench"),
        _names(
            "towel, hanging towel, basket, bucket, bottle, box, jar, shoes, ball, suitcase, stool, trash can, "
            "fan, hat, laundry basket, hanging shirt, vacuum cleaner, boots, soap dispenser, heater, "
            "paper towel, clock, umbrella, radio, blanket, backpack, canister, toy car"
        ),
        _names("wall cabinet, window, wall cabinet, door, ceiling light, vent, light switch, radiator, blinds"),
        ("tiles", "stone", "planks"),
    ),
    "hallway": RoomKind(
        _names("bench, cabinet, dresser, side table, rug, shelf, wardrobe, armchair"),
        _names(
            "shoes, boots, umbrella, hat, picture, mirror, plant, vase, lamp, purse, backpack, suitcase, "
            "clock, statue, hanging shirt, basket, box, phone, photo, tree, flowers, candle, stool, "
            "floor lamp, wreath, mask, sculpture, vacuum cleaner, ball, trash can, lantern"
        ),
        _names("door, door, wall lamp, wall lamp, ceiling light, light switch, window, chandelier, thermostat, vent"),
        ("stone", "planks", "tiles", "parquet"),
    ),
    "family room": RoomKind(
        _names("sofa, pool table, armchair, tv stand, shelf, side table, rug, piano, table"),
        _names(
            "pillow, tv, speaker, radio, guitar, ball, toy car, teddy bear, book, mug, bottle, chess board, "
            "trophy, picture, clock, lamp, floor lamp, plant, blanket, stool, ottoman, remote control, "
            "wine glass, box, globe, fan, tree, stack of books, photo, basket, candle, mask, trash can"
        ),
        _names("window, curtain, ceiling fan, fireplace, door, wall lamp, light switch, ceiling light, thermostat"),
        ("carpet", "planks", "parquet"),
    ),
    "gym": RoomKind(
        _names("treadmill, bench, treadmill, shelf, cabinet, bench, rug, table"),
        _names(
            "dumbbell, ball, towel, bottle, hanging towel, fan, radio, speaker, mirror, shoes, backpack, "
            "clock, bucket, trash can, stool, tv, hat, box, plant, basket, picture, heater, suitcase, "
            "laundry basket, mug, phone"
        ),
        _names(
            "window, ceiling fan, ceiling light, door, light switch, vent, thermostat, radiator, whiteboard, blinds"
        ),
        ("carpet", "planks", "stone"),
    ),
    "nursery": RoomKind(
        _names("crib, dresser, armchair, rug, shelf, bed, nightstand, bench, table"),
        _names(
            "teddy bear, toy car, ball, book, lamp, blanket, pillow, basket, picture, clock, box, hat, shoes, "
            "plant, backpack, lantern, stack of books, alarm clock, chair, stool, tissue box, bottle, towel, "
            "photo, laundry basket, radio, fan, ottoman, globe, hanging shirt"
        ),
        _names("window, curtain, ceiling light, door, ceiling fan, light switch, wall lamp, radiator, blinds, vent"),
        ("carpet", "planks", "parquet"),
    ),
}
"""Furniture, objects and fixtures found in each kind of room."""
