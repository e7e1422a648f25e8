"""Adds photographic surfaces, wall pictures and light to a room that is furnished from the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mdsm_ros.homes.furnishing.colors import judge
from mdsm_ros.homes.furnishing.stock import Stock
from mdsm_ros.homes.home import Item, Room
from mdsm_ros.homes.look import Look
from mdsm_ros.homes.shapes.parts import RGB, Part, Photo

FLOOR_SHARE, WALL_SHARE, PICTURE_SHARE = 0.85, 0.6, 0.9  # probability that photographs replace drawn surfaces
COLORED_WALL_SHARE = 0.5  # fraction of the photographic walls that keep the photograph's colours
TINTED_FLOOR_SHARE = 0.35  # fraction of the photographic floors
FLOOR_GROUPS = {"floor": 0.7, "wood": 0.15, "stone": 0.15}
FLOOR_REPEAT, WALL_REPEAT = (0.4, 1.0), (0.35, 0.8)  # repetitions per metre
MATERIALS = {"cloth": ("cloth", 2.0), "wood": ("wood", 0.8), "stone": ("stone", 0.8)}
"""Groups of photographs for drawn materials, and how often one repeats in a metre."""

BARE: RGB = (0.98, 0.98, 0.98)  # tint that keeps a photograph's colours
TINGE = 0.05  # largest difference between the channels of white or gray
EVEN = 0.08  # standard deviation of the pixels of a wall without a pattern
MOODS = {"day": 0.5, "evening": 0.3, "even": 0.2}
EXPOSURE = (0.5, 0.9, 1.0, 1.12, 1.7)  # quantiles at 0, 25, 50, 75 and 100 %: dark evening to overexposed
LIT_SHARE = {"day": 0.25, "evening": 0.9, "even": 0.4}
MOST_LIT = 4  # OpenGL's fixed pipeline has eight lights, including the camera's and the ceiling's
GLOW = 0.45
LAMPS = ("lamp", "light", "chandelier", "lantern", "sconce")


def dress_room(room: Room, stock: Stock, kinds: Mapping[str, frozenset[str]], rng: np.random.Generator) -> Room:
    """Returns the room with a look.

    Args:
        room: Furnished room.
        stock: Stock with the photographs.
        kinds: Categories that could be in the room, see :class:`Look`.
        rng: Random generator.
    """
    mood = str(rng.choice(list(MOODS), p=list(MOODS.values())))
    floor, floor_color = _floor(stock, room, rng)
    wall, colored = _wall(stock, rng)
    materials = {
        material: stock.photo(_pick(stock.textures(group), rng), repeat, gray=True)
        for material, (group, repeat) in MATERIALS.items()
        if stock.textures(group)
    }
    look = Look(
        floor=floor,
        wall=wall,
        materials=materials,
        floor_said="" if floor is not None else room.floor_material,
        mood=mood,
        exposure=float(np.interp(rng.random(), (0, 0.25, 0.5, 0.75, 1), EXPOSURE)),
        kinds=kinds,
    )
    items = _switch_on([_hung(item, stock, rng) for item in room.items], LIT_SHARE[mood], rng)
    room = replace(room, look=look, items=items, floor_color=floor_color)
    if not colored or wall is None:
        return room
    return replace(room, wall=_said_of(wall), wall_color=BARE)


def _pick(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]


def _floor(stock: Stock, room: Room, rng: np.random.Generator) -> tuple[Photo | None, RGB]:
    """Returns the floor's photograph, if any, and its tint: bare for the photograph's own colours."""
    group = str(rng.choice(list(FLOOR_GROUPS), p=list(FLOOR_GROUPS.values())))
    names = stock.textures(group) or stock.textures("floor")
    if not names or rng.random() > FLOOR_SHARE:
        return None, room.floor_color
    repeat = round(float(rng.uniform(*FLOOR_REPEAT)), 2)
    if rng.random() < TINTED_FLOOR_SHARE:
        return stock.photo(_pick(names, rng), repeat, gray=True), room.floor_color
    return stock.photo(_pick(names, rng), repeat), BARE


def _wall(stock: Stock, rng: np.random.Generator) -> tuple[Photo | None, bool]:
    """Returns the walls' photograph, if any, and whether it keeps its own colours."""
    if not stock.textures("wall") or rng.random() > WALL_SHARE:
        return None, False
    name, repeat = _pick(stock.textures("wall"), rng), round(float(rng.uniform(*WALL_REPEAT)), 2)
    colored = bool(rng.random() < COLORED_WALL_SHARE)
    return stock.photo(name, repeat, gray=not colored), colored


def _said_of(wall: Photo) -> str:
    """Returns the colour name of walls with this image; "" for patterns."""
    pixels = wall.pixels.reshape(-1, 3) / 255.0
    name, tinge = judge(pixels[::7]).name, float(np.ptp(pixels.mean(axis=0)))
    if pixels.std(axis=0).max() > EVEN or (name in ("white", "gray") and tinge > TINGE):
        return ""
    return name


def _hung(item: Item, stock: Stock, rng: np.random.Generator) -> Item:
    """Replaces an item's drawn picture by a photograph."""
    if not any((part.material or "").startswith("art:") for part in item.parts):
        return item
    if not stock.pictures or rng.random() > PICTURE_SHARE:
        return item
    photo = stock.pictures[int(rng.integers(len(stock.pictures)))]
    return replace(item, parts=[_with_picture(part, photo) for part in item.parts])


def _with_picture(part: Part, photo: Photo) -> Part:
    return replace(part, photo=photo, color=(1.0, 1.0, 1.0)) if (part.material or "").startswith("art:") else part


def is_lamp(kind: str) -> bool:
    """Whether items of a category are lamps."""
    return kind.rsplit(maxsplit=1)[-1] in LAMPS


def _switch_on(items: list[Item], share: float, rng: np.random.Generator) -> list[Item]:
    """Switches on some lamps; the others are unchanged."""
    result, count = [], 0
    for item in items:
        lit = is_lamp(item.kind) and bool(rng.random() < share) and count < MOST_LIT
        count += lit
        parts = [replace(part, glow=GLOW) for part in item.parts] if lit else item.parts
        result.append(replace(item, lit=lit, parts=parts))
    return result
