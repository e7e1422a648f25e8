"""Pairs of opposite points on an object on which two fingers can close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.manipulation.box import OrientedBox
from mdsm_ros.manipulation.cloud import Cloud, thinned
from mdsm_ros.manipulation.gripper import Gripper

MOST_POINTS = 320  # points of the visible surface, and the same number of the hidden one
MOST_PAIRS = 150
LEAST_WIDTH = 0.004  # metres
LEAST_PLAY = 0.003  # metres between an object and each finger at the largest opening
UNSEEN = (1.0, 0.85, 0.65)  # quality of a pair with 0, 1 or 2 of its points on the hidden side
OF_BOX = 0.6  # and with both points only on faces of the box
PLACE_STEP, DIRECTION_STEP = 0.01, 0.25  # metres and radians within which two pairs count as the same
NAMES = ("first", "second", "quality", "hidden")
BOX_ALONG, BOX_ABOVE = (0.0, -0.25, 0.25), (0.0, 0.3, -0.25)  # positions on a box's face, as fractions of its sides


@dataclass(frozen=True)
class Pairs:
    """Pairs of opposite points on an object, the best first.

    Attributes:
        first, second: Points of each pair in metres, (N, 3).
        quality: Quality of the hold from 0 to 1, (N,).
        hidden: Whether the first and the second point are on the far side, (N, 2).
    """

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    quality: NDArray[np.float64]
    hidden: NDArray[np.bool_]

    def at(self, index: NDArray[np.intp]) -> Pairs:
        """Selects some of the pairs."""
        return Pairs(self.first[index], self.second[index], self.quality[index], self.hidden[index])

    @property
    def middles(self) -> NDArray[np.float64]:
        """The middles (N, 3) between both points."""
        return (self.first + self.second) / 2

    @property
    def widths(self) -> NDArray[np.float64]:
        """The distances (N,) between both points in metres."""
        metres: NDArray[np.float64] = np.linalg.norm(self.second - self.first, axis=1)
        return metres

    @property
    def directions(self) -> NDArray[np.float64]:
        """The unit vectors (N, 3) from the first to the second point."""
        return (self.second - self.first) / self.widths[:, None]


def antipodal_pairs(seen: Cloud, hidden: Cloud, box: OrientedBox, gripper: Gripper) -> Pairs:
    """Finds pairs whose connecting line lies in both friction cones (Nguyen 1988) and that fit into the gripper.

    Args:
        seen: Visible surface; pairs on it have the highest quality.
        hidden: Completed far side.
        box: Box of the object. Its faces are pairs, too, with the lowest quality: flat objects show no other sides.
        gripper: Gripper with its width and friction.
    """
    found = [_of_cloud(seen, hidden, gripper), _of_box(box, gripper)]
    pairs = Pairs(*(np.concatenate([getattr(some, name) for some in found]) for name in NAMES))
    order = np.argsort(-pairs.quality, kind="stable")
    direction = pairs.directions[order]
    direction *= np.where(direction[np.arange(len(order)), np.abs(direction).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    cells = np.concatenate([pairs.middles[order] / PLACE_STEP, direction / DIRECTION_STEP], axis=1)
    _, unique = np.unique(np.round(cells).astype(int), axis=0, return_index=True)  # the best of each cell
    return pairs.at(order[np.sort(unique)[:MOST_PAIRS]])


def _of_cloud(seen: Cloud, hidden: Cloud, gripper: Gripper) -> Pairs:
    chosen = [cloud.at(thinned(len(cloud), MOST_POINTS)) for cloud in (seen, hidden)]
    cloud, count = chosen[0].joined(chosen[1]), len(chosen[0])
    across = cloud.points[None] - cloud.points[:, None]  # (N, N, 3), from first to second
    width = np.linalg.norm(across, axis=-1)
    across /= np.maximum(width, 1e-9)[..., None]
    at_first = -np.einsum("ijk,ik->ij", across, cloud.normals)
    at_second = np.einsum("ijk,jk->ij", across, cloud.normals)
    least = gripper.least_cosine
    good = (np.minimum(at_first, at_second) >= least) & (width >= LEAST_WIDTH)
    good &= np.triu(width <= gripper.max_width - 2 * LEAST_PLAY, 1)
    first, second = np.nonzero(good)
    quality = ((at_first + at_second)[first, second] / 2 - least) / (1 - least)
    far = np.stack([first, second], axis=1) >= count
    return Pairs(cloud.points[first], cloud.points[second], quality * np.asarray(UNSEEN)[far.sum(axis=1)], far)


def _of_box(box: OrientedBox, gripper: Gripper) -> Pairs:
    """Pairs on the box's faces, except top and bottom: the object stands on something."""
    firsts, seconds, hidden = [], [], []
    for side in (0, 1):
        if box.size[side] > gripper.max_width - 2 * LEAST_PLAY:
            continue
        half = box.axes[:, side] * box.size[side] / 2
        for along in BOX_ALONG:
            for above in BOX_ABOVE:
                place = box.center + box.axes[:, [1 - side, 2]] @ (box.size[[1 - side, 2]] * (along, above))
                firsts.append(place - half)
                seconds.append(place + half)
                hidden.append((half @ box.center < 0, half @ box.center > 0))
    quality, hidden_places = np.full(len(firsts), OF_BOX), np.reshape(np.array(hidden, dtype=bool), (-1, 2))
    return Pairs(np.reshape(firsts, (-1, 3)), np.reshape(seconds, (-1, 3)), quality, hidden_places)
