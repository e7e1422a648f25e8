"""A camera with its lens: projection between pixels and points, by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

CLOSE = 0.5  # largest error in pixels of a projection and its inverse
_CRITERIA = (cv2.TERM_CRITERIA_MAX_ITER | cv2.TERM_CRITERIA_EPS, 50, 1e-3)  # pixels
_NO_TURN = np.zeros(3)


@dataclass(frozen=True, eq=False)
class CameraModel:
    """Intrinsics in pixels of one image; its corner is (0, 0), so the centres of pixels are at halves.

    Attributes:
        fx: Horizontal focal length.
        fy: Vertical focal length.
        cx: Principal point from the left.
        cy: Principal point from the top.
        width: Width of the image.
        height: Height of the image.
        distortion: Coefficients in OpenCV's order; empty for an ideal lens.
        fisheye: Whether the coefficients are those of ``cv2.fisheye``.
        rotation: Rotation (3, 3) from the camera's own axes to those of its points; None if equal.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    distortion: tuple[float, ...] = ()
    fisheye: bool = False
    rotation: NDArray[np.float64] | None = None

    def points(self, pixels: NDArray[np.intp], depth: NDArray[np.float32]) -> NDArray[np.float64]:
        """Computes points in metres, NaN for pixels without a ray of the lens.

        Args:
            pixels: Row and column of each pixel, (N, 2).
            depth: Metres along the optical axis, (N,).

        Returns:
            Points (N, 3).
        """
        rays = self._rays(pixels[:, ::-1].astype(np.float64) + 0.5)
        z = depth.astype(np.float64)
        points = np.column_stack([rays * z[:, np.newaxis], z])
        return points if self.rotation is None else points @ self.rotation.T

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Projects points (N, 3) to pixels (N, 2) from the left and from the top; NaN if they are not visible."""
        own = points if self.rotation is None else points @ self.rotation
        with np.errstate(divide="ignore", invalid="ignore"):
            rays = np.where(own[:, 2:] > 0, own[:, :2] / own[:, 2:], np.nan)
        seen = self._distorted(rays)
        if self.distortion:  # far outside, the lens model folds back into the image
            error = np.abs((self._undistorted(seen) - rays) * (self.fx, self.fy)).max(axis=1)
            seen[~(error < CLOSE)] = np.nan
        return seen

    @cached_property
    def _matrix(self) -> NDArray[np.float64]:
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    def _rays(self, seen: NDArray[np.float64]) -> NDArray[np.float64]:
        """x/z and y/z of pixels (N, 2), from the left and from the top; NaN if the lens has no ray."""
        rays = self._undistorted(seen)
        if self.distortion:
            missed = np.abs(self._distorted(rays) - seen).max(axis=1)
            rays[~(missed < CLOSE)] = np.nan  # outside the lens's field of view, the search does not converge
        return rays

    def _undistorted(self, seen: NDArray[np.float64]) -> NDArray[np.float64]:
        rays = (seen - (self.cx, self.cy)) / (self.fx, self.fy)
        known = np.isfinite(rays).all(axis=1)
        if not self.distortion or not known.any():
            return rays
        given = np.ascontiguousarray(seen[known][:, np.newaxis])
        coefficients, turn = np.array(self.distortion), np.eye(3)
        if self.fisheye:
            found = cv2.fisheye.undistortPoints(given, self._matrix, coefficients, R=turn, criteria=_CRITERIA)
        else:
            undistort = getattr(cv2, "undistortPointsIter", cv2.undistortPoints)  # the former until OpenCV 4
            found = undistort(given, self._matrix, coefficients, R=turn, P=turn, criteria=_CRITERIA)
        rays[known] = found[:, 0]
        return rays

    def _distorted(self, rays: NDArray[np.float64]) -> NDArray[np.float64]:
        seen = rays * (self.fx, self.fy) + (self.cx, self.cy)
        known = np.isfinite(rays).all(axis=1)
        if not self.distortion or not known.any():
            return seen
        ahead = np.ascontiguousarray(np.column_stack([rays[known], np.ones(known.sum())])[:, np.newaxis])
        project = cv2.fisheye.projectPoints if self.fisheye else cv2.projectPoints
        found, _ = project(ahead, _NO_TURN, _NO_TURN, self._matrix, np.array(self.distortion))
        seen[known] = found[:, 0]
        return seen
