"""Floor, ceiling and walls of a room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mdsm_ros.homes.home import WALL_HEIGHT, Room
from mdsm_ros.homes.shapes.parts import RGB, Part, box, shade

CEILING: RGB = (0.95, 0.95, 0.94)
TRIM: RGB = (0.94, 0.93, 0.90)
THICKNESS = 0.05  # half of a wall's, metres


def shell(room: Room) -> Iterator[tuple[tuple[float, float, float], float, list[Part]]]:
    """Yields position, yaw and parts of floor, ceiling and walls.

    A wall's frame has x along the wall, y into the room and z up; its parts are rotated so that their texture is in the
    plane of the wall.
    """
    hx, hy = room.size[0] / 2, room.size[1] / 2
    floor_photo, wall_photo = (None, None) if room.look is None else (room.look.floor, room.look.wall)
    floor, ceiling = -THICKNESS, WALL_HEIGHT + THICKNESS
    ground = box(hx, hy, THICKNESS, (0, 0, 0), room.floor_color, material=room.floor_material)
    yield (0.0, 0.0, floor), 0.0, [replace(ground, photo=floor_photo)]
    yield (0.0, 0.0, ceiling), 0.0, [box(hx, hy, THICKNESS, (0, 0, 0), CEILING, material="plaster")]
    for side, (x, y) in enumerate(((0.0, -hy), (hx, 0.0), (0.0, hy), (-hx, 0.0))):
        half = hx if side % 2 == 0 else hy
        middle = WALL_HEIGHT / 2
        trim = TRIM if room.wall_material != "bricks" else shade(room.wall_color, 0.8)
        face = box(half, middle, THICKNESS, (0, -THICKNESS, middle), room.wall_color, np.pi / 2, room.wall_material)
        parts = [
            replace(face, photo=wall_photo),
            box(half, 0.008, 0.05, (0, 0.004, 0.05), trim),
            box(half, 0.02, 0.025, (0, 0.01, WALL_HEIGHT - 0.025), trim),
        ]
        yield (x, y, 0.0), (0.0, np.pi / 2, np.pi, -np.pi / 2)[side], parts
