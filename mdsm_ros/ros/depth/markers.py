"""Box and grasps for RViz, as ``visualization_msgs/MarkerArray``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.manipulation.grasps import MOST_GRASPS, Grasp
from mdsm_ros.manipulation.gripper import Gripper
from mdsm_ros.manipulation.target import Target
from mdsm_ros.ros.depth.grasp_messages import DescribedObject, best_grasps, pose_at

BOX_COLOR = (0.1, 0.6, 1.0, 0.3)  # red, green, blue, alpha
BEST_COLOR, OTHER_COLOR = (0.1, 0.9, 0.2, 1.0), (1.0, 0.7, 0.1, 0.6)
LINE = 0.004  # metres
MOST_BOXES = 5


def markers_of(objects: Sequence[DescribedObject], gripper: Gripper, header: Any) -> Any:
    """Returns markers for five boxes and five grasps; unused markers are deleted.

    Each array therefore replaces the previous one completely, and a late subscriber shows no old markers.
    """
    from visualization_msgs.msg import Marker, MarkerArray

    markers = [Marker(header=header, ns="box", id=i, type=Marker.CUBE, action=Marker.DELETE) for i in range(MOST_BOXES)]
    for marker, described in zip(markers, objects, strict=False):
        _fill(marker, described.target)
    lines = [
        Marker(header=header, ns="grasps", id=i, type=Marker.LINE_LIST, action=Marker.DELETE)
        for i in range(MOST_GRASPS)
    ]
    for i, (marker, grasp) in enumerate(zip(lines, best_grasps(objects), strict=False)):
        _draw(marker, grasp, gripper, BEST_COLOR if i == 0 else OTHER_COLOR)
    return MarkerArray(markers=[*markers, *lines])


def _fill(marker: Any, target: Target) -> None:
    marker.action = marker.ADD
    marker.pose = pose_at(target.box.center, target.box.axes)
    marker.scale.x, marker.scale.y, marker.scale.z = (float(side) for side in target.box.size)
    _paint(marker, BOX_COLOR)


def _draw(marker: Any, grasp: Grasp, gripper: Gripper, color: tuple[float, ...]) -> None:
    from geometry_msgs.msg import Point

    marker.action = marker.ADD
    marker.pose = pose_at(grasp.position, grasp.axes)
    marker.scale.x = LINE
    marker.points = [Point(x=float(x), y=float(y), z=0.0) for x, y in _lines(grasp.opening, gripper)]
    _paint(marker, color)


def _lines(opening: float, gripper: Gripper) -> NDArray[np.float64]:
    """Returns the ends (8, 2) of four lines in the plane of a grasp: two fingers, the palm, and the wrist behind it."""
    half, palm, wrist = opening / 2, -gripper.finger_length, -gripper.finger_length - gripper.palm_length
    return np.array(
        [(0, half), (palm, half), (0, -half), (palm, -half), (palm, half), (palm, -half), (palm, 0), (wrist, 0)]
    )


def _paint(marker: Any, color: tuple[float, ...]) -> None:
    marker.color.r, marker.color.g, marker.color.b, marker.color.a = color
