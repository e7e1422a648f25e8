"""Whether a grasp would hold an exact mesh, and whether the gripper is free of all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray

from mdsm_ros.manipulation.gripper import Gripper

PAD_LENGTH, PAD_WIDTH = 0.02, 0.016  # metres of the fingers, from the tips, that touch an object
PAD_RAYS = (8, 7)  # along and across a pad
SOFT = 0.0015  # metres by which a pad gives way: what is so near to the first contact is touched, too
FRICTION = 0.5  # of rubber on most things; the line between both contacts must lie in both cones


@dataclass(frozen=True)
class GraspPose:
    """A grasp in the room's frame; the axes are those of :mod:`mdsm_ros.manipulation.gripper`.

    Attributes:
        position: Position in metres, (3,).
        axes: Axes in columns, (3, 3).
        opening: Metres.
    """

    position: NDArray[np.float64]
    axes: NDArray[np.float64]
    opening: float


def is_antipodal(grasp: GraspPose, mesh: trimesh.Trimesh) -> bool:
    """Whether the closing fingers touch a mesh on both sides such that it cannot slip.

    Both pads move toward each other until they touch. The contact of a pad is the mean of the places that it touches,
    its normal the mean of their normals; the line between both contacts must lie in both friction cones.
    """
    one, other = (_contact(grasp, mesh, side) for side in (-1.0, 1.0))
    if one is None or other is None:
        return False
    (first, at_first), (second, at_second) = one, other
    line = second - first
    length = float(np.linalg.norm(line))
    if length < 1e-4:
        return False
    least = 1 / np.hypot(1.0, FRICTION)
    return bool(min(-(line @ at_first), line @ at_second) >= least * length)


def _contact(
    grasp: GraspPose, mesh: trimesh.Trimesh, side: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Where the finger on a side (-1, 1) of y touches, and the mesh's normal there."""
    x = np.linspace(-PAD_LENGTH, 0, PAD_RAYS[0])
    z = np.linspace(-PAD_WIDTH / 2, PAD_WIDTH / 2, PAD_RAYS[1])
    local = np.stack(np.meshgrid(x, [side * grasp.opening / 2], z, indexing="ij"), axis=-1).reshape(-1, 3)
    inward = -side * grasp.axes[:, 1]
    starts = grasp.position + local @ grasp.axes.T
    places, rays, faces = mesh.ray.intersects_location(starts, np.tile(inward, (len(starts), 1)), multiple_hits=False)
    if len(places) == 0:
        return None
    depths = (places - starts[rays]) @ inward
    near = depths <= depths.min() + SOFT
    if depths.min() > grasp.opening:
        return None
    normals = mesh.face_normals[faces[near]]
    normals = normals * np.where(normals @ inward > 0, -1.0, 1.0)[:, None]  # some surfaces have no inside
    normal = normals.mean(axis=0)
    return places[near].mean(axis=0), normal / max(float(np.linalg.norm(normal)), 1e-9)


def is_free(grasp: GraspPose, triangles: NDArray[np.float64], gripper: Gripper) -> bool:
    """Whether neither an open finger nor the palm touches one of the triangles (N, 3, 3)."""
    local = (triangles - grasp.position) @ grasp.axes
    bodies = gripper.bodies(np.array([grasp.opening]))[0]
    return not any(touches(local, low, high) for low, high in bodies)


def touches(triangles: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    """Whether one of the triangles (N, 3, 3) touches the box from ``low`` to ``high``.

    Separating axes of Akenine-Möller (2001): those of the box, the triangle's normal, and nine cross products.
    """
    half = (high - low) / 2
    corners = triangles - (high + low) / 2
    apart = (corners.min(axis=1) > half).any(axis=1) | (corners.max(axis=1) < -half).any(axis=1)
    corners = corners[~apart]
    if len(corners) == 0:
        return False
    edges = np.roll(corners, -1, axis=1) - corners  # (N, 3, 3)
    normals = np.cross(edges[:, 0], edges[:, 1])[:, None]
    crossed = np.cross(np.eye(3)[None, :, None], edges[:, None]).reshape(len(edges), 9, 3)
    axes = np.concatenate([normals, crossed], axis=1)
    along = np.einsum("nai,nci->nac", axes, corners)
    reach = np.abs(axes) @ half
    separated = (along.min(axis=2) > reach) | (along.max(axis=2) < -reach)
    return bool((~separated.any(axis=1)).any())
