"""Simulated frames, each of one object that a robot may be asked to grasp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.geometry import Camera
from mdsm_ros.homes.furnishing.stock import StockOptions, open_stock
from mdsm_ros.homes.home import Room
from mdsm_ros.homes.layout import build_home
from mdsm_ros.homes.views.cameras import FOVY, pose_around
from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer, View
from mdsm_ros.manipulation.box import OrientedBox
from mdsm_ros.manipulation.gripper import Gripper
from training.evaluation.grasping.boxes import exact_box
from training.evaluation.grasping.meshes import item_mesh

SIZE = (640, 480)
PLACES = ("surface", "floor")  # tables, cupboards and shelves; the floor
LONGEST = 0.4  # metres: what is longer is lifted with two hands
DISTANCE = (0.5, 1.2)  # metres on the floor plan: a little beyond a mobile manipulator's reach
LEAST_PIXELS = 400
MOST_HIDDEN = 0.3  # of the silhouette
PER_ROOM = 3
PLAY, LOWEST = 0.01, 0.02  # metres: what fits the gripper leaves so much of its opening, and is so high


@dataclass(frozen=True)
class GraspFrame:
    """One view of a room with an object to grasp in it.

    Attributes:
        item: Index of the object in the room's items.
        box: Exact box of the object in the room's frame.
        mask: Visible pixels of the object, (H, W).
        depth: Exact depth in metres, (H, W).
        camera: Intrinsics in pixels.
        pose: Pose of the camera.
        hidden: Fraction of its silhouette that other things hide.
        view: Its image; None where none was asked for.
    """

    room: Room
    item: int
    box: OrientedBox
    mask: NDArray[np.bool_]
    depth: NDArray[np.float32]
    camera: Camera
    pose: CameraPose
    hidden: float
    view: View | None = None

    def to_room(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rotation (3, 3) and translation (3,) from the camera's optical frame to the room's."""
        return self.pose.axes() * (1.0, -1.0, -1.0), np.asarray(self.pose.position)


def graspable(room: Room) -> dict[int, OrientedBox]:
    """The objects that one hand can pick up, with their boxes: not too long, on a surface or the floor."""
    loose = [i for i, item in enumerate(room.items) if not item.furniture and item.place in PLACES]
    boxes = {i: exact_box(item_mesh(room.items[i]).vertices) for i in loose}
    return {i: box for i, box in boxes.items() if box.size.max() <= LONGEST}


def fits(box: OrientedBox, gripper: Gripper) -> bool:
    """Whether an object goes between the fingers: by the shorter level side of its box, and it is not too flat."""
    return bool(box.size[1] <= gripper.max_width - PLAY and box.size[2] >= LOWEST)


def home_frames(seed: int, stock: StockOptions | None, pictures: bool = False) -> Iterator[GraspFrame]:
    """Frames of the home of one seed, at most three in a room; the same for the same seed.

    Args:
        seed: of the home.
        stock: library of models that furnishes it.
        pictures: whether the frames have pictures, which take most of the time.
    """
    rng = np.random.default_rng((seed, 4))
    for room in build_home(seed, None if stock is None else open_stock(stock)).rooms:
        candidates = graspable(room)
        if candidates:
            yield from _room_frames(room, candidates, rng, pictures)


def _room_frames(
    room: Room, candidates: dict[int, OrientedBox], rng: np.random.Generator, pictures: bool
) -> Iterator[GraspFrame]:
    found = 0
    with RoomRenderer(room, *SIZE) as renderer:
        for index in rng.permutation(list(candidates)):
            distance, fovy = float(rng.uniform(*DISTANCE)), float(rng.uniform(*FOVY))
            pose = pose_around(room, room.items[index], distance, fovy, rng)
            frame = None if pose is None else _frame(renderer, pose, int(index), candidates[index])
            if frame is not None:
                yield replace(frame, view=renderer.render(frame.pose)) if pictures else frame
                found += 1
            if found == PER_ROOM:
                return


def _frame(renderer: RoomRenderer, pose: CameraPose, index: int, box: OrientedBox) -> GraspFrame | None:
    """The frame of a pose; None where the object is hidden, too small, or not whole in the picture."""
    silhouette = renderer.alone(pose, index)
    inside = silhouette.copy()
    inside[1:-1, 1:-1] = False
    if silhouette.sum() < LEAST_PIXELS or inside.any():
        return None
    mask = renderer.items(pose) == index
    hidden = 1.0 - float(mask.sum() / silhouette.sum())
    if mask.sum() < LEAST_PIXELS or hidden > MOST_HIDDEN:
        return None
    depth = renderer.depth(pose)
    return GraspFrame(renderer.room, index, box, mask, depth, renderer.intrinsics(pose), pose, hidden)
