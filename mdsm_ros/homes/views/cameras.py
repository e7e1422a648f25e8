"""Where a robot stands and looks in a room."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mdsm_ros.homes.home import Item, Room
from mdsm_ros.homes.views.scene import CameraPose

EYE_HEIGHT = (0.6, 1.6)  # metres
FOVY = (45.0, 66.0)  # degrees, from depth cameras to Matterport3D's views (60)
WALL_MARGIN = 0.25
CLEARANCE = 0.2
DISTANCE = (0.4, 3.6)  # metres from what is looked at
FILL = (0.07, 1.2)  # share of the image that this should fill about
FOCI, PLACES = 5, 24  # how many things to look at are tried, and how many standing places for each
LOOKS = {"object": 0.35, "furniture": 0.55, "fixture": 0.1}  # how often each is looked at


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
    """From where an item fills about a share of a 4:3 image: as if its broadest side were seen, or its top half."""
    hx, hy = item.extent
    face = max(4 * np.hypot(hx, hy) * item.height / 2, 2 * hx * hy)
    image = (2 * np.tan(np.deg2rad(fovy) / 2)) ** 2 * 4 / 3  # square metres at a distance of one metre
    return float(np.sqrt(face / (image * fill)))


def sample_pose(room: Room, rng: np.random.Generator) -> CameraPose | None:
    """A robot's view of some item; None where no free standing place was found."""
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
    """A robot's view of one item; None where no free standing place was found.

    Args:
        room: Room of the camera.
        focus: Approximate point at which it looks.
        distance: Distance to the item on the floor plan in metres.
        fovy: Vertical field of view of the camera in degrees.
        rng: Chooses the place.
    """
    for angle in rng.uniform(-np.pi, np.pi, PLACES):  # many, or views of what is hard to reach would be rare
        x, y = focus.center[0] + distance * np.cos(angle), focus.center[1] + distance * np.sin(angle)
        z = float(rng.uniform(*EYE_HEIGHT))
        if _stands_free(room, float(x), float(y), z):
            target = tuple(float(c + rng.normal(0, 0.1 * distance)) for c in focus.center)
            return CameraPose((float(x), float(y), z), target, fovy)  # type: ignore[arg-type]
    return None


def camera_path(room: Room, rng: np.random.Generator, frames: int) -> Iterator[CameraPose]:
    """A smooth walk between two standing places while the look wanders over the room.

    Args:
        room: Room for the walk.
        rng: Chooses the places.
        frames: Number of poses.

    Raises:
        ValueError: The room has no free standing place.
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
