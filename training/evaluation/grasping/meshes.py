"""The exact meshes of a room, in the room's frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh
from numpy.typing import NDArray

from mdsm_ros.homes.home import Item, Room
from mdsm_ros.homes.shapes.parts import Part
from mdsm_ros.homes.views.shell import shell

SECTIONS = 32  # of round shapes


def item_mesh(item: Item) -> trimesh.Trimesh:
    """The mesh of an item."""
    return body_mesh(item.position, item.yaw, item.parts)


def triangles_near(room: Room, center: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Triangles (N, 3, 3) of everything in a room that may lie within a cube; floor, ceiling and walls are included.

    Args:
        room: Room of the meshes.
        center: Centre of the cube in metres, (3,).
        reach: Half of its side, metres.
    """
    radii = [float(np.linalg.norm((*item.extent, item.height / 2))) for item in room.items]
    near = [
        item_mesh(item).triangles
        for item, radius in zip(room.items, radii, strict=True)
        if np.linalg.norm(np.subtract(item.center, center)) <= radius + 2 * reach
    ]
    triangles = np.concatenate([*near, *(body_mesh(*body).triangles for body in shell(room))])
    away = (triangles.min(axis=1) > center + reach) | (triangles.max(axis=1) < center - reach)
    return np.asarray(triangles[~away.any(axis=1)])


def body_mesh(position: tuple[float, float, float], yaw: float, parts: Sequence[Part]) -> trimesh.Trimesh:
    """The mesh of parts in a body's frame, as MuJoCo places them."""
    mesh = trimesh.util.concatenate([_part_mesh(part) for part in parts])
    place = trimesh.transformations.rotation_matrix(yaw, (0, 0, 1))
    place[:3, 3] = position
    return mesh.apply_transform(place)


def _part_mesh(part: Part) -> trimesh.Trimesh:
    mesh = _shape(part)
    place = trimesh.transformations.rotation_matrix(part.tilt, (1, 0, 0))
    place[:3, 3] = part.position
    return mesh.apply_transform(place)


def _shape(part: Part) -> trimesh.Trimesh:
    if part.mesh is not None:
        return trimesh.Trimesh(part.mesh.vertices, part.mesh.faces, process=False)
    a, b, c = part.size
    if part.shape == "box":
        return trimesh.creation.box((2 * a, 2 * b, 2 * c))
    if part.shape == "cylinder":
        return trimesh.creation.cylinder(a, 2 * b, sections=SECTIONS)
    if part.shape == "capsule":
        capsule = trimesh.creation.capsule(2 * b, a, count=(SECTIONS, SECTIONS))
        return capsule.apply_translation(-capsule.bounds.mean(axis=0))
    radii = (a, a, a) if part.shape == "sphere" else (a, b, c)
    return trimesh.creation.icosphere(3).apply_scale(radii)
