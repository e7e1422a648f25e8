"""Ranked two-finger grasps: opposite contacts, with approaches in which fingers and palm hit nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.manipulation.box import OrientedBox
from mdsm_ros.manipulation.cloud import Cloud, EmptySpace, thinned
from mdsm_ros.manipulation.gripper import Gripper, hits, hold, samples
from mdsm_ros.manipulation.pairs import LEAST_PLAY, Pairs, antipodal_pairs
from mdsm_ros.manipulation.support import Plane

MOST_GRASPS = 5
APPROACHES = 12  # directions around the closing direction
BEYOND = (0.015, 0.005)  # metres by which the fingertips reach beyond the contacts
FROM_BELOW = 0.2  # largest sine of the angle at which a grasp may come from below
SUPPORT_CLEARANCE = 0.004  # metres between the gripper and the support plane
HIT_MARGIN = 0.003  # metres by which the gripper's bodies are enlarged against points
SLIPPING = 0.3  # fraction of the score that remains if the pads may slip
MOST_OBSTACLES, MOST_OWN = 1200, 900  # points for collision checks
CHUNK, MOST_TRIED = 64, 320  # grasps checked for collisions
SAME_PLACE, SAME_DIRECTION = 0.015, 25.0  # metres and degrees within which two grasps count as the same


@dataclass(frozen=True)
class Grasp:
    """A two-finger grasp, in the camera's optical frame.

    Attributes:
        position: Point between the fingertips in metres, (3,).
        axes: Rotation (3, 3) with the columns x (approach), y (closing direction) and z (across both).
        width: Metres between the contacts.
        opening: Metres between the fingers before they close.
        score: Score from 0 to 1, for ranking.
        contacts: Expected contacts of the fingers in metres, (2, 3).
    """

    position: NDArray[np.float64]
    axes: NDArray[np.float64]
    width: float
    opening: float
    score: float
    contacts: NDArray[np.float64]


@dataclass(frozen=True)
class Surroundings:
    """The surroundings that a gripper may hit.

    Attributes:
        obstacles: Points of everything but the object and its support plane in metres, (N, 3).
        support: Plane on which the object stands.
        empty: Space seen to be empty; grasps in it are better than those behind objects.
    """

    obstacles: NDArray[np.float64]
    support: Plane | None
    empty: EmptySpace


@dataclass(frozen=True)
class _Poses:
    """Grasps before the collision check, as arrays."""

    pair: NDArray[np.intp]
    positions: NDArray[np.float64]
    axes: NDArray[np.float64]
    openings: NDArray[np.float64]

    def at(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> _Poses:
        return _Poses(self.pair[index], self.positions[index], self.axes[index], self.openings[index])

    def to_camera(self, local: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, P, 3) of the grasps' frames in the camera's frame."""
        points: NDArray[np.float64] = self.positions[:, None] + np.einsum("npi,nji->npj", local, self.axes)
        return points


def find_grasps(
    seen: Cloud, hidden: Cloud, box: OrientedBox, around: Surroundings, gripper: Gripper
) -> tuple[tuple[Grasp, ...], str]:
    """Computes up to five different grasps, the best first; if there are none, the reason.

    Args:
        seen: Visible surface.
        hidden: Completed far side.
        box: Box around both.
        around: Surroundings that the gripper may hit.
        gripper: Sizes of the gripper.
    """
    pairs = antipodal_pairs(seen, hidden, box, gripper)
    if len(pairs.quality) == 0:
        return (), f"no two opposite surfaces are at most {gripper.max_width:g} m apart"
    poses = _poses(pairs, _down(seen, around.support), gripper)
    if around.support is not None:
        corners = poses.to_camera(samples(gripper.bodies(poses.openings), (2, 2, 2)))
        above = around.support.height(corners).min(axis=1) >= SUPPORT_CLEARANCE
        poses = poses.at(above & (poses.axes[:, :, 0] @ around.support.normal <= FROM_BELOW))
    if len(poses.pair) == 0:
        return (), "the gripper would hit the support plane in every grasp"
    scores = _scores(poses, pairs, box, around, gripper, seen)
    best = _best(poses, scores, seen.joined(hidden), _within_reach(around.obstacles, box, gripper), gripper)
    grasps = [
        Grasp(
            poses.positions[i],
            poses.axes[i],
            float(pairs.widths[poses.pair[i]]),
            float(poses.openings[i]),
            score,
            np.stack([pairs.first[poses.pair[i]], pairs.second[poses.pair[i]]]),
        )
        for i, score in best
    ]
    return tuple(grasps), "" if grasps else "the gripper would hit something in every grasp"


def _down(seen: Cloud, support: Plane | None) -> NDArray[np.float64]:
    """The preferred approach: down onto the support plane, or else along the line of sight."""
    sight = seen.points.mean(axis=0)
    return sight / np.linalg.norm(sight) if support is None else -support.normal


