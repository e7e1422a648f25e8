"""A camera with its lens: from pixels to points and back, by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

CLOSE = 0.5  # pixels by which a point may miss its pixel on the way there and back
_CRITERIA = (cv2.TERM_CRITERIA_MAX_ITER | cv2.TERM_CRITERIA_EPS, 50, 1e-3)  # pixels
_NO_TURN = np.zeros(3)


@dataclass(frozen=True, eq=False)
class CameraModel:
    """Intrinsics in pixels of one image; its corner is (0, 0), so that pixels have their centres at halves.

    Attributes:
        fx: Focal length across.
        fy: Focal length down.
        cx: Principal point, from the left.
        cy: Principal point, from the top.
        width: Of the image.
        height: Of the image.
        distortion: Coefficients in OpenCV's order; empty for an ideal lens.
        fisheye: They are those of ``cv2.fisheye``.
        rotation: (3, 3) from the camera's own axes to those in which its points are given; None: the same.
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
        """Points in metres, NaN where the lens has no ray for a pixel.

        Args:
            pixels: (N, 2) row and column.
            depth: (N,) metres along the optical axis.

        Returns:
            (N, 3).
        """
        rays = self._rays(pixels[:, ::-1].astype(np.float64) + 0.5)
        z = depth.astype(np.float64)
        points = np.column_stack([rays * z[:, np.newaxis], z])
        return points if self.rotation is None else points @ self.rotation.T

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points (N, 3) are seen: (N, 2) from the left and from the top, NaN where they are not."""
        own = points if self.rotation is None else points @ self.rotation
        with np.errstate(divide="ignore", invalid="ignore"):
            rays = np.where(own[:, 2:] > 0, own[:, :2] / own[:, 2:], np.nan)
        seen = self._distorted(rays)
        if self.distortion:  # far outside, the formulas of a lens fold back into its image
            error = np.abs((self._undistorted(seen) - rays) * (self.fx, self.fy)).max(axis=1)
            seen[~(error < CLOSE)] = np.nan
        return seen

    @cached_property
    def _matrix(self) -> NDArray[np.float64]:
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1.0]])

    def _rays(self, seen: NDArray[np.float64]) -> NDArray[np.float64]:
        """x/z and y/z of pixels (N, 2), from the left and from the top; NaN where the lens has none."""
        rays = self._undistorted(seen)
        if self.distortion:
            missed = np.abs(self._distorted(rays) - seen).max(axis=1)
            rays[~(missed < CLOSE)] = np.nan  # outside of what the lens shows, the search finds no answer
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
