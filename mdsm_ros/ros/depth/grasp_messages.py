"""Messages that describe an object for grasping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.geometry import quaternion
from mdsm_ros.manipulation.grasps import MOST_GRASPS, Grasp
from mdsm_ros.manipulation.target import Target

UNKNOWN_ANGLE = math.pi**2 / 3  # variance of an unknown angle, square radians


@dataclass(frozen=True)
class DescribedObject:
    """One object of an answer.

    Attributes:
        number: The object's id on ``~/instances``, from 1 on.
        name: The object's class: the instruction, or the noun phrase with which the model found it.
        score: The model's confidence, in [0, 1].
        target: The object's box, centroid and grasps.
    """

    number: int
    name: str
    score: float
    target: Target


def best_grasps(objects: Sequence[DescribedObject]) -> list[Grasp]:
    """Returns up to five grasps over all objects, the best first."""
    grasps = [grasp for one in objects for grasp in one.target.grasps]
    return sorted(grasps, key=lambda grasp: -grasp.score)[:MOST_GRASPS]


def centroid_of(target: Target, header: Any) -> Any:
    """A ``geometry_msgs/PoseWithCovarianceStamped``: the mean of the visible surface; no orientation is estimated."""
    from geometry_msgs.msg import Point, Pose, PoseWithCovariance, PoseWithCovarianceStamped

    x, y, z = (float(value) for value in target.centroid)
    pose = PoseWithCovariance(pose=Pose(position=Point(x=x, y=y, z=z)), covariance=_covariance(target))
    return PoseWithCovarianceStamped(header=header, pose=pose)


def grasps_of(objects: Sequence[DescribedObject], header: Any) -> Any:
    """A ``geometry_msgs/PoseArray`` of the grasps, the best first; x is the approach, y the closing direction."""
    from geometry_msgs.msg import PoseArray

    return PoseArray(header=header, poses=[pose_at(grasp.position, grasp.axes) for grasp in best_grasps(objects)])


def detections_3d_of(objects: Sequence[DescribedObject], header: Any) -> Any:
    """A ``vision_msgs/Detection3DArray`` of the oriented boxes.

    The covariance of a hypothesis is that of the centroid of the visible surface.
    """
    from vision_msgs.msg import Detection3DArray

    return Detection3DArray(header=header, detections=[_detection(one, header) for one in objects])


def _detection(described: DescribedObject, header: Any) -> Any:
    from geometry_msgs.msg import PoseWithCovariance, Vector3
    from vision_msgs.msg import BoundingBox3D, Detection3D, ObjectHypothesis, ObjectHypothesisWithPose

    box = described.target.box
    center = pose_at(box.center, box.axes)
    x, y, z = (float(side) for side in box.size)
    result = ObjectHypothesisWithPose(
        hypothesis=ObjectHypothesis(class_id=described.name, score=described.score),
        pose=PoseWithCovariance(pose=center, covariance=_covariance(described.target)),
    )
    bounds = BoundingBox3D(center=center, size=Vector3(x=x, y=y, z=z))
    return Detection3D(header=header, results=[result], bbox=bounds, id=str(described.number))


def pose_at(position: NDArray[np.float64], axes: NDArray[np.float64]) -> Any:
    """A ``geometry_msgs/Pose`` of a position (3,) and axes (3, 3) in columns."""
    from geometry_msgs.msg import Point, Pose, Quaternion

    x, y, z = (float(value) for value in position)
    qx, qy, qz, qw = quaternion(axes)
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))


def _covariance(target: Target) -> NDArray[np.float64]:
    """Returns the covariance of x, y, z and the angles about them, row by row (36,)."""
    covariance = np.diag([UNKNOWN_ANGLE] * 6)
    covariance[:3, :3] = target.covariance
    return covariance.ravel()