def _poses(pairs: Pairs, down: NDArray[np.float64], gripper: Gripper) -> _Poses:
    """Combines every pair with approaches from all around and two reaches of the fingertips."""
    closing = pairs.directions
    first = down - (closing @ down)[:, None] * closing
    level = np.linalg.norm(first, axis=1) < 0.1
    first[level] = np.cross(closing[level], np.roll(np.eye(3), 1, axis=1)[np.abs(closing[level]).argmin(axis=1)])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    angles = np.arange(APPROACHES) * 2 * np.pi / APPROACHES
    turned = np.cos(angles)[:, None] * first[:, None] + np.sin(angles)[:, None] * np.cross(closing, first)[:, None]
    approach = np.repeat(turned.reshape(-1, 3), len(BEYOND), axis=0)
    pair = np.repeat(np.arange(len(closing)), APPROACHES * len(BEYOND))
    beyond = np.tile(BEYOND, len(closing) * APPROACHES)
    axes = np.stack([approach, closing[pair], np.cross(approach, closing[pair])], axis=2)
    clearances = np.where(pairs.hidden, gripper.hidden_clearance, gripper.clearance)
    openings = np.minimum(pairs.widths + clearances.sum(axis=1), gripper.max_width)
    left = (openings - pairs.widths) / clearances.sum(axis=1)  # fraction of the clearances that fits
    middles = pairs.middles + (np.diff(clearances, axis=1)[:, 0] / 2 * left)[:, None] * closing
    return _Poses(pair, middles[pair] + beyond[:, None] * approach, axes, openings[pair])


def _scores(
    poses: _Poses, pairs: Pairs, box: OrientedBox, around: Surroundings, gripper: Gripper, seen: Cloud
) -> NDArray[np.float64]:
    """The scores (N,) of grasps from 0 to 1: a product, so that no factor compensates a bad one.

    The factors are the pair's quality, the distance from the box's middle, the approach (from above or along the line
    of sight), the room that the opening leaves, and the fraction of the gripper's space seen to be empty.
    """
    quality = 0.5 + 0.5 * pairs.quality
    off = np.linalg.norm(pairs.middles - box.center, axis=1) / (box.size.max() / 2)
    play = np.clip((gripper.max_width - pairs.widths) / 2 / LEAST_PLAY / 2, 0, 1)
    of_pair = quality * np.exp(-(off**2) / 2) * (0.6 + 0.4 * play)
    sight = seen.points.mean(axis=0)
    wanted = np.stack([_down(seen, around.support), sight / np.linalg.norm(sight)])
    approach = 0.75 + 0.25 * (poses.axes[:, :, 0] @ wanted.T).max(axis=1)
    empty = around.empty.contains(poses.to_camera(samples(gripper.bodies(poses.openings)))).mean(axis=1)
    return np.asarray(of_pair[poses.pair] * approach * (0.2 + 0.8 * empty**2))


def _best(
    poses: _Poses, scores: NDArray[np.float64], own: Cloud, obstacles: NDArray[np.float64], gripper: Gripper
) -> list[tuple[int, float]]:
    """Selects up to five different grasps without collisions, with their final scores, the best first.

    The final score also depends on how well the closing pads hold the cloud. Only the best grasps by the first score
    are checked.
    """
    own = own.at(thinned(len(own), MOST_OWN))
    order = np.argsort(-scores, kind="stable")[:MOST_TRIED]
    final = np.zeros(len(order))
    for start in range(0, len(order), CHUNK):
        part = order[start : start + CHUNK]
        tried = poses.at(part)
        bodies = gripper.bodies(tried.openings)
        hit = hits(bodies, HIT_MARGIN, tried.positions, tried.axes, obstacles)
        hit |= hits(bodies, HIT_MARGIN, tried.positions, tried.axes, own.points)
        held = hold(own, tried.positions, tried.axes, tried.openings, gripper)
        final[start : start + CHUNK] = np.where(hit, 0.0, scores[part] * (SLIPPING + (1 - SLIPPING) * held))
    chosen: list[tuple[int, float]] = []
    for k in np.argsort(-final, kind="stable"):
        if final[k] <= 0 or len(chosen) == MOST_GRASPS:
            break
        if not any(_same(poses, int(order[k]), other) for other, _ in chosen):
            chosen.append((int(order[k]), float(final[k])))
    return chosen


def _within_reach(points: NDArray[np.float64], box: OrientedBox, gripper: Gripper) -> NDArray[np.float64]:
    """Selects some of the points (N, 3) that a gripper around a box may touch."""
    size = (2 * gripper.palm_length + 2 * gripper.finger_length, gripper.max_width + gripper.palm_breadth)
    reach = (np.linalg.norm(box.size) + np.linalg.norm(size)) / 2 + max(BEYOND)
    points = points[np.linalg.norm(points - box.center, axis=1) <= reach]
    return points[thinned(len(points), MOST_OBSTACLES)]


def _same(poses: _Poses, i: int, j: int) -> bool:
    near = np.linalg.norm(poses.positions[i] - poses.positions[j]) < SAME_PLACE
    approach, closing, _ = np.abs(np.einsum("ki,ki->i", poses.axes[i], poses.axes[j]))
    return bool(near and min(approach, closing) > np.cos(np.deg2rad(SAME_DIRECTION)))
