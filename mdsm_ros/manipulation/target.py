"""Box, grasps and position of the object in a mask: :func:`describe`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mdsm_ros.geometry import Camera
from mdsm_ros.manipulation.box import OrientedBox, free_box, upright_box
from mdsm_ros.manipulation.cloud import (
    MIN_POINTS,
    MOST_POINTS,
    Cloud,
    DepthView,
    EmptySpace,
    inner,
    one_object,
    surface,
    thinned,
)
from mdsm_ros.manipulation.completion import hidden_side
from mdsm_ros.manipulation.grasps import Grasp, Surroundings, find_grasps
from mdsm_ros.manipulation.gripper import Gripper
from mdsm_ros.manipulation.noise import DepthNoise, centroid
from mdsm_ros.manipulation.support import Plane, find_support

AROUND = 0.3  # metres around the mask that are used: the reach of a gripper
MASK_DOUBT = 2  # pixels beyond the mask that may still be the object, and are not obstacles
ABOVE = (0.004, 2.5)  # lowest height of the object's points above the support plane, in metres and standard deviations
FLAT = (0.002, 0.5)  # the same for the mean of a flat object's points
FLAT_SHARE = 0.15  # an object is flat if no larger fraction of its points rises above that
PLANE_SIZE = 0.5  # size in metres from which an empty plane is furniture, a floor or a wall
LEAST_PROBABILITY = 0.01
PLANE_ONLY = "the mask shows a plane and nothing on it"
DEFAULT_GRIPPER, DEFAULT_NOISE = Gripper(), DepthNoise()


@dataclass(frozen=True)
class Target:
    """An object described for a gripper; everything is in the camera's optical frame, in metres.

    Attributes:
        surface: Visible surface, smoothed, with normals.
        centroid: Centroid of the visible surface's pixels, (3,).
        covariance: Covariance of the centroid in square metres, (3, 3).
        box: Box around the whole object, including the unseen side.
        support: Plane on which the object stands; None if none was seen.
        grasps: Up to five grasps, the best first.
        no_grasp: Reason why there is no grasp; "" if there is one.
    """

    surface: Cloud
    centroid: NDArray[np.float64]
    covariance: NDArray[np.float64]
    box: OrientedBox
    support: Plane | None
    grasps: tuple[Grasp, ...]
    no_grasp: str


@dataclass(frozen=True)
class Outcome:
    """A target, or the reason for its absence.

    Attributes:
        target: Target; None if the input does not show one.
        reason: Reason why there is no target; "" if there is one.
    """

    target: Target | None
    reason: str = ""


def describe(
    mask: NDArray[np.bool_],
    depth: NDArray[np.float32],
    camera: Camera,
    *,
    probability: NDArray[np.floating] | None = None,
    up: NDArray[np.float64] | None = None,
    gripper: Gripper = DEFAULT_GRIPPER,
    noise: DepthNoise = DEFAULT_NOISE,
    seed: int = 0,
) -> Outcome:
    """Finds the box, the grasps and the position of the object in a mask; deterministic for the same input.

    Args:
        mask: Mask of the object, bool (H, W).
        depth: Metres along the optical axis, (H, W); values that are not finite and positive count as missing.
        camera: Intrinsics in pixels of this grid.
        probability: Probability that a pixel belongs to the object, (H, W); None for 1 in the mask.
        up: Direction against gravity in the camera's frame, (3,). Without it, the camera is assumed to be upright if
            several planes could be the support, and an object on no visible plane gets the smallest box.
        gripper: Sizes of the gripper.
        noise: Noise of the depth camera.
        seed: Random seed of the search for planes.

    Returns:
        The target, or the reason why there is none. No input of these types raises an exception.
    """
    reason = _unusable(mask, depth, camera, probability, up)
    if reason:
        return Outcome(None, reason)
    known = np.where(np.isfinite(depth) & (depth > 0), depth, np.nan).astype(np.float64)
    if np.count_nonzero(mask & np.isfinite(known)) < MIN_POINTS:
        return Outcome(
            None,
            f"the depth has {np.count_nonzero(mask & np.isfinite(known))} measurements in the mask, "
            f"expected {MIN_POINTS} or more",
        )
    rows, columns = _window(mask, known, camera)
    view, mask = DepthView(known, camera, noise).crop(rows, columns), mask[rows, columns]
    certain = np.ones(mask.shape) if probability is None else np.asarray(probability, np.float64)[rows, columns]
    return _described(mask, view, certain, up, gripper, np.random.default_rng(seed))


def _unusable(
    mask: NDArray[np.bool_],
    depth: NDArray[np.float32],
    camera: Camera,
    probability: NDArray[np.floating] | None,
    up: NDArray[np.float64] | None,
) -> str:
    """The fault of the input; "" if there is none."""
    if mask.ndim != 2 or mask.dtype != np.bool_:
        return f"the mask is {mask.dtype} of shape {mask.shape}, expected bool of shape (H, W)"
    for name, image in (("depth", depth), ("probability", probability)):
        if image is not None and image.shape != mask.shape:
            return f"the {name} has shape {image.shape}, expected that of the mask, {mask.shape}"
    if not (camera.fx > 0 and camera.fy > 0 and np.isfinite([camera.fx, camera.fy, camera.cx, camera.cy]).all()):
        return f"the camera is {camera}, expected finite intrinsics with positive fx and fy"
    if up is not None and not (np.shape(up) == (3,) and 0 < np.linalg.norm(up) < np.inf):
        return f"up is {up}, expected three finite numbers that are not all 0"
    if np.count_nonzero(mask) < MIN_POINTS:
        return f"the mask has {np.count_nonzero(mask)} pixels, expected {MIN_POINTS} or more"
    return ""


def _window(mask: NDArray[np.bool_], depth: NDArray[np.float64], camera: Camera) -> tuple[slice, slice]:
    """The part of the image with the mask and its surroundings."""
    z = float(np.nanmedian(depth[mask]))
    found = ndimage.find_objects(mask.astype(np.int8))[0]
    margins = (int(AROUND * camera.fy / z) + 1, int(AROUND * camera.fx / z) + 1)
    rows, columns = (
        slice(max(0, part.start - margin), min(size, part.stop + margin))
        for part, margin, size in zip(found, margins, mask.shape, strict=True)
    )
    return rows, columns


def _described(
    mask: NDArray[np.bool_],
    view: DepthView,
    certain: NDArray[np.float64],
    up: NDArray[np.float64] | None,
    gripper: Gripper,
    rng: np.random.Generator,
) -> Outcome:
    chosen = inner(mask, view)
    points, near = view.points(chosen), _near(mask, view)
    support = find_support(near, points[thinned(len(points), MOST_POINTS)], view.noise, rng, up)
    kept = _standing_out(points, support, view.noise)
    if kept.sum() >= MIN_POINTS:
        kept[kept] = one_object(points[kept], view.noise)
    if kept.sum() < MIN_POINTS or (support is None and _is_plane(points[kept], view.noise)):
        return Outcome(None, PLANE_ONLY)
    used = chosen.copy()
    used[chosen] = kept
    position, covariance = _place(mask, used, view, certain)
    seen, empty = surface(points[kept], view.noise), EmptySpace(view)
    base = _lowest(seen.points, up) if support is None and up is not None else support
    hidden = hidden_side(seen, None if base is None else base.normal, empty)
    whole = seen.joined(hidden).points
    box = free_box(whole) if base is None else upright_box(whole, base)
    around = Surroundings(_obstacles(near, support, view.noise), support, empty)
    grasps, reason = find_grasps(seen, hidden, box, around, gripper)
    return Outcome(Target(seen, position, covariance, box, support, grasps, reason))


def _lowest(points: NDArray[np.float64], up: NDArray[np.float64]) -> Plane:
    """The level plane through the lowest of the points (N, 3), for objects on an unseen support."""
    normal = up / np.linalg.norm(up)
    return Plane(normal, -float(np.percentile(points @ normal, 1)))


def _place(
    mask: NDArray[np.bool_], used: NDArray[np.bool_], view: DepthView, certain: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The centroid (3,) and covariance (3, 3) of the used pixels of a mask; the other pixels are uncertain."""
    certain = np.clip(np.nan_to_num(certain), LEAST_PROBABILITY, 1.0)
    left_out = mask & ~used & np.isfinite(view.depth)
    points, others = view.points(used), view.points(left_out)
    others *= (np.clip(others[:, 2], points[:, 2].min(), points[:, 2].max()) / others[:, 2])[:, None]
    return centroid(points, certain[used], others, certain[left_out], view.noise)


