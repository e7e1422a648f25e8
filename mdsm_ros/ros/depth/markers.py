"""Box and grasps for RViz, as ``visualization_msgs/MarkerArray``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.manipulation.grasps import MOST_GRASPS, Grasp
from mdsm_ros.manipulation.gripper import Gripper
from mdsm_ros.manipulation.target import Target
from mdsm_ros.ros.depth.grasp_messages import pose_at

BOX_COLOR = (0.1, 0.6, 1.0, 0.3)  # red, green, blue, alpha
BEST_COLOR, OTHER_COLOR = (0.1, 0.9, 0.2, 1.0), (1.0, 0.7, 0.1, 0.6)
LINE = 0.004  # metres


def markers_of(target: Target | None, gripper: Gripper, header: Any) -> Any:
    """One marker for the box and one for each of five grasps; what there is not is deleted.

    So each array replaces all of the one before, and a subscriber that comes later shows nothing old.
    """
    from visualization_msgs.msg import Marker, MarkerArray

    markers = [_box(target, header)]
    grasps: tuple[Grasp, ...] = () if target is None else target.grasps
    for number in range(MOST_GRASPS):
        marker = Marker(header=header, ns="grasps", id=number, type=Marker.LINE_LIST, action=Marker.DELETE)
        if number < len(grasps):
            _draw(marker, grasps[number], gripper, BEST_COLOR if number == 0 else OTHER_COLOR)
        markers.append(marker)
    return MarkerArray(markers=markers)


def _box(target: Target | None, header: Any) -> Any:
    from geometry_msgs.msg import Vector3
    from visualization_msgs.msg import Marker

    marker = Marker(header=header, ns="box", id=0, type=Marker.CUBE, action=Marker.DELETE)
    if target is not None:
        marker.action = Marker.ADD
        marker.pose = pose_at(target.box.center, target.box.axes)
        x, y, z = (float(side) for side in target.box.size)
        marker.scale = Vector3(x=x, y=y, z=z)
        _paint(marker, BOX_COLOR)
    return marker


def _draw(marker: Any, grasp: Grasp, gripper: Gripper, color: tuple[float, ...]) -> None:
    from geometry_msgs.msg import Point

    marker.action = marker.ADD
    marker.pose = pose_at(grasp.position, grasp.axes)
    marker.scale.x = LINE
    marker.points = [Point(x=float(x), y=float(y), z=0.0) for x, y in _lines(grasp.opening, gripper)]
    _paint(marker, color)


def _lines(opening: float, gripper: Gripper) -> NDArray[np.float64]:
    """Ends (8, 2) of four lines in the plane of a grasp: two fingers, the palm, and the wrist behind it."""
    half, palm, wrist = opening / 2, -gripper.finger_length, -gripper.finger_length - gripper.palm_length
    return np.array(
        [(0, half), (palm, half), (0, -half), (palm, -half), (palm, half), (palm, -half), (palm, 0), (wrist, 0)]
    )


def _paint(marker: Any, color: tuple[float, ...]) -> None:
    marker.color.r, marker.color.g, marker.color.b, marker.color.a = color
