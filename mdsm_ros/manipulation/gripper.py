"""A parallel gripper as boxes, and what they hit.

The frame of a grasp: its origin lies between the fingertips, x is the approach (out of the palm), y the direction in
which the fingers close, z = x cross y. That is the frame of GPD (grasp pose detection); MoveIt's Panda and many other
hands approach along z: turn by 90 degrees about y for these.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import ParameterError
from mdsm_ros.manipulation.cloud import Cloud

MOST_HITS = 1  # single points are noise
PAD_LENGTH = 0.02  # metres of a finger from its tip that touch an object
SOFT = 0.003  # metres that a pad gives way, and what the surface's noise adds
LEAST_CONTACTS = 3  # points, from which a pad's contact is judged
UNKNOWN_HOLD = 0.6  # how well a pad is taken to hold what cannot be judged


@dataclass(frozen=True)
class Gripper:
    """The sizes of a two-finger gripper in metres; the defaults are about those of a Robotiq 2F-85.

    Attributes:
        max_width: Largest opening between the fingers.
        finger_length: from the palm to the tips.
        finger_thickness: of one finger along the closing direction.
        finger_width: Across the closing direction.
        palm_length: from the palm's face backward, as far as it may hit something.
        palm_breadth: Along the closing direction.
        palm_width: Across it.
        clearance: that an open finger keeps from a visible surface of the object, where the opening allows it.
        hidden_clearance: The same from the completed far side, which is known less well.
        friction: Coefficient between the fingers and an object.
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
        """Of the angle between a normal and the line between two contacts that do not slip."""
        return float(1 / np.hypot(1.0, self.friction))

    def bodies(self, opening: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lowest and highest corners (N, 3, 2, 3) of both fingers and the palm at openings (N,), in the grasp's frame.

        The palm is as broad as the open fingers at least.
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
    """Points (N, P, 3) on a grid from corner to corner of bodies (N, B, 2, 3)."""
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
    """Which of N grasps (N,) have more than one of the points in a body.

    Args:
        bodies: (N, B, 2, 3) corners in the grasps' frames.
        margin: Metres by which the bodies are larger.
        positions: (N, 3) of the grasps.
        axes: (N, 3, 3) of the grasps, in columns.
        points: (M, 3) obstacles.
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
    """How well N grasps hold a cloud when the pads close on it (N,): 0, it slips, to 1.

    A pad touches the points that are outermost in its way. The line between the middles of both contacts must lie in
    the friction cones around the means of the touched normals. Pads that touch fewer than three points are not judged:
    of flat things no camera sees the sides.

    Args:
        own: The object's points with their normals, the completed ones included.
        positions: (N, 3) of the grasps.
        axes: (N, 3, 3) of the grasps, in columns.
        openings: (N,) metres.
        gripper: whose fingers and friction count.
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
    """The middles (N, 3) of what the pads on a side of y touch, and which of the points (N, M, 3) that are."""
    way = np.where(between, side * local[..., 1], -np.inf)
    touched = between & (way >= way.max(axis=1, keepdims=True) - SOFT)
    return np.einsum("nm,nmj->nj", touched, local) / np.maximum(touched.sum(axis=1), 1)[:, None], touched