def _near(mask: NDArray[np.bool_], view: DepthView) -> NDArray[np.float64]:
    """The points (N, 3) around the object that surely are not part of it: near it in space, not only in the image."""
    beside = np.isfinite(view.depth) & ~view.behind_edges() & ~ndimage.binary_dilation(mask, iterations=MASK_DOUBT)
    points, own = view.points(beside), view.points(mask & np.isfinite(view.depth))
    low, high = np.percentile(own, (5, 95), axis=0)
    near: NDArray[np.float64] = points[((points >= low - AROUND) & (points <= high + AROUND)).all(axis=1)]
    return near


def _standing_out(points: NDArray[np.float64], support: Plane | None, noise: DepthNoise) -> NDArray[np.bool_]:
    """Marks the points (N, 3) above the support plane: nearly all of a flat object, none of the plane itself."""
    if support is None:
        return np.ones(len(points), dtype=bool)
    heights, sigma = support.height(points), noise.sigma(points[:, 2])
    kept = heights > ABOVE[0] + ABOVE[1] * sigma
    if kept.mean() >= FLAT_SHARE:
        return np.asarray(kept)
    flat = float(np.median(heights)) > FLAT[0] + FLAT[1] * float(np.median(sigma))
    return np.asarray(heights > -2 * sigma if flat else np.zeros(len(points), dtype=bool))


def _is_plane(points: NDArray[np.float64], noise: DepthNoise) -> bool:
    """Whether points form a large plane; a small one may be the front of an object."""
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) / np.sqrt(len(points))
    flat = spread[2] < 0.002 + 1.5 * noise.sigma(float(np.median(points[:, 2])))
    return bool(flat and spread[1] * np.sqrt(12) > PLANE_SIZE)  # the standard deviation of a uniform side


def _obstacles(near: NDArray[np.float64], support: Plane | None, noise: DepthNoise) -> NDArray[np.float64]:
    """The points around the object without its support plane, which is treated separately."""
    if support is not None:
        near = near[np.abs(support.height(near)) > ABOVE[0] + ABOVE[1] * noise.sigma(near[:, 2])]
    return near
