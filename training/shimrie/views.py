"""The 36 discretised views of a viewpoint, as in Matterport3DSimulator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.geometry import Camera

WIDTH, HEIGHT = 640, 480  # pixels, the grid of REVERIE's boxes
VERTICAL_FOV = np.deg2rad(60.0)
HEADINGS = 12  # 30 degrees apart
VIEWS = 36  # 0-11 look 30 degrees down, 12-23 ahead, 24-35 30 degrees up
FOCAL = HEIGHT / 2 / np.tan(VERTICAL_FOV / 2)  # 415.69 pixels, horizontally too


@dataclass(frozen=True)
class View:
    """One of the views of a viewpoint; ``index`` is 0 to 35.

    Raises:
        ValueError: There is no such view.
    """

    index: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < VIEWS:
            raise ValueError(f"view index is {self.index}, expected 0 to {VIEWS - 1}")

    @property
    def heading(self) -> float:
        """Radians clockwise from +y, seen from above."""
        return self.index % HEADINGS * 2 * np.pi / HEADINGS

    @property
    def elevation(self) -> float:
        """Radians above the horizon."""
        return (self.index // HEADINGS - 1) * np.pi / 6

    def axes(self) -> NDArray[np.float64]:
        """Columns: right, up and forward in the scan's frame (z up), (3, 3)."""
        h, e = self.heading, self.elevation
        right = (np.cos(h), -np.sin(h), 0.0)
        forward = (np.sin(h) * np.cos(e), np.cos(h) * np.cos(e), np.sin(e))
        return np.stack([right, np.cross(right, forward), forward], axis=1)

    def directions(self) -> NDArray[np.float64]:
        """Returns the ray direction through the centre of each pixel in the scan's frame, (H, W, 3), not normalised."""
        columns, rows = np.meshgrid(np.arange(WIDTH) + 0.5 - WIDTH / 2, np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
        local = np.stack([columns / FOCAL, -rows / FOCAL, np.ones_like(rows)], axis=-1)
        turned: NDArray[np.float64] = local @ self.axes().T
        return turned


CAMERA = Camera(fx=float(FOCAL), fy=float(FOCAL), cx=WIDTH / 2, cy=HEIGHT / 2)
