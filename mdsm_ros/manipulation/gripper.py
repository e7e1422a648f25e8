"""A parallel gripper as boxes, and their collisions.

The frame of a grasp: its origin lies between the fingertips, x is the approach (out of the palm), y the direction in
which the fingers close, z = x cross y. GPD (grasp pose detection) uses the same frame. MoveIt's Panda and many other
hands approach along z: rotate by 90 degrees about y for these.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import ParameterError
from mdsm_ros.manipulation.cloud import Cloud

MOST_HITS = 1  # single points are noise
PAD_LENGTH = 0.02  # metres of a finger, from its tip, that can touch an object
SOFT = 0.003  # metres that a pad deforms, and the addition for the surface's noise
LEAST_CONTACTS = 3  # fewest points for judging a pad's contact
UNKNOWN_HOLD = 0.6  # assumed quality of a contact that cannot be judged


@dataclass(frozen=True)
class Gripper:
    """The sizes of a two-finger gripper in metres; the defaults are similar to a Robotiq 2F-85.

    Attributes:
        max_width: Largest opening between the fingers.
        finger_length: Length of a finger from the palm to the tip.
        finger_thickness: Thickness of one finger along the closing direction.
        finger_width: Width of one finger across the closing direction.
        palm_length: Length of the palm from its face backward, as far as it may hit obstacles.
        palm_breadth: Size of the palm along the closing direction.
        palm_width: Size of the palm across the closing direction.
        clearance: Distance of an open finger from a visible surface of the object, if the opening allows it.
        hidden_clearance: Distance from the completed far side, which is less certain.
        friction: Friction coefficient between the fingers and an object.
    """

    max_width: float = 0.085
    finger_length: float = 0.05
    finger_thickness: float = 0.012
    finger_width: float = 0.022
    palm_length: float = 0.06
    palm_breadth: float = 0.13
    palm_width: float = 0.07
    clearance: float = 0.008
    hidden_clearance: float = 0.016
    friction: float = 0.4

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise ParameterError(f"gripper {name} is {value}, expected a number above 0")

    @property
    def least_cosine(self) -> float:
        """The cosine of the largest angle between a normal and the line between two contacts that do not slip."""
        return float(1 / np.hypot(1.0, self.friction))

    def bodies(self, opening: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lowest and highest corners (N, 3, 2, 3) of both fingers and the palm at openings (N,), in the grasp's frame.

        The palm is at least as broad as the open fingers.
        """
        length, half_width = self.finger_length, self.finger_width / 2
        inner, outer = opening / 2, opening / 2 + self.finger_thickness
        breadth = np.maximum(outer, self.palm_breadth / 2)
        result = np.empty((len(opening), 3, 2, 3))
        result[:, :2, 0, 0], result[:, :2, 1, 0] = -length, 0.0
        result[:, :2, 0, 2], result[:, :2, 1, 2] = -half_width, half_width
        result[:, 0, 0, 1], result[:, 0, 1, 1] = inner, outer
        result[:, 1, 0, 1], result[:, 1, 1, 1] = -outer, -inner
        result[:, 2, 0, 0], result[:, 2, 1, 0] = -length - self.palm_length, -length
        result[:, 2, 0, 1], result[:, 2, 1, 1] = -breadth, breadth
        result[:, 2, 0, 2], result[:, 2, 1, 2] = -self.palm_width / 2, self.palm_width / 2
        return result


def samples(bodies: NDArray[np.float64], steps: tuple[int, int, int] = (3, 2, 2)) -> NDArray[np.float64]:
    """Points (N, P, 3) on a grid in bodies given by their corners (N, B, 2, 3)."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, count) for count in steps], indexing="ij"), -1).reshape(-1, 3)
    low, high = bodies[:, :, None, 0], bodies[:, :, None, 1]
    return np.asarray((low + grid * (high - low)).reshape(len(bodies), -1, 3))


def hits(
    bodies: NDArray[np.float64],
    margin: float,
    positions: NDArray[np.float64],
    axes: NDArray[np.float64],
    points: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Marks the grasps (N,) with more than one point inside a body.

    Args:
        bodies: Corners of the bodies in the grasps' frames, (N, B, 2, 3).
        margin: Metres by which the bodies are enlarged.
        positions: Positions of the grasps, (N, 3).
        axes: Axes of the grasps in columns, (N, 3, 3).
        points: Points of obstacles, (M, 3).
    """
    local = _in_frames(points, positions, axes)[:, None]  # (N, 1, M, 3)
    low, high = bodies[:, :, None, 0] - margin, bodies[:, :, None, 1] + margin
    inside = ((local >= low) & (local <= high)).all(axis=-1)
    return np.asarray(inside.sum(axis=(1, 2)) > MOST_HITS)


def hold(
    own: Cloud,
    positions: NDArray[np.float64],
    axes: NDArray[np.float64],
    openings: NDArray[np.float64],
    gripper: Gripper,
) -> NDArray[np.float64]:
    """The quality (N,) of N grasps when the pads close on a cloud: from 0, it slips, to 1.

    A pad touches the outermost points in its path. The line between the middles of both contacts must lie in the
    friction cones around the means of the touched normals. Pads that touch fewer than three points are not judged,
    because no camera sees the sides of flat objects.

    Args:
        own: Points of the object with normals, including the completed side.
        positions: Positions of the grasps, (N, 3).
        axes: Axes of the grasps in columns, (N, 3, 3).
        openings: Openings in metres, (N,).
        gripper: Gripper with its finger sizes and friction.
    """
    local = _in_frames(own.points, positions, axes)
    x, y, z = np.moveaxis(local, -1, 0)
    between = (x <= 0) & (x >= -PAD_LENGTH) & (np.abs(z) <= gripper.finger_width / 2)
    between &= np.abs(y) <= openings[:, None] / 2
    contacts = [_contact(local, between, side) for side in (-1.0, 1.0)]
    line = contacts[1][0] - contacts[0][0]
    line /= np.maximum(np.linalg.norm(line, axis=1, keepdims=True), 1e-9)
    least = gripper.least_cosine
    unknown = least + UNKNOWN_HOLD * (1 - least)
    alike = np.ones(len(positions))
    for (_, touched), side in zip(contacts, (-1.0, 1.0), strict=True):
        count = touched.sum(axis=1)
        normals = np.einsum("ni,nij->nj", touched @ own.normals, axes)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        along = side * np.einsum("ni,ni->n", normals, line)
        alike = np.minimum(alike, np.where(count < LEAST_CONTACTS, unknown, along))
    return np.where(between.sum(axis=1) < LEAST_CONTACTS, 0.0, np.clip((alike - least) / (1 - least), 0.0, 1.0))


def _in_frames(
    points: NDArray[np.float64], positions: NDArray[np.float64], axes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Points (M, 3) in the frames of N grasps (N, M, 3)."""
    turned = (points @ np.concatenate(list(axes), axis=1)).reshape(len(points), len(axes), 3)  # one product for all
    return np.asarray(turned.transpose(1, 0, 2) - np.einsum("ni,nij->nj", positions, axes)[:, None])


def _contact(
    local: NDArray[np.float64], between: NDArray[np.bool_], side: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The middles (N, 3) of the contacts of the pads on one side of y, and a mask of the touched points (N, M, 3)."""
    way = np.where(between, side * local[..., 1], -np.inf)
    touched = between & (way >= way.max(axis=1, keepdims=True) - SOFT)
    return np.einsum("nm,nmj->nj", touched, local) / np.maximum(touched.sum(axis=1), 1)[:, None], touched
