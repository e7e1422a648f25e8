"""A box on a table, seen ray by ray from a camera that a robot's arm moves; everything in base_link, metres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mdsm_ros.geometry import Camera
from mdsm_ros.manipulation.target import Outcome, describe

TABLE = 0.4
SIDES = np.array([0.06, 0.1, 0.16])  # of the box, along x, y and z of base_link
CENTRE = np.array([0.6, 0.1, TABLE + SIDES[2] / 2])
WIDTH, HEIGHT, FOCAL = 160, 120, 150.0
FAR = 8.0
MIDDLE = CENTRE + np.array([-0.5, 0.0, 0.5])  # of the camera's way
SWING, PAN, PERIOD = 0.2, 0.3, 2.5  # metres, metres at the box, seconds


@dataclass(frozen=True)
class ArmCamera:
    """The camera at one time: it moves and turns to and fro; what it points at moves at up to 0.75 m/s."""

    seconds: float

    @property
    def swing(self) -> np.ndarray:
        """Along y of base_link, from -1 to 1."""
        return np.array([0.0, np.sin(2 * np.pi * self.seconds / PERIOD), 0.0])

    @cached_property
    def position(self) -> np.ndarray:
        return np.asarray(MIDDLE + SWING * self.swing)

    @cached_property
    def rotation(self) -> np.ndarray:
        """From the optical frame to base_link: columns right, down, forward."""
        forward = CENTRE + PAN * self.swing - self.position
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(forward, right), forward], axis=1)

    def shoot(self) -> tuple[np.ndarray, np.ndarray]:
        """Depth (H, W) float32, and where the box is (H, W)."""
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
        rays = np.stack(
            [(columns + 0.5 - WIDTH / 2) / FOCAL, (rows + 0.5 - HEIGHT / 2) / FOCAL, np.ones(rows.shape)], axis=2
        )
        ways = rays @ self.rotation.T
        with np.errstate(divide="ignore"):
            ends = (CENTRE + np.array([[-0.5], [0.5]]) * SIDES - self.position)[:, None, None] / ways
            table = (TABLE - self.position[2]) / ways[..., 2]
        near, far = ends.min(axis=0).max(axis=2), ends.max(axis=0).min(axis=2)
        hit = (near < far) & (near > 0)
        return np.where(hit, near, np.where(table > 0, table, FAR)).astype(np.float32), hit

    def visible(self) -> np.ndarray:
        """The mean of the visible surface in the optical frame (3,)."""
        depth, mask = self.shoot()
        rows, columns = np.nonzero(mask)
        z = depth[rows, columns].astype(np.float64)
        across, down = (columns + 0.5 - WIDTH / 2) / FOCAL, (rows + 0.5 - HEIGHT / 2) / FOCAL
        return np.asarray(np.stack([across * z, down * z, z], axis=1).mean(axis=0))

    def to_base(self, point: np.ndarray) -> np.ndarray:
        moved: np.ndarray = self.rotation @ point + self.position
        return moved


def described() -> Outcome:
    """What is found of the box, in the optical frame of the camera at its middle."""
    camera = ArmCamera(0.0)
    depth, mask = camera.shoot()
    return describe(mask, depth, Camera(FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2), up=camera.rotation[2])
