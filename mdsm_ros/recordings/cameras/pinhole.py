"""Depth of any camera as an ideal pinhole camera in the frame of the image would measure it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.geometry import Camera
from mdsm_ros.recordings.cameras.model import CameraModel
from mdsm_ros.recordings.cameras.registration import DepthView

AROUND = 0.2  # metres around the mask that are kept
COARSER = 0.9  # of the focal length, so that few pixels between two measurements stay empty
WIDEST = 4.0  # tangent of the angle from the optical axis beyond which nothing is kept


class PinholeView(NamedTuple):
    """A mask and its depth in one pixel grid.

    Attributes:
        mask: (H, W).
        depth: (H, W) metres along the optical axis, NaN where there is no measurement.
        probability: (H, W) that a pixel is the object's.
        camera: Intrinsics in pixels of this grid.
    """

    mask: NDArray[np.bool_]
    depth: NDArray[np.float32]
    probability: NDArray[np.float32]
    camera: Camera


def as_pinhole(view: DepthView, mask: NDArray[np.bool_], probability: NDArray[np.float32]) -> PinholeView | None:
    """The depth and the mask of an image in one grid without distortion.

    Depth of a pinhole camera in the frame of the image is taken as it is. Every other depth is projected anew: what
    is near the mask, nearer measurements over farther ones.

    Args:
        view: The depth, laid over the image.
        mask: (H, W) of the image.
        probability: (H, W) of the image.

    Returns:
        The view, or None where no measurement lies in the mask.
    """
    own = mask[view.rows, view.columns] & np.isfinite(view.metres) & (view.metres > 0)
    if not own.any():
        return None
    certain = np.asarray(probability[view.rows, view.columns])
    camera = view.camera
    if isinstance(camera, CameraModel) and not camera.distortion and camera.rotation is None:
        return PinholeView(own, view.metres, certain, Camera(camera.fx, camera.fy, camera.cx, camera.cy))
    return _projected(view, own, certain)


def _projected(view: DepthView, own: NDArray[np.bool_], certain: NDArray[np.float32]) -> PinholeView | None:
    near = np.zeros_like(own)
    near[_window(own, view.metres)] = True
    pixels = np.argwhere(near & np.isfinite(view.metres) & (view.metres > 0))
    at = pixels[:, 0], pixels[:, 1]
    points = view.camera.points(pixels, view.metres[at])
    with np.errstate(divide="ignore", invalid="ignore"):
        rays = points[:, :2] / points[:, 2:]
    kept = np.flatnonzero((np.abs(rays) <= WIDEST).all(axis=1) & (points[:, 2] > 0))
    kept = kept[np.argsort(-points[kept, 2], kind="stable")]  # the nearest last: it stays
    if not own[at][kept].any():
        return None
    focal = COARSER * float(np.sqrt(pixels[kept].var(axis=0).sum() / rays[kept].var(axis=0).sum()))
    if not 0 < focal < np.inf:  # all measurements in one ray
        return None
    low = rays[kept].min(axis=0)
    columns, rows = ((rays[kept] - low) * focal).astype(np.intp).T
    shape = int(rows.max()) + 1, int(columns.max()) + 1
    mask, depth = np.zeros(shape, bool), np.full(shape, np.nan, np.float32)
    probability = np.zeros(shape, np.float32)
    mask[rows, columns] = own[at][kept]
    depth[rows, columns] = points[kept, 2]
    probability[rows, columns] = certain[at][kept]
    cx, cy = -low * focal
    return PinholeView(mask, depth, probability, Camera(focal, focal, float(cx), float(cy)))


def _window(own: NDArray[np.bool_], metres: NDArray[np.float32]) -> tuple[slice, slice]:
    """Rows and columns around the mask; the focal length is taken to be no longer than the image is wide."""
    margin = int(AROUND / float(np.median(metres[own])) * own.shape[1]) + 1
    rows, columns = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
