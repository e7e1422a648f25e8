"""What a gripper needs to know of an object, as messages."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.geometry import quaternion
from mdsm_ros.manipulation.target import Target

UNKNOWN_ANGLE = math.pi**2 / 3  # variance of an angle of which nothing is known, square radians


def centroid_of(target: Target, header: Any) -> Any:
    """A ``geometry_msgs/PoseWithCovarianceStamped``: the mean of the visible surface; no orientation is estimated."""
    from geometry_msgs.msg import Point, Pose, PoseWithCovariance, PoseWithCovarianceStamped

    x, y, z = (float(value) for value in target.centroid)
    pose = PoseWithCovariance(pose=Pose(position=Point(x=x, y=y, z=z)), covariance=_covariance(target))
    return PoseWithCovarianceStamped(header=header, pose=pose)


def grasps_of(target: Target | None, header: Any) -> Any:
    """A ``geometry_msgs/PoseArray`` of the grasps, the best first; x is the approach, y the closing direction."""
    from geometry_msgs.msg import PoseArray

    grasps = () if target is None else target.grasps
    return PoseArray(header=header, poses=[pose_at(grasp.position, grasp.axes) for grasp in grasps])


def detections_3d_of(target: Target | None, instruction: str, score: float, header: Any) -> Any:
    """A ``vision_msgs/Detection3DArray``: the oriented box with the instruction as its class, or nothing.

    The covariance of the hypothesis is that of the centroid of the visible surface.
    """
    from geometry_msgs.msg import PoseWithCovariance, Vector3
    from vision_msgs.msg import BoundingBox3D, Detection3D, Detection3DArray, ObjectHypothesis, ObjectHypothesisWithPose

    if target is None:
        return Detection3DArray(header=header)
    center = pose_at(target.box.center, target.box.axes)
    x, y, z = (float(side) for side in target.box.size)
    result = ObjectHypothesisWithPose(
        hypothesis=ObjectHypothesis(class_id=instruction, score=score),
        pose=PoseWithCovariance(pose=center, covariance=_covariance(target)),
    )
    box = BoundingBox3D(center=center, size=Vector3(x=x, y=y, z=z))
    return Detection3DArray(header=header, detections=[Detection3D(header=header, results=[result], bbox=box)])


def pose_at(position: NDArray[np.float64], axes: NDArray[np.float64]) -> Any:
    """A ``geometry_msgs/Pose`` of a position (3,) and axes (3, 3) in columns."""
    from geometry_msgs.msg import Point, Pose, Quaternion

    x, y, z = (float(value) for value in position)
    qx, qy, qz, qw = quaternion(axes)
    return Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))


def _covariance(target: Target) -> NDArray[np.float64]:
    """Of x, y, z and the angles about them, row by row (36,)."""
    covariance = np.diag([UNKNOWN_ANGLE] * 6)
    covariance[:3, :3] = target.covariance
    return covariance.ravel()
