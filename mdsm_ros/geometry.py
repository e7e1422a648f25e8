"""The position of a segmented object: points and pose in the camera's optical frame, from mask and depth.

Depth cameras leave holes and, between near and far surfaces, points in mid-air ("flying pixels"). Masks are a pixel or
two too wide. So points at the mask's border and at jumps of the depth are left out. The largest remaining group without
a gap in depth is the object.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BORDER = 2  # pixels of the mask's border that are left out if enough remain
JUMP = 0.04  # change of depth between neighbours, as a fraction of the depth, that separates surfaces
GAP = 0.1  # metres along the depth without a point that separate two objects
MIN_POINTS = 30


class Unprojector(Protocol):
    """The interface of a camera for :func:`locate`."""

    def points(self, pixels: NDArray[np.intp], depth: NDArray[np.float32]) -> NDArray[np.float64]:
        """Points (N, 3) in metres of pixels (N, 2; row, column) at depths (N,); NaN for pixels without a point."""
        ...


@dataclass(frozen=True)
class Camera:
    """Pinhole intrinsics in pixels; the image's corner is (0, 0), so the centres of pixels are at halves."""

    fx: float
    fy: float
    cx: float
    cy: float

    def points(self, pixels: NDArray[np.intp], depth: NDArray[np.float32]) -> NDArray[np.float64]:
        """Points (N, 3) in metres of pixels (N, 2; row, column) at depths (N,) along the optical axis."""
        z = depth.astype(np.float64)
        x = (pixels[:, 1] + 0.5 - self.cx) / self.fx * z
        y = (pixels[:, 0] + 0.5 - self.cy) / self.fy * z
        return np.stack([x, y, z], axis=1)


@dataclass(frozen=True)
class ObjectGeometry:
    """An object's visible surface, in the camera's optical frame (REP-103: x right, y down, z forward), in metres.

    Attributes:
        points: Points of the surface, float32 (N, 3).
        pixels: Row and column of each point in the depth image, int (N, 2).
        position: Mean of the points, (3,).
        axes: Rotation (3, 3) whose columns are the principal axes, the longest first.
        size: Extent along these axes, from the 2nd to the 98th percentile, (3,).
    """

    points: NDArray[np.float32]
    pixels: NDArray[np.intp]
    position: NDArray[np.float64]
    axes: NDArray[np.float64]
    size: NDArray[np.float64]

    def moved(self, rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> ObjectGeometry:
        """The object in another frame: ``rotation`` (3, 3) and ``translation`` (3,) lead to it from the camera's."""
        return replace(
            self,
            points=(self.points @ rotation.T + translation).astype(np.float32),
            position=rotation @ self.position + translation,
            axes=rotation @ self.axes,
        )


def locate(mask: NDArray[np.bool_], depth: NDArray[np.float32], camera: Unprojector) -> ObjectGeometry | None:
    """Locates the object of a mask.

    Args:
        mask: Mask of the object, bool (H, W).
        depth: Metres along the optical axis, (H, W); values that are not finite and positive count as missing.
        camera: Camera of this pixel grid; the points are in its frame.

    Returns:
        The object, or None if the mask contains fewer than 30 usable measurements.
    """
    measured = mask & np.isfinite(depth) & (depth > 0)
    inner = measured & ~_jumps(np.where(measured, depth, np.nan)) & _eroded(mask, BORDER)
    if inner.sum() < MIN_POINTS:  # a thin or small object: use all pixels
        inner = measured
    pixels = np.argwhere(inner)
    if len(pixels) < MIN_POINTS:
        return None
    pixels = pixels[_largest_group(depth[inner])]
    if len(pixels) < MIN_POINTS:
        return None
    points = camera.points(pixels, depth[pixels[:, 0], pixels[:, 1]])
    known = np.isfinite(points).all(axis=1)
    if known.sum() < MIN_POINTS:
        return None
    points, pixels = points[known], pixels[known]
    position = points.mean(axis=0)
    axes = _principal_axes(points - position)
    low, high = np.percentile((points - position) @ axes, (2, 98), axis=0)
    return ObjectGeometry(points.astype(np.float32), pixels, position, axes, high - low)


def quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """A rotation matrix (3, 3) as the quaternion x, y, z, w, with w >= 0."""
    # the eigenvector of the largest eigenvalue is the quaternion (Bar-Itzhack 2000)
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    matrix = np.array(
        [
            [xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, yy - xx - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, zz - xx - yy, yx - xy],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    x, y, z, w = (float(value) for value in np.linalg.eigh(matrix / 3).eigenvectors[:, -1])
    return (x, y, z, w) if w >= 0 else (-x, -y, -z, -w)


def _eroded(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """The mask (H, W) without its border; the image's border does not count as one."""
    for _ in range(pixels):
        wide = np.pad(mask, 1, mode="edge")
        mask = mask & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return mask


def _jumps(depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The pixels whose depth (H, W; NaN if missing) differs too much from a neighbour's."""
    jumps = np.zeros(depth.shape, dtype=bool)
    for axis in (0, 1):
        near, far = np.minimum(*_neighbours(depth, axis)), np.maximum(*_neighbours(depth, axis))
        jump = far - near > JUMP * near  # False if one is NaN
        widths = [(0, 0), (0, 0)]
        for side in ((0, 1), (1, 0)):  # both neighbours are at the jump
            widths[axis] = side
            jumps |= np.pad(jump, widths)
    return jumps


def _neighbours(depth: NDArray[np.float32], axis: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return (depth[:-1], depth[1:]) if axis == 0 else (depth[:, :-1], depth[:, 1:])


def _largest_group(depths: NDArray[np.float32]) -> NDArray[np.intp]:
    """Indices, in order, of the largest group of depths (N,) without a gap."""
    order = np.argsort(depths)
    groups = np.split(order, np.flatnonzero(np.diff(depths[order]) > GAP) + 1)
    return np.sort(max(groups, key=len))


def _principal_axes(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Right-handed axes (3, 3) in columns, the longest first; each points to its larger component's positive side."""
    by_variance = np.linalg.eigh(centred.T @ centred).eigenvectors[:, ::-1]  # falling
    vectors: NDArray[np.float64] = by_variance.copy()
    for i in (0, 1):
        vectors[:, i] *= np.sign(vectors[np.abs(vectors[:, i]).argmax(), i])
    vectors[:, 2] = np.cross(vectors[:, 0], vectors[:, 1])
    return vectors
