"""One frame: what is described of it, beside what is true."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mdsm_ros.homes.camera_effects.depth import measured
from mdsm_ros.manipulation.box import OrientedBox
from mdsm_ros.manipulation.cloud import DepthView
from mdsm_ros.manipulation.gripper import Gripper
from mdsm_ros.manipulation.noise import DepthNoise
from mdsm_ros.manipulation.target import Target, describe
from training.evaluation.grasping.boxes import best_iou, is_round
from training.evaluation.grasping.contact import GraspPose, is_antipodal, is_free
from training.evaluation.grasping.frames import GraspFrame, fits
from training.evaluation.grasping.meshes import item_mesh, triangles_near
from training.evaluation.grasping.predicted import Prediction

REACH = 0.5  # metres around an object in which triangles can touch the gripper
SOFT_BORDER = 1.0  # pixels: standard deviation of the mask's probability at its border


@dataclass(frozen=True)
class Conditions:
    """What is given to the description of a frame.

    Attributes:
        gripper: Sizes of the gripper.
        noise: Noise of the depth, both simulated and assumed.
        wide: Pixels by which the mask is too wide.
        gravity: Whether the direction of gravity is told.
    """

    gripper: Gripper
    noise: DepthNoise
    wide: int = 1
    gravity: bool = False


@dataclass(frozen=True)
class GraspRecord:
    """What is known of one grasp."""

    score: float
    antipodal: bool
    free: bool


@dataclass(frozen=True)
class FrameRecord:
    """What is known of one frame; None where nothing was described.

    Attributes:
        fits: The object goes between the gripper's fingers.
        distance: Distance of the camera from the box's centre in metres.
        reason: Why nothing was described, or there is no grasp; "" otherwise.
        iou: IoU of the boxes.
        size, exact_size: The boxes' sides, metres.
        box_error: Between the boxes' centres, metres.
        centroid_error: Distance from the centroid of the exact visible surface in metres.
        mahalanobis: The same in standard deviations, squared; below 7.81 in 95 % of the frames of a right covariance.
        support: Whether a support plane was found, and whether it is level within 5 degrees.
        seconds: CPU seconds of the description.
        mask_iou: IoU of the given mask and the true one.
        instruction: What a model was asked for; "" for true masks.
    """

    home: int
    room: str
    kind: str
    model: str
    fits: bool
    distance: float
    pixels: int
    hidden: float
    reason: str
    exact_size: list[float]
    seconds: float
    mask_iou: float
    instruction: str = ""
    iou: float | None = None
    size: list[float] | None = None
    box_error: float | None = None
    centroid_error: float | None = None
    mahalanobis: float | None = None
    support: bool | None = None
    grasps: tuple[GraspRecord, ...] = ()


def judge(
    frame: GraspFrame, home: int, number: int, conditions: Conditions, prediction: Prediction | None = None
) -> dict[str, object]:
    """The record of a frame, as a dictionary; with a prediction its mask takes the place of the true one."""
    rng = np.random.default_rng((home, 5, number))
    turn, origin = frame.to_room()
    if prediction is None:
        mask = ndimage.binary_dilation(frame.mask, np.ones((3, 3)), iterations=conditions.wide)
        probability = ndimage.gaussian_filter(mask.astype(np.float64), SOFT_BORDER)
    else:
        mask, probability = prediction.mask, prediction.probability.astype(np.float64)
    depth = measured(frame.depth, rng, conditions.noise.coefficient)
    began = time.process_time()
    outcome = describe(
        mask,
        depth,
        frame.camera,
        probability=probability,
        up=turn.T @ (0.0, 0.0, 1.0) if conditions.gravity else None,
        gripper=conditions.gripper,
        noise=conditions.noise,
    )
    item = frame.room.items[frame.item]
    record = FrameRecord(
        home=home,
        room=frame.room.kind,
        kind=item.kind,
        model=item.model,
        fits=fits(frame.box, conditions.gripper),
        distance=float(np.linalg.norm(frame.box.center - origin)),
        pixels=int(frame.mask.sum()),
        hidden=frame.hidden,
        reason=outcome.reason,
        exact_size=frame.box.size.tolist(),
        seconds=time.process_time() - began,
        mask_iou=float((mask & frame.mask).sum() / (mask | frame.mask).sum()),
        instruction="" if prediction is None else prediction.instruction,
    )
    return asdict(record if outcome.target is None else _judged(record, frame, outcome.target, conditions))


def _judged(record: FrameRecord, frame: GraspFrame, target: Target, conditions: Conditions) -> FrameRecord:
    turn, origin = frame.to_room()
    mesh = item_mesh(frame.room.items[frame.item])
    box = OrientedBox(turn @ target.box.center + origin, turn @ target.box.axes, target.box.size)
    away = target.centroid - _exact_centroid(frame)
    triangles = triangles_near(frame.room, frame.box.center, REACH)
    grasps = []
    for grasp in target.grasps:
        pose = GraspPose(turn @ grasp.position + origin, turn @ grasp.axes, grasp.opening)
        free = is_free(pose, triangles, conditions.gripper)
        grasps.append(GraspRecord(grasp.score, is_antipodal(pose, mesh), free))
    level = target.support is not None and (turn @ target.support.normal)[2] > np.cos(np.deg2rad(5.0))
    return replace(
        record,
        reason=target.no_grasp,
        iou=best_iou(box, frame.box, is_round(mesh.vertices, frame.box)),
        size=target.box.size.tolist(),
        box_error=float(np.linalg.norm(box.center - frame.box.center)),
        centroid_error=float(np.linalg.norm(away)),
        mahalanobis=float(away @ np.linalg.solve(target.covariance, away)),
        support=bool(level),
        grasps=tuple(grasps),
    )


def _exact_centroid(frame: GraspFrame) -> NDArray[np.float64]:
    view = DepthView(frame.depth.astype(np.float64), frame.camera, DepthNoise())
    return np.asarray(view.points(frame.mask).mean(axis=0))
