"""Poses of a robot's camera in a room."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mdsm_ros.homes.home import Item, Room
from mdsm_ros.homes.views.scene import CameraPose

EYE_HEIGHT = (0.6, 1.6)  # metres
FOVY = (45.0, 66.0)  # degrees, from depth cameras to Matterport3D's views (60)
WALL_MARGIN = 0.25
CLEARANCE = 0.2
DISTANCE = (0.4, 3.6)  # metres from the focus
FILL = (0.07, 1.2)  # approximate fraction of the image that the focus fills
FOCI, PLACES = 5, 24  # numbers of focus items to try, and of camera positions for each
LOOKS = {"object": 0.35, "furniture": 0.55, "fixture": 0.1}  # weights of the focus item's role


def _stands_free(room: Room, x: float, y: float, z: float) -> bool:
    if abs(x) > room.size[0] / 2 - WALL_MARGIN or abs(y) > room.size[1] / 2 - WALL_MARGIN:
        return False
    for item in room.items:
        if (
            item.place in ("wall-side", "floor")
            and item.height > z - 0.35
            and abs(item.position[0] - x) < item.extent[0] + CLEARANCE
            and abs(item.position[1] - y) < item.extent[1] + CLEARANCE
        ):
            return False
    return True


def _choose_focus(room: Room, rng: np.random.Generator) -> Item:
    sorts: dict[str, list[Item]] = {name: [] for name in LOOKS}
    for item in room.items:
        sorts["object" if not item.furniture else "furniture" if item.place == "wall-side" else "fixture"].append(item)
    shares = np.array([share if sorts[name] else 0.0 for name, share in LOOKS.items()])
    pool = sorts[str(rng.choice(list(LOOKS), p=shares / shares.sum()))]
    return pool[int(rng.integers(len(pool)))]


def _distance(item: Item, fovy: float, fill: float) -> float:
    """Returns the distance at which an item fills about a fraction of a 4:3 image, by its broadest side or top half."""
    hx, hy = item.extent
    face = max(4 * np.hypot(hx, hy) * item.height / 2, 2 * hx * hy)
    image = (2 * np.tan(np.deg2rad(fovy) / 2)) ** 2 * 4 / 3  # square metres at a distance of one metre
    return float(np.sqrt(face / (image * fill)))


def sample_pose(room: Room, rng: np.random.Generator) -> CameraPose | None:
    """Draws a robot's view of some item; None if no free position was found."""
    for _ in range(FOCI):
        focus = _choose_focus(room, rng)
        fovy = float(rng.uniform(*FOVY))
        fill = float(np.exp(rng.uniform(*np.log(FILL))))
        distance = float(np.clip(_distance(focus, fovy, fill), *DISTANCE))
        pose = pose_around(room, focus, distance, fovy, rng)
        if pose is not None:
            return pose
    return None


def pose_around(room: Room, focus: Item, distance: float, fovy: float, rng: np.random.Generator) -> CameraPose | None:
    """Draws a robot's view of one item; None if no free position was found.

    Args:
        room: Room of the camera.
        focus: Item at which the camera looks.
        distance: Distance to the item on the floor plan in metres.
        fovy: Vertical field of view of the camera in degrees.
        rng: Random generator that chooses the position.
    """
    for angle in rng.uniform(-np.pi, np.pi, PLACES):  # many, or views of hard-to-reach items would be rare
        x, y = focus.center[0] + distance * np.cos(angle), focus.center[1] + distance * np.sin(angle)
        z = float(rng.uniform(*EYE_HEIGHT))
        if _stands_free(room, float(x), float(y), z):
            target = tuple(float(c + rng.normal(0, 0.1 * distance)) for c in focus.center)
            return CameraPose((float(x), float(y), z), target, fovy)  # type: ignore[arg-type]
    return None


def camera_path(room: Room, rng: np.random.Generator, frames: int) -> Iterator[CameraPose]:
    """Yields poses on a smooth walk between two positions while the camera looks around the room.

    Args:
        room: Room for the walk.
        rng: Random generator that chooses the positions.
        frames: Number of poses.

    Raises:
        ValueError: The room has no free position.
    """
    for _ in range(50):
        start, end = sample_pose(room, rng), sample_pose(room, rng)
        if start is None or end is None:
            continue
        height = (start.position[2] + end.position[2]) / 2
        steps = np.linspace(0, 1, frames)
        eased = (1 - np.cos(np.pi * steps)) / 2
        places = np.outer(1 - eased, start.position) + np.outer(eased, end.position)
        looks = np.outer(1 - eased, start.target) + np.outer(eased, end.target)
        places[:, 2] = height
        gap = np.linalg.norm((looks - places)[:, :2], axis=1)
        if gap.min() > 0.6 and all(_stands_free(room, x, y, height) for x, y, _ in places):
            for place, look in zip(places, looks, strict=True):
                yield CameraPose(tuple(map(float, place)), tuple(map(float, look)), 60.0)  # type: ignore[arg-type]
            return
    raise ValueError(f"room of seed {room.seed} ({room.kind}) has no free path for a camera")
