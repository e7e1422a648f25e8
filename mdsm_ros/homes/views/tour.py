"""Views from a robot on its way through a home."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import numpy as np

from mdsm_ros.homes.home import Home, Room
from mdsm_ros.homes.views.cameras import camera_path
from mdsm_ros.homes.views.scene import RoomRenderer, View


def tour(
    home: Home, rng: np.random.Generator, *, size: tuple[int, int], frames: int, depth: bool = True
) -> Iterator[tuple[Room, View]]:
    """Yields views of room after room without end: a smooth walk between two positions in each, there and back.

    Args:
        home: Home for the walk.
        rng: Random generator that chooses the paths.
        size: Width and height of the views in pixels.
        frames: Number of views on one path.
        depth: Whether the views have depth.

    Raises:
        ValueError: No room of the home has a free path.
    """
    failed = 0
    for room in cycle(home.rooms):
        try:
            way = list(camera_path(room, rng, frames))
        except ValueError:
            failed += 1
            if failed == len(home.rooms):
                raise ValueError(f"home {home.seed} has no room with a free path for a camera") from None
            continue
        failed = 0
        with RoomRenderer(room, *size) as renderer:
            for pose in (*way, *reversed(way)):
                yield room, renderer.render(pose, depth=depth)
