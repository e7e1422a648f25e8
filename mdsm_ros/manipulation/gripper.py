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

MOST_HITS = 1  # single points are noise


@dataclass(frozen=True)
class Gripper:
    """The sizes of a two-finger gripper in metres; the defaults are about those of a Robotiq 2F-85.

    Attributes:
        max_width: largest opening between the fingers.
        finger_length: from the palm to the tips.
        finger_thickness: of one finger along the closing direction.
        finger_width: across the closing direction.
        palm_length: from the palm's face backward, as far as it may hit something.
        palm_breadth: along the closing direction.
        palm_width: across it.
        clearance: that an open finger keeps from a visible surface of the object, where the opening allows it.
        hidden_clearance: the same from the completed far side, which is known less well.
        friction: coefficient between the fingers and an object.
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
        margin: metres by which the bodies are larger.
        positions: (N, 3) of the grasps.
        axes: (N, 3, 3) of the grasps, in columns.
        points: (M, 3) obstacles.
    """
    local = np.einsum("nmi,nij->nmj", points[None] - positions[:, None], axes)[:, None]  # (N, 1, M, 3)
    low, high = bodies[:, :, None, 0] - margin, bodies[:, :, None, 1] + margin
    inside = ((local >= low) & (local <= high)).all(axis=-1)
    return np.asarray(inside.sum(axis=(1, 2)) > MOST_HITS)
