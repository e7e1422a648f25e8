"""A simulated scene that cameras with lenses look at: a board before a wall, ray by ray."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

COLOR, DEPTH = "camera_color_optical_frame", "camera_depth_optical_frame"
WALL = 2.5  # metres
CENTRE, SIDE = np.array([0.4, -0.24, 1.1]), 0.2  # of the board in the frame of the colour camera, metres
NORMAL = np.array([0.2, 0.1, -1.0]) / np.linalg.norm([0.2, 0.1, -1.0])
ACROSS = np.cross(NORMAL, [0.0, 1.0, 0.0]) / np.linalg.norm(np.cross(NORMAL, [0.0, 1.0, 0.0]))
DOWN = np.cross(NORMAL, ACROSS)


@dataclass(frozen=True)
class Lens:
    """A camera as CameraInfo has it: whole numbers are the centres of pixels."""

    width: int = 320
    height: int = 240
    focal: tuple[float, float] = (260.0, 257.5)
    centre: tuple[float, float] = (158.75, 121.25)
    model: str = "plumb_bob"
    d: tuple[float, ...] = (0.0,) * 5
    p: tuple[float, float, float, float] | None = None  # fx, fy, cx, cy; None: those of K
    turn: np.ndarray = field(default_factory=lambda: np.eye(3))  # from its frame to the colour camera's
    move: np.ndarray = field(default_factory=lambda: np.zeros(3))
    roi: tuple[int, int, int, int] = (0, 0, 0, 0)  # left, top, width, height
    binning: int = 1

    def rays(self, rectified: bool = False) -> np.ndarray:
        """Of all pixels that are read out: (H, W, 2) x/z and y/z."""
        left, top, width, height = self.roi if self.roi[2] else (0, 0, self.width, self.height)
        rows, columns = np.mgrid[0 : height // self.binning, 0 : width // self.binning]
        half = (self.binning - 1) / 2  # a binned pixel is the mean of several
        u, v = left + columns * self.binning + half, top + rows * self.binning + half
        fx, fy, cx, cy = self.p if rectified and self.p else (*self.focal, *self.centre)
        seen = np.stack([(u - cx) / fx, (v - cy) / fy], axis=2)
        return seen if rectified else self._undistorted(seen)

    def _undistorted(self, seen: np.ndarray) -> np.ndarray:
        if not any(self.d):
            return seen
        if self.model in ("equidistant", "fisheye"):
            wanted = np.linalg.norm(seen, axis=2)
            theta = wanted.copy()
            for _ in range(60):
                theta = wanted / (1 + sum(k * theta ** (2 * i + 2) for i, k in enumerate(self.d)))
            straight: np.ndarray = seen * (np.tan(theta) / np.maximum(wanted, 1e-12))[..., np.newaxis]
            return straight
        k1, k2, p1, p2, k3, k4, k5, k6 = (*self.d, *(0.0,) * 8)[:8]
        rays: np.ndarray = seen.copy()
        for _ in range(40):
            x, y = rays[..., 0], rays[..., 1]
            r2 = x * x + y * y
            radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
            tangential = np.stack(
                [2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=2
            )
            rays = (seen - tangential) / radial[..., np.newaxis]
        return rays

    def shoot(self, rectified: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Depth (H, W) in metres along its axis, and where the board is (H, W)."""
        rays = self.rays(rectified)
        ways = np.concatenate([rays, np.ones((*rays.shape[:2], 1))], axis=2) @ self.turn.T
        board = ((CENTRE - self.move) @ NORMAL) / (ways @ NORMAL)
        offsets = self.move + ways * board[..., np.newaxis] - CENTRE
        hit = (np.abs(offsets @ ACROSS) < SIDE / 2) & (np.abs(offsets @ DOWN) < SIDE / 2) & (board > 0)
        wall = (WALL - self.move[2]) / ways[..., 2]
        return np.where(hit, board, wall).astype(np.float32), hit

    def info(self, frame: str = COLOR, **changes: Any) -> SimpleNamespace:
        fx, fy, cx, cy = (*self.focal, *self.centre)
        px, py, pcx, pcy = self.p or (fx, fy, cx, cy)
        left, top, width, height = self.roi
        values = {
            "header": header(0.0, frame),
            "width": self.width,
            "height": self.height,
            "distortion_model": self.model,
            "d": list(self.d),
            "k": [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
            "r": np.eye(3).ravel().tolist(),
            "p": [px, 0.0, pcx, 0.0, 0.0, py, pcy, 0.0, 0.0, 0.0, 1.0, 0.0],
            "binning_x": self.binning if self.binning > 1 else 0,
            "binning_y": self.binning if self.binning > 1 else 0,
            "roi": SimpleNamespace(x_offset=left, y_offset=top, width=width, height=height, do_rectify=False),
        }
        return SimpleNamespace(**(values | changes))


def header(seconds: float, frame: str = COLOR) -> SimpleNamespace:
    whole = int(seconds)
    stamp = SimpleNamespace(sec=whole, nanosec=round((seconds - whole) * 1e9))
    return SimpleNamespace(stamp=stamp, frame_id=frame)


def depth_message(metres: np.ndarray, seconds: float = 0.0, frame: str = COLOR, **changes: Any) -> SimpleNamespace:
    pixels = np.ascontiguousarray(metres, dtype=np.float32)
    values = {
        "header": header(seconds, frame),
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "encoding": "32FC1",
        "is_bigendian": 0,
        "step": pixels.strides[0],
        "data": pixels.tobytes(),
    }
    return SimpleNamespace(**(values | changes))


def turn_about(axis: str, degrees: float) -> np.ndarray:
    """A rotation (3, 3) about x, y or z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    a, b = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    result = np.eye(3)
    result[a, a] = result[b, b] = c
    result[a, b], result[b, a] = -s, s
    return result
