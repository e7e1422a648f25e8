"""Registration of depth to an image: the image pixel and the point of each depth pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import SpatialError
from mdsm_ros.geometry import ObjectGeometry, Unprojector, locate
from mdsm_ros.recordings.cameras.model import CameraModel

NEAREST_MEDIAN, FARTHEST_MEDIAN = 0.02, 100.0  # metres, median of depth images in the unit of their encoding
SAMPLED = 8  # every eighth row and column is enough for the median
OCCLUDED = 0.05  # fraction of the distance by which an occluding surface must be nearer
SAME_GRID = 1.0  # largest difference in pixels between two grids that count as the same


@dataclass(frozen=True, eq=False)
class Rigid:
    """A rigid transform from one frame to another: rotation (3, 3) and translation (3,) in metres."""

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    @classmethod
    def of(cls, transform: Any) -> Rigid:
        """Reads a ``geometry_msgs/Transform``.

        Raises:
            SpatialError: The numbers are not a rotation or not a translation.
        """
        turn, move = transform.rotation, transform.translation
        x, y, z, w = quaternion = np.array([turn.x, turn.y, turn.z, turn.w], dtype=np.float64)
        translation = np.array([move.x, move.y, move.z], dtype=np.float64)
        if not np.isfinite(translation).all() or not abs(float(np.linalg.norm(quaternion)) - 1) < 0.01:
            value = f"turned by {quaternion.tolist()}, moved by {translation.tolist()}"
            raise SpatialError("transform", value, "finite numbers and a quaternion of length 1")
        x, y, z, w = quaternion / np.linalg.norm(quaternion)
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        return cls(rotation, translation)

    def applied(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transforms points (N, 3) to the other frame."""
        moved: NDArray[np.float64] = points @ self.rotation.T + self.translation
        return moved


SAME_FRAME = Rigid(np.eye(3), np.zeros(3))


@dataclass(frozen=True, eq=False)
class _Moved:
    """A camera whose points are in another frame."""

    camera: CameraModel
    pose: Rigid

    def points(self, pixels: NDArray[np.intp], depth: NDArray[np.float32]) -> NDArray[np.float64]:
        """Computes points like :meth:`CameraModel.points`."""
        return self.pose.applied(self.camera.points(pixels, depth))


@dataclass(frozen=True, eq=False)
class DepthView:
    """A depth image (H, W) and its relation to an image of another size, field of view or position.

    Attributes:
        metres: Depth in metres, float32 (H, W); NaN without a measurement or outside the image.
        rows: Image row of each depth pixel; broadcasts with ``columns`` to (H, W).
        columns: Image column of each depth pixel.
        camera: Camera from depth pixels to points in the frame of the image.
    """

    metres: NDArray[np.float32]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    camera: Unprojector

    def locate(self, mask: NDArray[np.bool_]) -> ObjectGeometry | None:
        """Locates the object of a mask of the image; None if the depth covers too little of it."""
        return locate(mask[self.rows, self.columns], self.metres, self.camera)

    def colors(self, image: NDArray[np.uint8], found: ObjectGeometry) -> NDArray[np.uint8]:
        """The image colours (N, 3) of an object's points."""
        shape = self.metres.shape
        rows, columns = (np.broadcast_to(places, shape) for places in (self.rows, self.columns))
        at = found.pixels[:, 0], found.pixels[:, 1]
        return image[rows[at], columns[at]]


def check_unit(metres: NDArray[np.float32]) -> None:
    """Checks that a depth image has the unit of its encoding.

    Raises:
        SpatialError: The median depth is outside the range of depth cameras.
    """
    sample = metres[::SAMPLED, ::SAMPLED]
    sample = sample[np.isfinite(sample) & (sample > 0)]
    if not len(sample):
        return
    median = float(np.median(sample))
    if not NEAREST_MEDIAN <= median <= FARTHEST_MEDIAN:
        expectation = f"a median of {NEAREST_MEDIAN} to {FARTHEST_MEDIAN:g} m (16UC1 in millimetres, 32FC1 in metres)"
        raise SpatialError("depth unit", f"such that the median is {median:g} m", expectation)


def is_registered(depth: CameraModel, image: CameraModel) -> bool:
    """Whether both cameras, at the same position, have the same pixel grid up to scale."""
    steps = np.linspace(0.05, 0.95, 5)
    rows, columns = (grid.ravel() for grid in np.meshgrid(steps * depth.height, steps * depth.width))
    pixels = np.stack([rows, columns], axis=1).astype(np.intp)
    seen = image.pixels(depth.points(pixels, np.ones(len(pixels), np.float32)))
    wanted = (pixels[:, ::-1] + 0.5) * (image.width / depth.width, image.height / depth.height)
    differences = np.abs(seen - wanted)
    known = np.isfinite(differences)
    if not known.any():
        return False
    limit = SAME_GRID * max(1.0, image.width / depth.width)
    return bool((differences[known] <= limit).all())


def lay_over(metres: NDArray[np.float32], depth: CameraModel, image: CameraModel, pose: Rigid | None) -> DepthView:
    """Registers depth to an image.

    Args:
        metres: Depth in metres along the axis of the depth camera, (H, W).
        depth: Camera of the depth image.
        image: Camera of the image.
        pose: Transform from the frame of the depth camera to that of the image; None if the frames are the same.
    """
    if pose is None and is_registered(depth, image):
        rows, columns = (
            ((np.arange(small) + 0.5) * large // small).astype(np.intp)
            for small, large in zip(metres.shape, (image.height, image.width), strict=True)
        )
        return DepthView(metres, rows[:, np.newaxis], columns, depth)
    eye = _Moved(depth, pose or SAME_FRAME)
    measured = np.argwhere(np.isfinite(metres) & (metres > 0))
    points = eye.points(measured, metres[measured[:, 0], measured[:, 1]])
    seen = image.pixels(points)
    with np.errstate(invalid="ignore"):
        inside = ((seen >= 0) & (seen < (image.width, image.height))).all(axis=1)
    measured, points, at = measured[inside], points[inside], seen[inside].astype(np.intp)
    visible = _visible(at, points[:, 2], depth, image)
    measured, at = measured[visible], at[visible]
    shown = np.full_like(metres, np.nan)
    rows, columns = np.zeros(metres.shape, np.intp), np.zeros(metres.shape, np.intp)
    places = measured[:, 0], measured[:, 1]
    shown[places] = metres[places]
    rows[places], columns[places] = at[:, 1], at[:, 0]
    return DepthView(shown, rows, columns, eye)


def _visible(at: NDArray[np.intp], z: NDArray[np.float64], depth: CameraModel, image: CameraModel) -> NDArray[np.bool_]:
    """Marks the points (N,) at pixels (N, 2) of the image that are not hidden from the image's camera."""
    cell = max(1, math.ceil(image.fx / depth.fx), math.ceil(image.fy / depth.fy))  # one depth pixel covers this area
    columns, rows = at[:, 0] // cell, at[:, 1] // cell
    nearest = np.full((image.height // cell + 1, image.width // cell + 1), np.inf, np.float32)
    np.minimum.at(nearest, (rows, columns), z.astype(np.float32))
    nearest = np.asarray(cv2.erode(nearest, np.ones((3, 3), np.uint8)))  # the smallest of a cell and its neighbours
    return np.asarray(z <= nearest[rows, columns] * (1 + OCCLUDED))
